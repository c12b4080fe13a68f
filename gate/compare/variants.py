"""Combinations: every call is known and often enough, yet no golden trace shows them together like this.

Interval by interval, an early return can look like a small request. The set of calls below an operation, taken as a whole,
tells them apart: calls that always came together come apart.
"""

from gate.compare.align import Alignment
from gate.compare.divergence import Difference, Divergence
from gate.compare.schema import Slot
from gate.compare.shape import Shape
from gate.compare.stability import UNSEEN


def unseen_variants(alignment: Alignment, samples: int) -> tuple[list[Divergence], int]:
    """The deepest operations whose set of calls no sample shows; and how many where samples vary too much to say."""
    shape = alignment.shape
    operations = shape.flow.operations
    inside: set[int] = set()
    found: list[Divergence] = []
    tolerated = 0
    for index in range(shape.size - 1, -1, -1):
        slot = alignment.slot_of[index]
        if slot is None or shape.collapsed[index] in slot.shapes:
            continue
        if operations[index].parent >= 0:
            inside.add(operations[index].parent)
        if index in inside:
            continue
        if _varies(slot, samples):
            tolerated += 1
        else:
            found.append(_divergence(shape, slot, index))
    return found, tolerated


def _varies(slot: Slot, samples: int) -> bool:
    """Whether new combinations are to be expected here (Good–Turing)."""
    once = sum(len(seen) == 1 for seen in slot.shapes.values())
    return once > UNSEEN * samples


def _divergence(shape: Shape, slot: Slot, index: int) -> Divergence:
    present = {shape.labels[child] for child in shape.children[index]}
    with_calls = ", ".join(sorted({label[1] for label in present})[:6]) or "no calls"
    without = ", ".join(sorted({label[1] for label in slot.groups if label not in present})[:6])
    detail = f"{with_calls}{f' without {without}' if without else ''}"
    return Divergence(Difference.VARIANT, shape.labels[index], index, slot=slot, operations=(index,), after=detail)
