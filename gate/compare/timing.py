"""Which calls of one caller follow each other and which overlap, pooled over every place where the caller shows up.

Overlap is a matter of luck in a single trace. So what runs at the same time is judged over all instances of a caller in a
run: only when chance can hardly make all of them differ from the golden runs, the concurrency changed.
"""

from gate.compare.durable import is_connecting
from gate.compare.shape import Label, Shape

MILLISECOND = 1_000_000
"""In nanoseconds."""
LARGEST_ORDERED = 24
"""Labels under one caller up to which every pair is looked at; beyond, neighbours."""
NEIGHBOURS = 4
CHANCE = 0.01
"""Probability below which a difference is no accident."""
RARE = 0.2
"""Share of the golden instances up to which an outcome counts as never seen: instances of one run are not independent."""

FIRM = 20
"""Golden instances, wherever the caller shows up, from which an order without exception holds for every one."""
FEWEST = 5
"""Golden instances from which a pair says anything."""


class Timing:
    """How the calls of one caller lie in time. Pairs are ordered by label; only calls of one service share a clock."""

    __slots__ = ("_decided", "_firm", "_unsure", "late", "loose", "pairs")

    def __init__(self) -> None:
        self.pairs: dict[tuple[Label, Label], list[int]] = {}
        """How often the first ended before the second began, the other way round, and how often they overlapped."""
        self.loose: set[Label] = set()
        """Calls that ever overlapped another."""
        self.late: set[Label] = set()
        """Calls that ever began when the caller had ended: nothing waits for them, so what they overlap is luck."""
        self._unsure: dict[tuple[Label, Label], list[int]] = {}
        """Of `pairs`, the orders that only a coarse clock allows; none where calls were seen to overlap."""
        self._decided: list[tuple[Label, Label]] | None = None
        self._firm: set[tuple[Label, Label]] | None = None

    def firm(self) -> set[tuple[Label, Label]]:
        """(earlier, later) for the pairs that lay this way in every one of many golden instances: no luck."""
        if self._firm is None:
            self._firm = set()
            for (first, then), (forward, backward, together) in self.pairs.items():
                if not together and max(forward, backward) >= FIRM and not min(forward, backward):
                    self._firm.add((first, then) if forward else (then, first))
        return self._firm

    def decided(self) -> list[tuple[Label, Label]]:
        """The pairs with a loose call that lie one way nearly always: what a run can contradict. When a pool hands out a connection
        says nothing."""
        if self._decided is None:
            self._decided = [
                (first, then)
                for (first, then), counts in self.pairs.items()
                if (first in self.loose or then in self.loose)
                and self.late.isdisjoint((first, then))
                and not (is_connecting(first) or is_connecting(then))
                and sum(counts) >= FEWEST
                and max(counts) >= (1 - RARE) * sum(counts)
            ]
        return self._decided

    def observe(self, shape: Shape, by_label: dict[Label, list[int]], spans: list[tuple[Label, int, int]]) -> None:
        """Adds one instance: its calls, and their intervals by start."""
        starts = {label: start for label, start, _ in spans}
        ends = {label: end for label, _, end in spans}
        for first, then, overlapping in relations(spans):
            if overlapping and len(by_label[first]) + len(by_label[then]) > 2:
                continue  # repetitions that alternate do not run at the same time
            forward = first <= then
            pair = (first, then) if forward else (then, first)
            counts = self.pairs.setdefault(pair, [0, 0, 0])
            at = 2 if overlapping else 0 if forward else 1
            if not overlapping and ends[first] > starts[then]:  # only as far as the clock can tell
                if counts[2]:
                    continue
                self._unsure.setdefault(pair, [0, 0, 0])[at] += 1
            elif overlapping and pair in self._unsure:
                counts[:] = [known - unsure for known, unsure in zip(counts, self._unsure.pop(pair), strict=True)]
            counts[at] += 1
        self._decided = self._firm = None
        operations = shape.flow.operations
        members = sorted(
            (operations[member].start_ns, operations[member].end_ns, label) for label, own in by_label.items() for member in own
        )
        ended = operations[operations[next(iter(by_label.values()))[0]].parent].end_ns
        self.late.update(label for start, _, label in members if start >= ended)
        longest = members[0]
        for start, end, label in members[1:]:
            if label[0] == longest[2][0] and overlaps(longest[0], longest[1], start, end):
                self.loose.update((label, longest[2]))
            if end > longest[1]:
                longest = (start, end, label)


def relation(first: tuple[int, int], then: tuple[int, int], number: int, *, sure: bool = False) -> int | None:
    """Of two intervals: 0 when the first ends before the other, 1 the other way round, 2 when they overlap; None says nothing.

    `sure`: an order that only a coarse clock allows says nothing.
    """
    if sure and min(first[1], then[1]) > max(first[0], then[0]) and not overlaps(*first, *then):
        return None
    if precedes(*first, *then):
        return 0
    if precedes(*then, *first):
        return 1
    return 2 if number == 2 and overlaps(*first, *then) else None


def relations(spans: list[tuple[Label, int, int]]) -> list[tuple[Label, Label, bool]]:
    """(earlier, later, whether they overlap) for the pairs of calls that say anything: a slight overlap says nothing."""
    found: list[tuple[Label, Label, bool]] = []
    reach = len(spans) if len(spans) <= LARGEST_ORDERED else NEIGHBOURS
    for position, (first, start, end) in enumerate(spans):
        for then, other_start, other_end in spans[position + 1 : position + 1 + reach]:
            if first[0] != then[0]:
                continue
            if precedes(start, end, other_start, other_end):
                found.append((first, then, False))
            elif overlaps(start, end, other_start, other_end):
                found.append((first, then, True))
    return found


def precedes(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether the first of two intervals ended before the other began, as far as their clock can tell.

    By a coarse clock one that began clearly earlier and may have ended in time did: what runs at the same time begins together.
    """
    grain = _grain(start, end, other_start, other_end)
    return end <= other_start + grain and (not grain or other_start - start > grain)


def begins_first(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether the first of two intervals was over when the other began, which may show by its begin only."""
    grain = _grain(start, end, other_start, other_end)
    return end <= other_start + grain and (not grain or start < other_start)


def overlaps(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two intervals share a good part (a third) of the shorter one, as far as their clock can tell."""
    shared = min(end, other_end) - max(start, other_start)
    return shared > _grain(start, end, other_start, other_end) and shared * 3 >= min(end - start, other_end - other_start)


def _grain(start: int, end: int, other_start: int, other_end: int) -> int:
    """By how much the places of two intervals are uncertain: the JavaScript SDK begins spans at whole milliseconds, measures their
    length finer and adds it, so each lies up to a millisecond earlier than it was."""
    coarse = not (start % MILLISECOND or other_start % MILLISECOND) and (end % MILLISECOND or other_end % MILLISECOND)
    return MILLISECOND if coarse else 0


def intervals(shape: Shape, by_label: dict[Label, list[int]]) -> list[tuple[Label, int, int]]:
    """Label, first start and last end of each group of children, by start."""
    operations = shape.flow.operations
    found: list[tuple[Label, int, int]] = []
    for label, members in by_label.items():
        if len(members) == 1:
            operation = operations[members[0]]
            found.append((label, operation.start_ns, operation.end_ns))
        else:
            start = min(operations[member].start_ns for member in members)
            found.append((label, start, max(operations[member].end_ns for member in members)))
    found.sort(key=lambda interval: (interval[1], interval[2], interval[0]))
    return found


def changed(golden: list[int], seen: list[int]) -> str:
    """`parallel`, `serial`, `forward` or `backward` when what a run shows cannot be an accident, else nothing.

    Counts as in `Timing.pairs`. All instances of the run must show what hardly any golden one does. Chance is the rule of
    succession, (times seen + 1) / (instances + 2), for every instance anew.
    """
    instances, total = sum(seen), sum(golden)
    if not instances or not total:
        return ""
    for index, outcome in enumerate(("forward", "backward", "parallel")):
        if seen[index] != instances:
            continue
        often = golden[index]
        if outcome != "parallel" and golden[2] * 2 > total:
            outcome, often = "serial", golden[0] + golden[1]
        rare = often <= RARE * total and ((often + 1) / (total + 2)) ** instances <= CHANCE
        return outcome if rare else ""
    return ""
