"""The order of reads that a process chooses once: an unordered set that it walks through, seeded when it starts.

All instances of one process are one observation of such an order, so few golden processes agree by chance. Two reads of a
store come in either order to the same end; the order of a write, a lock or a call to another service is never excused.
"""

from collections.abc import Sequence

from gate.compare.changes import Scene
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_read
from gate.compare.learn import Baselines
from gate.compare.runs import processes_of
from gate.compare.shape import Label, Shape

FEWEST_PROCESSES = 8
"""Golden processes whose agreement on an order of two calls is hardly chance (1 in 128)."""


def excuse_orders(
    flows: Sequence[tuple[Scene, list[Divergence]]], baselines: Baselines, candidate: Sequence[Shape]
) -> list[list[str]]:
    """Removes the order of two reads where the whole process has turned it round; returns for each flow which reads those were."""
    notes: list[list[str]] = [[] for _ in flows]
    turned: dict[tuple[str, Label, Label, Label], bool] = {}
    few: dict[str, bool] = {}
    for number, (scene, divergences) in enumerate(flows):
        for divergence in [one for one in divergences if one.difference is Difference.ORDER]:
            operations = scene.shape.flow.operations
            then = divergence.after_label
            if then is None or not all(is_read(operations[index]) for index in divergence.operations):
                continue
            service, process = divergence.label[0], operations[divergence.operations[0]].process
            if service not in few:
                few[service] = _golden_processes(baselines, service) < FEWEST_PROCESSES
            place = process, scene.shape.labels[divergence.parent], divergence.label, then
            if few[service] and place not in turned:
                turned[place] = not any(_keeps(shape, *place) for shape in candidate)
            if few[service] and turned[place]:
                divergences.remove(divergence)
                notes[number].append(f"{service}: {divergence.label[1]} (the order of reads, the same in the whole process)")
    return notes


def _golden_processes(baselines: Baselines, service: str) -> int:
    return sum(max(1, len(processes_of(shapes).get(service, ()))) for _, shapes in baselines.runs.all())


def _keeps(shape: Shape, process: str, caller: Label, first: Label, then: Label) -> bool:
    """Whether an instance of the caller in the process has both calls in the golden order."""
    operations = shape.flow.operations
    for index, label in enumerate(shape.labels):
        if label != caller:
            continue
        calls = [child for child in shape.children[index] if operations[child].process == process]
        ends = [operations[child].end_ns for child in calls if shape.labels[child] == first]
        starts = [operations[child].start_ns for child in calls if shape.labels[child] == then]
        if ends and starts and max(ends) <= min(starts):
            return True
    return False
