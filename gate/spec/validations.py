"""What every golden request had in common, as validations, the most telling first."""

from collections.abc import Sequence

import msgspec

from gate.compare.shape import IDENTITY, ROWS
from gate.model.flow import Operation
from gate.model.trace import SpanKind
from gate.normalize.attributes import is_curated
from gate.spec.scope import Occurrence, call_of
from gate.spec.sentences import sentence
from gate.spec.spec import AttributeIs, Call, Happens, NoErrors, Rows, Validation, Value

_SETUP = frozenset(
    "connect connection begin commit rollback savepoint release ping auth hello "
    "pool.acquire dns.lookup tcp.connect tls.connect".split()
)
"""First-use and transaction work: it moves between requests without meaning anything."""
_WRITES = frozenset(
    "insert update delete merge replace upsert index create bulk put post patch set del publish send produce".split()
)
_STATUS = ("http.response.status_code", "rpc.response.status_code", "db.response.status_code")
_SYSTEMS = ("db.system.name", "messaging.system", "rpc.system.name")


class _Group(msgspec.Struct):
    """One call over all occurrences."""

    call: Call
    operations: list[Operation]
    counts: list[int]
    """How often it happens in each occurrence."""
    answered: int = 0
    """How many of the operations have the callee's own span below them."""


def validations_of(occurrences: Sequence[Occurrence]) -> tuple[Validation, ...]:
    """Only what holds in every occurrence: status of the answer, writes, other calls, rows, statuses of calls, errors."""
    groups = _groups(occurrences)
    entry = groups[0]
    always = [group for group in groups[1:] if min(group.counts) > 0]
    calls = [group for group in always if _is_call(group)] or always
    ranked: list[tuple[int, Validation]] = []
    for key in sorted({key for operation in entry.operations for key in operation.attributes}):
        if is_curated(key) and key not in IDENTITY | {ROWS, "error.type", "exception.type"}:
            ranked += [(0, each) for each in _attribute(entry, key)]
    for group in calls:
        times = group.counts[0] if len(set(group.counts)) == 1 else f"{min(group.counts)}.."
        ranked.append((1 if _is_write(group) else 2, _named(Happens(call=group.call, times=times), group)))
        for key in _STATUS:
            ranked += [(4, each) for each in _attribute(group, key)]
    for group in [entry, *always]:
        answers = {("none" if value == "0" else "some") if value else "" for value in _values(group, ROWS)}
        if answers == {"some"}:
            ranked.append((3, _named(Rows(call=group.call, rows="some"), group)))
        elif answers == {"none"}:
            ranked.append((3, _named(Rows(call=group.call, rows="none"), group)))
    failing = tuple(group.call for group in groups if any(operation.error for operation in group.operations))
    errors = NoErrors(except_=failing)
    ranked.append((5, NoErrors(name=sentence(errors), except_=failing)))
    return tuple(validation for _, validation in sorted(ranked, key=lambda each: each[0]))


def _groups(occurrences: Sequence[Occurrence]) -> list[_Group]:
    """Calls in the order in which they first happen; the entry is the first."""
    groups: dict[Call, _Group] = {}
    for number, occurrence in enumerate(occurrences):
        start = occurrence[1].parent if len(occurrence) > 1 else 0
        answered = {operation.parent - start for operation in occurrence[1:] if operation.kind == SpanKind.SERVER}
        for position, operation in enumerate(occurrence):
            call = call_of(operation)
            group = groups.setdefault(call, _Group(call, [], [0] * len(occurrences)))
            group.operations.append(operation)
            group.counts[number] += 1
            group.answered += position in answered
    return list(groups.values())


def _is_call(group: _Group) -> bool:
    """Whether it leaves or enters a process, by kind or by what it says about the other side, and is not connection set-up.

    A call whose callee is in the trace is told by the callee's span."""
    if group.call.operation.lower() in _SETUP or group.answered == len(group.operations):
        return False
    return all(
        operation.kind not in (SpanKind.INTERNAL, SpanKind.UNSPECIFIED) or any(key in operation.attributes for key in _SYSTEMS)
        for operation in group.operations
    )


def _is_write(group: _Group) -> bool:
    words = {group.call.operation.partition(" ")[0].lower(), group.call.statement.partition(" ")[0].lower()}
    return bool(words & _WRITES) or all(operation.kind == SpanKind.PRODUCER for operation in group.operations)


def _attribute(group: _Group, key: str) -> list[Validation]:
    values = set(_values(group, key))
    if len(values) != 1 or not (value := values.pop()):
        return []
    return [_named(AttributeIs(call=group.call, key=key, equals=_written(value)), group)]


def _values(group: _Group, key: str) -> list[str]:
    """Of every time the call happened; empty text where it has no such attribute."""
    return [operation.attributes.get(key, "") for operation in group.operations]


def _written(value: str) -> Value:
    """A number without quotes where it is read as the same again."""
    return int(value) if value.isdecimal() and value.isascii() and str(int(value[:18])) == value else value


def _named(validation: Happens | AttributeIs | Rows, group: _Group) -> Validation:
    attributes = group.operations[0].attributes
    system = next((attributes[key] for key in _SYSTEMS if key in attributes), "")
    return msgspec.structs.replace(validation, name=sentence(validation, system))
