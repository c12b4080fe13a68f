"""Combinations: every call is known and often enough, yet no golden trace shows them together like this.

Interval by interval, an early return can look like a small request. The set of calls below an operation, taken as a whole,
tells them apart: calls that always came together come apart.
"""

from gate.compare.align import Alignment
from gate.compare.changes import Scene, subtree
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_durable
from gate.compare.schema import Slot
from gate.compare.shape import Label, Shape
from gate.compare.stability import UNSEEN
from gate.compare.statement_text import short_statement

_NUMBERS = frozenset({Difference.MISSING, Difference.ADDED, Difference.COUNT})


def unseen_variants(alignment: Alignment, scene: Scene) -> tuple[list[Divergence], int]:
    """The deepest operations whose set of calls no sample shows; and how many where samples vary too much to say."""
    shape, samples = alignment.shape, len(scene.baseline.samples)
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
            found.append(_divergence(alignment, scene, slot, index))
    return found, tolerated


def vanished_writes(alignment: Alignment, scene: Scene) -> list[Divergence]:
    """Writes that are gone where other calls changed: each of several is optional, every golden caller makes one, this one none."""
    shape, golden = scene.shape, scene.golden
    changed = {divergence.parent for divergence in alignment.divergences if divergence.difference in _NUMBERS}
    found: list[Divergence] = []
    for index in sorted(changed):
        slot, partner = alignment.slot_of[index], scene.pairing.sample_of.get(index)
        if slot is None or partner is None or _writes(shape, index):
            continue
        if not all(_writes(scene.baseline.samples[sample], at) for sample, at in slot.where):
            continue
        known = {divergence.label for divergence in alignment.divergences if divergence.parent == index}
        for label in _durable_calls(golden, partner):
            group = slot.groups.get(label)
            if group and label not in known and group.allows(0):
                gone = Divergence(
                    Difference.MISSING, label, index, slot=slot, group=group, slots=tuple(group.slots), before=group.text()
                )
                found.append(gone)
    return found


def _writes(shape: Shape, index: int) -> bool:
    operations = shape.flow.operations
    return any(is_durable(operations[child]) for child in shape.children[index])


def _durable_calls(shape: Shape, index: int) -> list[Label]:
    operations = shape.flow.operations
    return list(dict.fromkeys(shape.labels[child] for child in shape.children[index] if is_durable(operations[child])))


def _varies(slot: Slot, samples: int) -> bool:
    """Whether new combinations are to be expected here (Good–Turing)."""
    once = sum(len(seen) == 1 for seen in slot.shapes.values())
    return once > UNSEEN * samples


def _divergence(alignment: Alignment, scene: Scene, slot: Slot, index: int) -> Divergence:
    """At the operation below which all that differs from the nearest sample is."""
    shape, golden = scene.shape, scene.golden
    partner = scene.pairing.sample_of.get(index)
    while partner is not None:
        pairs = [(child, scene.pairing.sample_of.get(child)) for child in shape.children[index]]
        differing = [(child, old) for child, old in pairs if old is None or golden.collapsed[old] != shape.collapsed[child]]
        if len(differing) != 1 or differing[0][1] is None or len(pairs) != len(golden.children[partner]):
            break
        below = alignment.slot_of[differing[0][0]]
        if below is None:
            break
        slot, (index, partner) = below, differing[0]
    detail = _what_differs(scene, index, partner) if partner is not None else ""
    return Divergence(
        Difference.VARIANT, shape.labels[index], index, slot=slot, operations=(index,), after=detail or _calls(shape, slot, index)
    )


def _what_differs(scene: Scene, index: int, partner: int) -> str:
    """The calls that only one of both has, as `without INSERT …, with …`; writes first."""
    here = {scene.shape.labels[at]: at for at in subtree(scene.shape, [index])[1:]}
    there = {scene.golden.labels[at]: at for at in subtree(scene.golden, [partner])[1:]}
    parts: list[str] = []
    for word, shape, own, other in (("without", scene.golden, there, here), ("with", scene.shape, here, there)):
        only = [at for label, at in own.items() if label not in other]
        only.sort(key=lambda at: (not is_durable(shape.flow.operations[at]), at))
        if only:
            named = [short_statement(shape.labels[at][2] or shape.labels[at][1], 100) for at in only[:2]]
            parts.append(f"{word} {', '.join(named)}{f' and {len(only) - 2} more' if len(only) > 2 else ''}")
    return ", ".join(parts)


def _calls(shape: Shape, slot: Slot, index: int) -> str:
    present = {shape.labels[child] for child in shape.children[index]}
    with_calls = ", ".join(sorted({label[1] for label in present})[:6]) or "no calls"
    without = ", ".join(sorted({label[1] for label in slot.groups if label not in present})[:6])
    return f"{with_calls}{f' without {without}' if without else ''}"
