"""Calls that run one after the other and ran at the same time, or the other way round: judged over all instances of a run."""

from collections.abc import Sequence

from gate.compare.align import Alignment
from gate.compare.divergence import Difference, Divergence
from gate.compare.shape import Label
from gate.compare.timing import Timing, changed


def concurrency_divergences(alignments: Sequence[Alignment], timings: dict[Label, Timing]) -> list[tuple[int, Divergence]]:
    """(alignment, divergence) for each caller whose loose calls now lie otherwise in every instance; one pair a caller."""
    pooled: dict[Label, Timing] = {}
    places: dict[tuple[Label, Label, Label], list[tuple[int, int]]] = {}
    for number, alignment in enumerate(alignments):
        for index, seen in alignment.seen:
            slot = alignment.slot_of[index]
            if slot is None:
                continue
            total = pooled.setdefault(slot.label, Timing())
            for pair, counts in seen.pairs.items():
                known = total.pairs.setdefault(pair, [0, 0, 0])
                for kind, count in enumerate(counts):
                    known[kind] += count
                places.setdefault((slot.label, *pair), []).append((number, index))
    found: list[tuple[int, Divergence]] = []
    for caller, total in pooled.items():
        golden = timings[caller]
        for (first, then), seen in total.pairs.items():
            if first not in golden.loose and then not in golden.loose:
                continue
            outcome = changed(golden.pairs.get((first, then), [0, 0, 0]), seen)
            if not outcome:
                continue
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
