"""What the golden runs as wholes say: how often each call happens in a run, and what happens on first use only."""

from collections import Counter
from collections.abc import Sequence, Set

from gate.compare.shape import Label, Shape
from gate.model.flow import Operation


class GoldenRuns:
    """The golden runs, looked at only when a candidate differs."""

    __slots__ = ("_constant", "_prepared", "_runs", "_totals", "first_use", "most", "most_processes")

    def __init__(self) -> None:
        self._runs: list[tuple[str, list[Shape]]] = []
        self.most: Counter[Label] = Counter()
        """The most of each call in one golden run."""
        self.most_processes: Counter[str] = Counter()
        """By service, the most processes that one golden run had."""
        self._prepared = False
        self.first_use: set[Label] = set()
        """Calls that golden processes make only the first time that they do something."""
        self._constant: dict[Label, int] = {}
        self._totals: list[Counter[Label]] = []

    def add(self, run: str, shapes: Sequence[Shape]) -> None:
        """Learns one more golden run: the shapes of all its flows."""
        self._runs.append((run, list(shapes)))
        self._prepared = False

    def all(self) -> list[tuple[str, list[Shape]]]:
        """Run id and shapes of every golden run, oldest first."""
        return self._runs

    def prepare(self) -> None:
        """Counts, once."""
        if self._prepared:
            return
        self._prepared = True
        self.most.clear()
        supports: Counter[Label] = Counter()
        against: Counter[Label] = Counter()
        totals: list[Counter[Label]] = []
        for _, shapes in self._runs:
            counts = count_calls(shapes)
            for label, count in counts.items():
                self.most[label] = max(self.most[label], count)
            for service, processes in processes_of(shapes).items():
                self.most_processes[service] = max(self.most_processes[service], len(processes))
            totals.append(counts)
            _watch_first_use(shapes, supports, against)
        self._totals = totals
        if len(totals) > 1:
            self._constant = {label: count for label, count in totals[0].items() if all(one[label] == count for one in totals)}
        callers = {
            shape.labels[index]
            for _, shapes in self._runs
            for shape in shapes
            for index, below in enumerate(shape.children)
            if below
        }
        self.first_use = {label for label, number in supports.items() if number >= 2 and not against[label]} - callers

    def is_constant(self, label: Label, count: int) -> bool:
        """Whether every golden run makes this call exactly so often; one run alone shows no constancy."""
        return self._constant.get(label) == count

    def has_total(self, label: Label, count: int, caller: Label, callers: int) -> bool:
        """Whether several golden runs make this call exactly so often, with as many of its caller."""
        return sum(one[label] == count and one[caller] == callers for one in self._totals) > 1

    def within(self, label: Label, count: int) -> bool:
        """Whether a run may have so many of these calls: no more than twice and one more than any golden run."""
        return count <= 2 * self.most[label] + 1


def calls_by_process(shapes: Sequence[Shape]) -> dict[tuple[str, str], Counter[Label]]:
    """By service and process, how often it makes which call."""
    found: dict[tuple[str, str], Counter[Label]] = {}
    for shape in shapes:
        for operation, label in zip(shape.flow.operations, shape.labels, strict=True):
            found.setdefault((operation.service, operation.process), Counter())[label] += 1
    return found


def processes_of(shapes: Sequence[Shape]) -> dict[str, set[str]]:
    """By service, the processes of a run that say which they are."""
    found: dict[str, set[str]] = {}
    for shape in shapes:
        for operation in shape.flow.operations:
            if operation.process:
                found.setdefault(operation.service, set()).add(operation.process)
    return found


def count_calls(shapes: Sequence[Shape]) -> Counter[Label]:
    """How often each call happens in a run."""
    counts: Counter[Label] = Counter()
    for shape in shapes:
        counts.update(shape.labels)
    return counts


def first_instances(shapes: Sequence[Shape], wanted: Set[Label]) -> set[int]:
    """The operations (by `id`) with a wanted label that are the first of their kind and outcome in their process."""
    first: dict[tuple[str, Label, str], Operation] = {}
    for shape in shapes:
        for index, label in enumerate(shape.labels):
            if label not in wanted:
                continue
            operation = shape.flow.operations[index]
            place = operation.process, label, shape.outcomes[index]
            if place not in first or operation.start_ns < first[place].start_ns:
                first[place] = operation
    return {id(operation) for operation in first.values()}


def _watch_first_use(shapes: Sequence[Shape], supports: Counter[Label], against: Counter[Label]) -> None:
    """One run: per process and caller, in order of time, which calls come only first."""
    instances: dict[tuple[str, Label, str], list[tuple[int, int, Counter[Label]]]] = {}
    for number, shape in enumerate(shapes):
        operations = shape.flow.operations
        for index, label in enumerate(shape.labels):
            calls = shape.calls(index)
            calls.pop(label, None)  # a call inside one of its kind
            ended = shape.outcomes[index]
            operation = operations[index]
            instances.setdefault((operation.process, label, ended), []).append((operation.start_ns, number, calls))
    for members in instances.values():
        if len(members) > 1:
            members.sort(key=lambda member: member[:2])
            _watch_caller(members, supports, against)


def _watch_caller(members: list[tuple[int, int, Counter[Label]]], supports: Counter[Label], against: Counter[Label]) -> None:
    """The instances of one caller in one process, as (time, flow, calls): other flows that lack a call support that it is
    made on first use; instances that make it again, or late, speak against."""
    shown: dict[Label, int] = {}
    for position, (_, flow, calls) in enumerate(members):
        for label in calls:
            if position:
                against[label] += 1
            shown.setdefault(label, flow)
        for label, first in shown.items():
            if label not in calls:
                supports[label] += flow != first
