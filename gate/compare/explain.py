"""Divergences → causes: which one explains the others."""

import re
from collections.abc import Callable

from gate.compare.changes import Scene, handler_of, is_error, sample_operations, subtree
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_connecting, is_durable
from gate.compare.polling import is_waiting
from gate.compare.sentences import REPEATED
from gate.compare.shape import ERROR, Label
from gate.model.trace import SpanKind

_NUMBERS = frozenset({Difference.MISSING, Difference.ADDED, Difference.COUNT})
_TABLE = re.compile(r"\b(?:FROM|JOIN) ([^\s(),]+)")


class Cause:
    """A root divergence and what follows from it, in one flow."""

    __slots__ = ("consequences", "root", "scene")

    def __init__(self, root: Divergence, consequences: list[Divergence], scene: Scene) -> None:
        self.root = root
        self.consequences = consequences
        self.scene = scene


def explain(divergences: list[Divergence], scene: Scene, may_lead: Callable[[Divergence], bool] = lambda _: True) -> Cause | None:
    """The cause of a flow's divergences: the deepest whose own calls are clean, the earliest among those that may lead.

    Three exceptions: where a request ends with another outcome and its calls only stop (or only go on) from there, the outcome is
    the cause; where a call fails that never failed and its callee is gone, the failure is; where one query for all becomes a query
    for each, the repetition is. None without divergences.
    """
    if not divergences:
        return None
    for divergence in divergences:
        divergence.position = _position(divergence, scene)
    ordered = sorted(divergences, key=lambda divergence: (divergence.position, divergence.label))
    _mark_propagated(ordered, scene)
    leading = [divergence for divergence in ordered if may_lead(divergence)]
    leading = [divergence for divergence in leading if not is_waiting(divergence, scene)] or leading
    root = _unanswered(leading, scene) or _outcome(leading, scene) or _repetition(leading) or _telling(leading, scene)
    return Cause(root, [divergence for divergence in ordered if divergence is not root], scene)


def _position(divergence: Divergence, scene: Scene) -> int:
    pairing = scene.pairing
    if divergence.difference in {Difference.MISSING, Difference.UNWRAPPED, Difference.LINKED} or not divergence.operations:
        lost = [pairing.lost[index] for index in sample_operations(divergence, scene) if index in pairing.lost]
        if lost:
            return min(lost)
    if divergence.operations:
        return min(pairing.completed[index] for index in divergence.operations)
    return pairing.completed.get(divergence.parent, 0)


def _mark_propagated(ordered: list[Divergence], scene: Scene) -> None:
    """An error above an error is the same error, passed on."""
    operations = scene.shape.flow.operations
    failing: dict[int, Divergence] = {}
    for divergence in ordered:
        if divergence.difference is Difference.FACT and any(key == ERROR and after for key, _, after in divergence.facts):
            if divergence.parent in failing:
                divergence.moved_from = failing[divergence.parent]
            parent = operations[divergence.parent].parent
            while parent >= 0 and parent not in failing:
                failing[parent] = divergence
                parent = operations[parent].parent


def _unanswered(ordered: list[Divergence], scene: Scene) -> Divergence | None:
    """The failure of the call whose callee is the first to be gone: it was not reached."""
    first = ordered[0]
    caller = scene.shape.flow.operations[first.parent]
    if first.difference is not Difference.MISSING or caller.kind != SpanKind.CLIENT or caller.service == first.label[0]:
        return None
    for divergence in ordered:
        if divergence.difference is Difference.FACT and divergence.parent == first.parent:
            return divergence if any(key == ERROR and after for key, _, after in divergence.facts) else None
    return None


def _telling(ordered: list[Divergence], scene: Scene) -> Divergence:
    """The first, unless calls beside it that changed likewise say more: a lost write, or the call for which a connection was made.

    A lost write also says more than another number of attempts: those depend on what answers.
    """
    first = ordered[0]
    beside = [one for one in ordered if one.parent == first.parent and one.difference in _NUMBERS]
    if first not in beside:
        return first
    if (_is_lost(first) and not _writes(first, scene)) or _is_retried(first, scene):
        first = next((one for one in beside if _is_lost(one) and _writes(one, scene)), first)
    if is_connecting(first.label):
        first = next((one for one in beside if not is_connecting(one.label)), first)
    return first


def _is_lost(divergence: Divergence) -> bool:
    return divergence.difference is Difference.MISSING or (
        divergence.difference is Difference.COUNT and not divergence.operations
    )


def _is_retried(divergence: Divergence, scene: Scene) -> bool:
    """Whether a call is made more often because an attempt failed."""
    operations = scene.shape.flow.operations
    failed = any(operations[index].error for index in divergence.operations)
    return divergence.difference is Difference.COUNT and divergence.number > 1 and failed


def _writes(divergence: Divergence, scene: Scene) -> bool:
    golden = scene.golden
    return any(is_durable(golden.flow.operations[index]) for index in subtree(golden, sample_operations(divergence, scene)))


def _repetition(ordered: list[Divergence]) -> Divergence | None:
    """The new query that is made again and again, where the first divergence is a query of the same table that is gone or changed."""
    first = ordered[0]
    tables = set(_TABLE.findall(first.label[2]))
    if first.difference not in {Difference.MISSING, Difference.RENAMED} or not tables:
        return None
    alike: dict[Label, list[Divergence]] = {}
    for divergence in ordered:
        new = divergence.difference is Difference.ADDED and divergence.label[0] == first.label[0]
        if new and tables & set(_TABLE.findall(divergence.label[2])):
            alike.setdefault(divergence.label, []).append(divergence)
    repeated = (members for members in alike.values() if sum(one.number for one in members) >= REPEATED)
    return next((members[0] for members in repeated), None)


def _outcome(ordered: list[Divergence], scene: Scene) -> Divergence | None:
    """The changed status of the request below which the first divergence is, if that explains it better."""
    first = ordered[0]
    if first.difference not in {Difference.MISSING, Difference.ADDED, Difference.COUNT}:
        return None
    handler = handler_of(scene.shape, first.parent)
    if handler != first.parent:
        return None
    for divergence in ordered:
        if divergence.difference is not Difference.FACT or divergence.parent != handler:
            continue
        key, before, after = divergence.facts[0]
        if not key.endswith("status_code") or is_error(before) == is_error(after):
            continue
        if _stops(first, ordered, scene, handler):
            return divergence
    return None


def _stops(first: Divergence, ordered: list[Divergence], scene: Scene, handler: int) -> bool:
    """Whether no unchanged call of the handler comes after the first divergence: it ended early, or went on where it ended."""
    completed = scene.pairing.completed
    touched = {index for divergence in ordered for index in divergence.operations}
    return not any(completed[child] > first.position for child in scene.shape.children[handler] if child not in touched)
