"""A child that became a linked trace of its own, or the other way round: asynchronous work is still there, told otherwise."""

from collections.abc import Sequence

from gate.compare.changes import Scene
from gate.compare.divergence import Difference, Divergence
from gate.compare.shape import Label, Shape

_GONE = frozenset({Difference.MISSING})
_NEW = frozenset({Difference.ADDED})


def find_links(flows: Sequence[tuple[Scene, list[Divergence]]], candidate: Sequence[Shape], golden: Sequence[Shape]) -> None:
    """Turns a missing call into a link when the run has it as a trace linked to this one, an added one when the golden runs had."""
    linked = _linked_to(candidate)
    for scene, divergences in flows:
        for divergence in divergences:
            if divergence.difference in _GONE and divergence.label in linked.get(scene.shape.flow.trace_id, ()):
                divergence.difference, divergence.after = Difference.LINKED, "linked"
    if any(divergence.difference in _NEW for _, divergences in flows for divergence in divergences):
        known = _linked_to(golden)
        for scene, divergences in flows:
            here = known.get(scene.golden.flow.trace_id, ())
            for divergence in divergences:
                if divergence.difference in _NEW and divergence.label in here:
                    divergence.difference, divergence.after = Difference.LINKED, "child"


def _linked_to(shapes: Sequence[Shape]) -> dict[str, set[Label]]:
    """By trace, the entry calls of the traces that link to it."""
    found: dict[str, set[Label]] = {}
    for shape in shapes:
        for link in shape.flow.operations[0].links:
            found.setdefault(link.trace_id, set()).add(shape.labels[0])
    return found
