"""Calls that run one after the other and ran at the same time, or the other way round: judged over all instances of a run."""

from collections.abc import Sequence

from gate.compare.align import Alignment
from gate.compare.divergence import Difference, Divergence
from gate.compare.shape import Label
from gate.compare.timing import Timing, changed


def concurrency_divergences(alignments: Sequence[Alignment], timings: dict[Label, Timing]) -> list[tuple[int, Divergence]]:
    """(alignment, divergence) for each caller whose loose calls now lie otherwise in every instance; one pair a caller."""
    pooled: dict[Label, dict[tuple[Label, Label], list[int]]] = {}
    places: dict[tuple[Label, Label, Label], list[tuple[int, int]]] = {}
    for number, alignment in enumerate(alignments):
        for index, first, then, lies in alignment.seen:
            slot = alignment.slot_of[index]
            if slot is not None:
                pooled.setdefault(slot.label, {}).setdefault((first, then), [0, 0, 0])[lies] += 1
                places.setdefault((slot.label, first, then), []).append((number, index))
    found: list[tuple[int, Divergence]] = []
    for caller, pairs in pooled.items():
        for (first, then), seen in pairs.items():
            if outcome := changed(timings[caller].pairs[first, then], seen):
                for number, index in places[caller, first, then]:
                    found.append((number, _divergence(alignments[number], index, first, then, outcome)))
                break
    return found


def _divergence(alignment: Alignment, index: int, first: Label, then: Label, outcome: str) -> Divergence:
    shape = alignment.shape
    operations = tuple(child for child in shape.children[index] if shape.labels[child] in (first, then))
    order = outcome in {"forward", "backward"}
    if outcome == "forward":
        first, then = then, first
    return Divergence(
        Difference.ORDER if order else Difference.CONCURRENCY,
        first,
        index,
        slot=alignment.slot_of[index],
        operations=operations,
        before="serial" if outcome != "serial" else "parallel",
        after="" if order else outcome,
        after_label=then,
    )
