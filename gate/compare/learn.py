"""Golden runs → baselines: one schema a flow, and what the runs as a whole say."""

from collections.abc import Sequence
from operator import itemgetter

from gate.compare.layers import Layers
from gate.compare.runs import GoldenRuns
from gate.compare.schema import Slot, absorb
from gate.compare.shape import Kinds, Label, Shape
from gate.compare.standard import GOLDEN, Standard
from gate.compare.timing import Timing
from gate.compare.variation import Variation
from gate.model.flow import Flow, FlowKey, RunFlows


class Baseline:
    """What one flow should look like, learned from its golden samples."""

    __slots__ = ("_members", "_places", "key", "root", "runs", "samples", "smallest")

    def __init__(self, key: FlowKey, label: Label) -> None:
        self.key = key
        self.root = Slot(label)
        self.samples: list[Shape] = []
        """In learning order."""
        self.runs: list[str] = []
        """The run of each sample."""
        self.smallest = 0
        """Operations of the smallest sample."""
        self._places: dict[int, dict[int, Slot]] = {}
        self._members: dict[int, dict[int, list[int]]] = {}

    def add(self, shape: Shape, run: str, timings: dict[Label, Timing]) -> None:
        """Learns one more sample."""
        absorb(self.root, shape, len(self.samples), timings)
        self.smallest = min(self.smallest, shape.size) if self.samples else shape.size
        self.samples.append(shape)
        self.runs.append(run)
        self._places.clear()
        self._members.clear()

    def places(self, sample: int) -> dict[int, Slot]:
        """Which slot each operation of a sample taught."""
        if not self._places:
            places: dict[int, dict[int, Slot]] = {index: {} for index in range(len(self.samples))}
            stack = [self.root]
            while stack:
                slot = stack.pop()
                for at, operation in slot.where:
                    places[at][operation] = slot
                for group in slot.groups.values():
                    stack.extend(group.slots)
            self._places = places
        return self._places[sample]

    def members(self, sample: int) -> dict[int, list[int]]:
        """The operations of a sample by the `id` of the slot that they taught, in pre-order."""
        if sample not in self._members:
            members: dict[int, list[int]] = {}
            for operation, slot in sorted(self.places(sample).items(), key=itemgetter(0)):
                members.setdefault(id(slot), []).append(operation)
            self._members[sample] = members
        return self._members[sample]

    def nearest(self, shape: Shape) -> int:
        """The sample that shares most subtrees with a candidate; the newest among equals."""
        entry = shape.hashes[0]
        best, best_score = len(self.samples) - 1, -1
        subtrees: set[int] | None = None
        seen: set[int] = set()
        for index in range(len(self.samples) - 1, -1, -1):
            sample = self.samples[index]
            if sample.hashes[0] == entry:
                return index
            if sample.hashes[0] in seen or len(seen) >= 6:
                continue
            seen.add(sample.hashes[0])
            if subtrees is None:
                subtrees = set(shape.hashes)
            score = len(subtrees & set(sample.hashes)) * 4 - abs(sample.size - shape.size)
            if score > best_score:
                best, best_score = index, score
        return best


class Baselines:
    """Everything learned from golden runs; immutable for its users."""

    __slots__ = ("_layers", "_variation", "flows", "kinds", "runs", "standard", "timings")

    def __init__(self, standard: Standard = GOLDEN) -> None:
        self.standard = standard
        self.flows: dict[FlowKey, Baseline] = {}
        self.runs = GoldenRuns()
        """The golden runs as wholes."""
        self.timings: dict[Label, Timing] = {}
        """By caller, pooled over all flows."""
        self.kinds = Kinds()
        self._layers: Layers | None = None
        self._variation: Variation | None = None

    @property
    def variation(self) -> Variation:
        """What varies without cause, looked at only when a candidate differs."""
        if self._variation is None:
            self.runs.prepare()
            self._variation = Variation(((one.root, one.samples) for one in self.flows.values()), self.runs)
        return self._variation

    @property
    def layers(self) -> Layers:
        """The instrumentation of the golden runs."""
        if self._layers is None:
            self._layers = Layers(self.shapes())
        return self._layers

    def shapes(self) -> list[Shape]:
        """Every golden flow, oldest run first."""
        return [shape for _, shapes in self.runs.all() for shape in shapes]

    def get(self, key: FlowKey) -> Baseline | None:
        """The baseline of a flow."""
        return self.flows.get(key)

    def add(self, run: str, shape: Shape) -> None:
        """Learns one more golden flow."""
        key = shape.flow.key
        baseline = self.flows.get(key)
        if baseline is None:
            baseline = self.flows[key] = Baseline(key, shape.labels[0])
        baseline.add(shape, run, self.timings)


def learn(runs: Sequence[RunFlows], standard: Standard = GOLDEN) -> Baselines:
    """Learns from golden runs, in the order given (oldest first). Incomplete flows teach nothing. No runs, no baselines.
    `standard`: what findings call them."""
    baselines = Baselines(standard)
    for run in runs:
        shapes: list[Shape] = []
        for flow in run.flows:
            if is_incomplete(flow):
                continue
            shape = Shape(flow, baselines.kinds)
            shapes.append(shape)
            baselines.add(run.run_id, shape)
        baselines.runs.add(run.run_id, shapes)
    return baselines


def is_incomplete(flow: Flow) -> bool:
    """Whether spans of the flow never arrived."""
    return any(problem.kind == "orphan" for problem in flow.problems)
