"""The candidate beside its nearest golden sample: pairs in display order, and the order in which places complete."""

from gate.compare.align import Alignment
from gate.compare.learn import Baseline
from gate.compare.shape import Shape

LARGEST_SEARCH = 1000
"""Instances of one slot among which a counterpart of a call that moved is looked for."""


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
    """Candidate operation → the sample's that fills the same slot, below the same caller if there is one."""
    golden = baseline.samples[sample]
    members = baseline.members(sample)
    parents, above_of = alignment.shape.parents, golden.parents
    taken = bytearray(golden.size)
    waiting: dict[tuple[int, int], list[int]] = {}
    partner: dict[int, int] = {}
    late: list[int] = []
    for index, slot in enumerate(alignment.slot_of):
        if slot is None:
            continue
        own = members.get(id(slot))
        if own is None:
            continue
        parent = parents[index]
        above = partner.get(parent, -2) if parent >= 0 else -1
        if len(own) == 1:
            found = own[0] if above_of[own[0]] == above and not taken[own[0]] else -1
        else:
            if (id(slot), -2) not in waiting:
                waiting[id(slot), -2] = []
                for one in reversed(own):
                    waiting.setdefault((id(slot), above_of[one]), []).append(one)
            queue = waiting.get((id(slot), above))
            found = queue.pop() if queue else -1
        if found < 0:
            late.append(index)
            if above != -2:
                continue
            found = next((one for one in own[:LARGEST_SEARCH] if not taken[one]), -1)
            if found < 0:
                continue
        partner[index] = found
        taken[found] = 1
    for index in late:
        slot = alignment.slot_of[index]
        if index not in partner and slot is not None:
            found = next((one for one in members[id(slot)][:LARGEST_SEARCH] if not taken[one]), -1)
            if found >= 0:
                partner[index] = found
                taken[found] = 1
    return partner


def _walk(result: Pairing, alignment: Alignment, baseline: Baseline, sample: int) -> None:
    """Merged pre-order of both trees; numbers places on the way up. Iterative.

    The stack holds numbers: candidate operations from 0 on, the sample's below 0; what is left again stands on `leaving`.
    """
    golden = baseline.samples[sample]
    children, old_children = alignment.shape.children, golden.children
    sample_of = result.sample_of
    taken = set(sample_of.values())
    gaps = {golden.parents[index] for index in range(golden.size) if index not in taken}
    clock = 0
    stack = [0] if 0 in sample_of else [-1, 0]
    leaving: list[int] = []
    depth: list[int] = []
    while stack or leaving:
        while depth and len(stack) == depth[-1]:
            depth.pop()
            left = leaving.pop()
            if left >= 0:
                result.completed[left] = clock
            else:
                result.lost[-left - 1] = clock
            clock += 1
        if not stack:
            continue
        code = stack.pop()
        leaving.append(code)
        depth.append(len(stack))
        if code < 0:
            before = -code - 1
            result.pairs.append((before, -1))
            stack.extend(-child - 1 for child in reversed(old_children[before]) if child not in taken)
            continue
        before = sample_of.get(code, -1)
        result.pairs.append((before, code))
        if before in gaps and before >= 0:
            stack.extend(reversed(_merged(code, before, result, alignment, golden, taken)))
        elif children[code]:
            stack.extend(children[code][::-1])


def _merged(code: int, before: int, result: Pairing, alignment: Alignment, golden: Shape, taken: set[int]) -> list[int]:
    """The calls of a pair in display order, as numbers of the stack: what is gone stands before what came instead."""
    old = [child for child in golden.children[before] if child not in taken]
    merged: list[int] = []
    new: list[int] = []
    position = 0
    for child in alignment.shape.children[code]:
        partner = result.sample_of.get(child, -1)
        if partner < 0 or golden.parents[partner] != before:
            new.append(child)
            continue
        while position < len(old) and old[position] < partner:
            merged.append(-old[position] - 1)
            position += 1
        merged.extend(new)
        new.clear()
        merged.append(child)
    merged.extend(-child - 1 for child in old[position:])
    merged.extend(new)
    return merged
