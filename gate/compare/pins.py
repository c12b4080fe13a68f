"""Orders that the user pins: `A must finish before B starts`, whatever the golden traces show."""

from fnmatch import fnmatchcase

from gate.compare.changes import path_to
from gate.compare.fingerprint import fingerprint
from gate.compare.levels import rule_name
from gate.compare.sentences import call_text, sentence
from gate.compare.shape import Shape
from gate.model.change import OrderChanged
from gate.model.policy import Policy
from gate.model.verdict import Finding, Level, Place


def broken_pins(shape: Shape, policy: Policy) -> list[Finding]:
    """A finding for each pinned order that a flow breaks; a flow without one of the two calls breaks nothing."""
    found: list[Finding] = []
    key = shape.flow.key
    for rule in policy.rules:
        if not (rule.before and rule.after) or not fnmatchcase(str(key), rule.flow):
            continue
        first, then = _matching(shape, rule.before), _matching(shape, rule.after)
        if not first or not then:
            continue
        operations = shape.flow.operations
        last = max(first, key=lambda index: operations[index].end_ns)
        earliest = min(then, key=lambda index: operations[index].start_ns)
        if last == earliest or operations[last].end_ns <= operations[earliest].start_ns:
            continue
        change = OrderChanged(call_text(*shape.labels[last]), call_text(*shape.labels[earliest]))
        found.append(
            Finding(
                fingerprint=fingerprint(("pin", rule.before, rule.after), (str(key),)),
                change=change,
                level=rule.level or Level.FAILURE,
                place=Place(path_to(shape, earliest), (), (operations[last].span_id, operations[earliest].span_id)),
                sentence=sentence(change),
                flows=(key,),
                rule=rule_name(rule),
            )
        )
    return found


def _matching(shape: Shape, pattern: str) -> list[int]:
    """The operations whose name, `service: name` or statement fits."""
    return [
        index
        for index, (service, name, statement) in enumerate(shape.labels)
        if any(fnmatchcase(text, pattern) for text in (name, f"{service}: {name}", statement))
    ]
