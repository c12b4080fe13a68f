"""What each change is called: a short title, what it is about, and what it was before and is after."""

from typing import assert_never

import msgspec

from gate.model.change import (
    AttributeChanged,
    BodyChanged,
    CallAdded,
    CallMissing,
    CallMoved,
    Change,
    ConcurrencyChanged,
    CountChanged,
    ErrorAppeared,
    ErrorSwallowed,
    FlowMissing,
    InstrumentationChanged,
    NewVariant,
    OrderChanged,
    ParentBecameLink,
    Renamed,
    RetryAdded,
    RowsChanged,
    TelemetryGap,
    Unwrapped,
    Wrapped,
)
from gate.model.verdict import Conclusion, Finding, Level
from gate.report.row import titled


class Phrase(msgspec.Struct, frozen=True, gc=False):
    """A change in table form. `subject` is span content and hostile; so are `before` and `after`; `title` is ours."""

    title: str
    subject: str
    before: str
    after: str
    counted: bool = False
    """Whether `before` and `after` are numbers of calls."""


def phrase(change: Change) -> Phrase:
    """The change in table form; every kind has one."""
    match change:
        case CallMissing(service, operation, before, statement):
            return Phrase("call gone", _call(service, operation, statement), before, "0", counted=True)
        case CallAdded(service, operation, after, statement):
            return Phrase("new call", _call(service, operation, statement), "0", str(after), counted=True)
        case CountChanged(service, operation, before, after, statement, n_plus_one):
            return Phrase(
                "N+1" if n_plus_one else "call count", _call(service, operation, statement), before, str(after), counted=True
            )
        case RetryAdded(service, operation, before, after):
            return Phrase("retry", _call(service, operation), before, str(after), counted=True)
        case CallMoved(service, operation, before, after):
            return Phrase("moved", _call(service, operation), _path(before), _path(after))
        case Wrapped(service, operation):
            return Phrase("wrapped by", _call(service, operation), "", "present")
        case Unwrapped(service, operation):
            return Phrase("wrapper gone", _call(service, operation), "present", "")
        case Renamed(service, before, after):
            return Phrase("renamed", service, before, after)
        case OrderChanged(first, then):
            return Phrase("order", f"{first}, then {then}", "in this order", "not any more")
        case ConcurrencyChanged(operations, before, after):
            return Phrase("concurrency", ", ".join(operations), before, after)
        case ErrorAppeared(service, operation, error_type, propagated):
            title = "error passed on" if propagated else "new error"
            return Phrase(title, _call(service, operation), "ok", error_type or "error")
        case ErrorSwallowed(service, operation):
            return Phrase("error no longer reported", _call(service, operation), "error", "ok")
        case AttributeChanged(service, operation, key, before, after):
            return Phrase(_ATTRIBUTES.get(key, key), _call(service, operation), before, after)
        case RowsChanged(service, operation, before, after, statement):
            return Phrase("returned rows", _call(service, operation, statement), before, after)
        case BodyChanged(service, operation, key, before, after):
            return Phrase(key, _call(service, operation), before, after)
        case ParentBecameLink(service, operation, linked):
            return Phrase("child or link", _call(service, operation), *(("child", "linked") if linked else ("linked", "child")))
        case TelemetryGap(service, operation):
            return Phrase("telemetry gap", _call(service, operation), "spans", "no spans")
        case InstrumentationChanged(service, scope, before, after):
            return Phrase("instrumentation", f"{service} {scope}".strip(), before, after)
        case NewVariant(service, operation, detail):
            return Phrase("new combination", _call(service, operation), "", detail)
        case FlowMissing(operation):
            return Phrase("did not run", operation, "1", "0", counted=True)
        case _:
            assert_never(change)


ICONS = {Level.FAILURE: "🔴", Level.WARNING: "🟡", Level.NOTICE: "🔵", Level.IGNORED: "💤"}
CONCLUSION_ICONS = {Conclusion.PASS: "✅", Conclusion.FAIL: "❌", Conclusion.INCONCLUSIVE: "⚠️", Conclusion.NEW: "🔵"}


def icon(finding: Finding) -> str:
    """One sign for how much a finding weighs; an approved one has its own."""
    return "👁" if finding.approval is not None else ICONS[finding.level]


def weight(finding: Finding) -> str:
    """The word beside the sign."""
    return "approved" if finding.approval is not None else WEIGHTS[finding.level]


WEIGHTS = {Level.FAILURE: "regression", Level.WARNING: "to review", Level.NOTICE: "notice", Level.IGNORED: "ignored"}

_ATTRIBUTES = {
    "http.response.status_code": "HTTP status",
    "http.request.method": "HTTP method",
    "http.route": "HTTP route",
    "db.query.text": "statement",
    "db.query.summary": "statement",
    "db.collection.name": "table",
    "db.operation.name": "database operation",
    "db.response.returned_rows": "returned rows",
    "error.type": "error type",
    "rpc.grpc.status_code": "gRPC status",
    "rpc.response.status_code": "RPC status",
    "messaging.destination.name": "destination",
}


def count(number: int, singular: str, plural: str = "") -> str:
    """`1 flow`, `2 flows`, `10,000 flows`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _call(service: str, operation: str, statement: str = "") -> str:
    return f"{service} {titled(operation, statement)}".strip()


def _path(steps: tuple[str, ...]) -> str:
    return " › ".join(steps)
