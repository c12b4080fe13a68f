"""The candidate beside its nearest golden sample: pairs in display order, and the order in which places complete."""

from gate.compare.align import Alignment
from gate.compare.learn import Baseline
from gate.compare.schema import Slot


class Pairing:
    """`pairs`: (sample operation or -1, candidate operation or -1), parents before children, siblings by time.

    `completed`: position of each candidate operation, `lost` of each sample operation without a partner, children before parents.
    """

    __slots__ = ("completed", "lost", "pairs", "sample_of")

    def __init__(self) -> None:
        self.pairs: list[tuple[int, int]] = []
        self.completed: dict[int, int] = {}
        self.lost: dict[int, int] = {}
        self.sample_of: dict[int, int] = {}


def pair(alignment: Alignment, baseline: Baseline, sample: int) -> Pairing:
    """Pairs a candidate with one sample through the slots that both fill."""
    result = Pairing()
    result.sample_of = _partners(alignment, baseline, sample)
    _walk(result, alignment, baseline, sample)
    return result


def _partners(alignment: Alignment, baseline: Baseline, sample: int) -> dict[int, int]:
    golden = baseline.samples[sample]
    places = baseline.places(sample)
    parents = [operation.parent for operation in golden.flow.operations]
    by_place: dict[tuple[int, int], list[int]] = {}
    by_slot: dict[int, list[int]] = {}
    for index in range(golden.size - 1, -1, -1):
        slot = id(places[index])
        by_place.setdefault((parents[index], slot), []).append(index)
        by_slot.setdefault(slot, []).append(index)
    partner: dict[int, int] = {}
    taken: set[int] = set()
    late: list[tuple[int, Slot]] = []
    operations = alignment.shape.flow.operations
    for index, slot in enumerate(alignment.slot_of):
        if slot is None:
            continue
        parent = operations[index].parent
        above = partner.get(parent, -2) if parent >= 0 else -1
        candidates = by_place.get((above, id(slot)))
        if candidates:
            partner[index] = candidates.pop()
            taken.add(partner[index])
        else:
            late.append((index, slot))
            for member in by_slot.get(id(slot), ())[::-1]:
                if member not in taken and above == -2:
                    partner[index] = member
                    taken.add(member)
                    by_place[(parents[member], id(slot))].remove(member)
                    break
    for index, slot in late:
        if index in partner:
            continue
        for member in by_slot.get(id(slot), ())[-1:]:
            if member not in taken:
                partner[index] = member
                taken.add(member)
    return partner


def _walk(result: Pairing, alignment: Alignment, baseline: Baseline, sample: int) -> None:
    """Merged pre-order of both trees; numbers places on the way up. Iterative."""
    golden = baseline.samples[sample]
    shape = alignment.shape
    taken = set(result.sample_of.values())
    clock = 0
    stack: list[tuple[int, int, bool]] = [(result.sample_of.get(0, -1), 0, False)]
    if stack[0][0] < 0:
        stack.insert(0, (0, -1, False))
    while stack:
        before, after, leaving = stack.pop()
        if leaving:
            if after >= 0:
                result.completed[after] = clock
            else:
                result.lost[before] = clock
            clock += 1
            continue
        result.pairs.append((before, after))
        stack.append((before, after, True))
        old = [child for child in golden.children[before] if child not in taken] if before >= 0 else []
        if after < 0:
            stack.extend((child, -1, False) for child in reversed(old))
            continue
        merged: list[tuple[int, int, bool]] = []
        position = 0
        new: list[int] = []
        for child in shape.children[after]:
            partner = result.sample_of.get(child, -1)
            if partner < 0 or golden.flow.operations[partner].parent != before:
                new.append(child)
                continue
            while position < len(old) and old[position] < partner:  # what is gone stands before what came instead
                merged.append((old[position], -1, False))
                position += 1
            merged.extend((result.sample_of.get(one, -1), one, False) for one in new)
            new.clear()
            merged.append((partner, child, False))
        merged.extend((child, -1, False) for child in old[position:])
        merged.extend((result.sample_of.get(one, -1), one, False) for one in new)
        stack.extend(reversed(merged))
