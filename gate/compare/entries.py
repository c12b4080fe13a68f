"""Baselines for flows that no golden run has as a whole: the same operation inside other flows, and outcomes of one key.

A driver that is not instrumented leaves a trace a request instead of one a test; the golden runs know these requests from
inside their tests. A route without a test case answers differently to different input: what ended alike is compared.
"""

from msgspec.structs import replace

from gate.compare.learn import Baseline, Baselines
from gate.compare.shape import Label, Shape
from gate.model.flow import Flow, FlowKey
from gate.model.trace import SpanKind

FEWEST = 0.75
"""Share of the golden runs' requests below which a run without test cases has lost some."""

_ENTRIES = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})


class Entries:
    """The operations that serve requests and messages inside the golden flows."""

    __slots__ = ("_baselines", "_found", "_instances", "_outcomes")

    def __init__(self, baselines: Baselines) -> None:
        self._baselines = baselines
        self._instances: dict[Label, list[tuple[Shape, int, str]]] | None = None
        self._found: dict[tuple[Label, str, str], Baseline | None] = {}
        self._outcomes: dict[tuple[FlowKey, str], Baseline] = {}

    @property
    def expected(self) -> int:
        """The fewest requests from outside (of a test, or of nobody) that a golden run has."""
        return min((requests(shapes) for _, shapes in self._baselines.runs.all()), default=0)

    def _index(self) -> dict[Label, list[tuple[Shape, int, str]]]:
        if self._instances is None:
            self._instances = {}
            for run, shapes in self._baselines.runs.all():
                for shape in shapes:
                    for index, operation in enumerate(shape.flow.operations):
                        if operation.kind in _ENTRIES:
                            self._instances.setdefault(shape.labels[index], []).append((shape, index, run))
        return self._instances

    def baseline(self, key: FlowKey, shape: Shape) -> Baseline | None:
        """What the golden runs know of a flow's entry operation, by test case if they know it, by outcome if it was seen."""
        label = shape.labels[0]
        known = self._index()
        if label not in known:
            return None
        ended = shape.outcomes[0]
        found = (label, key.test_case, ended)
        if found not in self._found:
            instances = known[label]
            own = [one for one in instances if key.test_case and one[0].flow.key.test_case == key.test_case]
            alike = [one for one in own or instances if one[0].outcomes[one[1]] == ended]
            self._found[found] = self._learn(key, alike or own or instances)
        return self._found[found]

    def by_outcome(self, baseline: Baseline, shape: Shape) -> Baseline:
        """Of a flow without test case: what its samples with the candidate's outcome say; all, if none ended so or all did."""
        found = (baseline.key, shape.outcomes[0])
        if found not in self._outcomes:
            self._outcomes[found] = self._part(baseline, shape.outcomes[0])
        return self._outcomes[found]

    def _part(self, baseline: Baseline, ended: str) -> Baseline:
        alike = [index for index, sample in enumerate(baseline.samples) if sample.outcomes[0] == ended]
        if not alike or len(alike) == len(baseline.samples):
            return baseline
        part = Baseline(baseline.key, baseline.root.label)
        for index in alike:
            part.add(baseline.samples[index], baseline.runs[index], self._baselines.timings)
        return part

    def _learn(self, key: FlowKey, instances: list[tuple[Shape, int, str]]) -> Baseline:
        first, index, _ = instances[0]
        baseline = Baseline(key, first.labels[index])
        for shape, start, run in instances:
            baseline.add(Shape(subflow(shape.flow, start, key)), run, {})
        return baseline


def subflow(flow: Flow, start: int, key: FlowKey) -> Flow:
    """The part of a flow below one operation, as a flow of its own."""
    position = {start: 0}
    operations = [replace(flow.operations[start], parent=-1)]
    for index in range(start + 1, len(flow.operations)):
        operation = flow.operations[index]
        if operation.parent not in position:
            break
        position[index] = len(operations)
        operations.append(replace(operation, parent=position[operation.parent]))
    return Flow(key, flow.trace_id, tuple(operations))


def requests(shapes: list[Shape]) -> int:
    """How many requests from outside a run has."""
    return sum(
        operation.kind == SpanKind.SERVER and not _inside(shape, index)
        for shape in shapes
        for index, operation in enumerate(shape.flow.operations)
    )


def _inside(shape: Shape, index: int) -> bool:
    """Whether a request comes from within another request or message."""
    operations = shape.flow.operations
    parent = operations[index].parent
    while parent >= 0:
        if operations[parent].kind in _ENTRIES:
            return True
        parent = operations[parent].parent
    return False
