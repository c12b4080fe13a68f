"""Calls that are made again until what they wait for is there: how often is a matter of time."""

import itertools

from gate.compare.changes import Scene, is_error
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_durable
from gate.compare.shape import Shape
from gate.model.flow import Operation

MOST_POLLS = 8
"""How many more times than twice the golden number a call may be repeated until it succeeds."""
WAIT_NS = 20_000_000
"""A pause before the same question that is no accident of a busy machine."""


def is_polling(divergence: Divergence, scene: Scene, few: bool) -> bool:
    """Whether a call is repeated until it succeeds, or by the test after a pause, there as here, and about as often.

    Of one golden test (`few` samples) that succeeded at once nobody knows whether it would have asked again.
    """
    counts = _asked(divergence, scene)
    if not counts:
        return False
    before, _ = counts
    if max(counts) > 2 * before + MOST_POLLS:
        return False
    if _pauses(divergence, scene):
        return True
    by_test = few and _is_by_test(divergence, scene)
    return all(_until_success(shape, members) for shape, members in _members(divergence, scene)) and (before > 1 or by_test)


def is_waiting(divergence: Divergence, scene: Scene) -> bool:
    """Whether the test asks again after a pause, however often: what it waits for is the cause."""
    return bool(_asked(divergence, scene)) and _pauses(divergence, scene)


def _asked(divergence: Divergence, scene: Scene) -> tuple[int, int] | None:
    """How often the golden sample and the candidate ask, if both do and asking changes nothing."""
    if divergence.difference is not Difference.COUNT:
        return None
    found = _members(divergence, scene)
    if len(found) < 2 or not all(members for _, members in found):
        return None
    if any(is_durable(shape.flow.operations[members[0]]) for shape, members in found):
        return None
    (_, before), (_, after) = found
    return len(before), len(after)


def _members(divergence: Divergence, scene: Scene) -> list[tuple[Shape, list[int]]]:
    partner = scene.pairing.sample_of.get(divergence.parent, -1)
    places = [(scene.golden, partner), (scene.shape, divergence.parent)] if partner >= 0 else []
    return [(shape, [one for one in shape.children[at] if shape.labels[one] == divergence.label]) for shape, at in places]


def _until_success(shape: Shape, members: list[int]) -> bool:
    answers = [_answer(shape.flow.operations[member]) for member in members]
    return not is_error(answers[-1]) and all(is_error(answer) for answer in answers[:-1])


def _answer(operation: Operation) -> str:
    return "error" if operation.error else operation.attributes.get("http.response.status_code", "")


def _is_by_test(divergence: Divergence, scene: Scene) -> bool:
    return divergence.parent == 0 and bool(scene.shape.flow.key.test_case)


def _pauses(divergence: Divergence, scene: Scene) -> bool:
    """Whether a test asks the same several times in the golden sample, and pauses there and here before it asks again."""
    if not _is_by_test(divergence, scene):
        return False
    (golden, before), (shape, after) = _members(divergence, scene)
    pauses = _pauses_of(golden, before)
    return bool(pauses) and min([*pauses, *_pauses_of(shape, after)]) >= WAIT_NS


def _pauses_of(shape: Shape, members: list[int]) -> list[int]:
    """Nanoseconds between calls of which one directly follows the other."""
    operations = shape.flow.operations
    siblings = sorted(shape.children[operations[members[0]].parent], key=lambda one: operations[one].start_ns)
    asked = set(members)
    return [
        operations[then].start_ns - operations[first].end_ns
        for first, then in itertools.pairwise(siblings)
        if first in asked and then in asked
    ]
