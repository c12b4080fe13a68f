"""Each change in the words of a person who explains it to a colleague."""

from typing import assert_never

from gate.compare.standard import GOLDEN, Standard
from gate.compare.statement_text import different_parts, short_statement
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

_NOUNS = {
    "http.response.status_code": "HTTP status",
    "rpc.response.status_code": "RPC status",
    "db.response.status_code": "database status",
    "db.query.text": "statement",
    "http.route": "route",
    "url.template": "path",
    "http.request.method": "method",
    "error.type": "error type",
    "exception.type": "exception",
    "messaging.destination.name": "destination",
}


REPEATED = 5
"""Times from which a new call is called an N+1."""


def sentence(change: Change, standard: Standard = GOLDEN) -> str:
    """One sentence without a full stop: what happened, to which call, before and after; `standard` is what it is compared with."""
    match change:
        case CallMissing():
            times = "" if change.before == "1" else f" ({change.before} times in {standard.name})"
            return f"{_call(change.service, change.operation, change.statement)} no longer happens{times}"
        case CallAdded():
            times = "once" if change.after == 1 else f"{change.after} times"
            many = ": an N+1" if change.statement and change.after >= REPEATED else ""
            return f"{_call(change.service, change.operation, change.statement)} is new, it happens {times}{many}"
        case CountChanged():
            what = _call(change.service, change.operation, change.statement)
            if change.n_plus_one:
                return f"{what} happens {change.after} times instead of {change.before}: an N+1"
            return f"{what} happens {change.after} times instead of {change.before}"
        case RetryAdded():
            what = _call(change.service, change.operation)
            return f"{what} is retried after a failure: {change.after} tries instead of {change.before}"
        case CallMoved():
            return f"{_call(change.service, change.operation)} moved from {_last(change.before)} to {_last(change.after)}"
        case Wrapped():
            return f"{_call(change.service, change.operation)} now stands around calls that were made directly"
        case Unwrapped():
            return f"{_call(change.service, change.operation)} is gone, the calls inside it remain"
        case Renamed():
            return f"{_service(change.service)}{change.before} is now called {change.after}"
        case OrderChanged():
            return f"{change.first} no longer finishes before {change.then} starts"
        case ConcurrencyChanged():
            how = "at the same time" if change.after == "parallel" else "one after the other"
            return f"{' and '.join(change.operations)} now run {how}"
        case ErrorAppeared():
            because = f" with {change.error_type}" if change.error_type else ""
            if change.propagated:
                return f"{_call(change.service, change.operation)} fails{because}, because a call below it fails"
            return f"{_call(change.service, change.operation)} fails{because}; it never does in {standard.name}"
        case ErrorSwallowed():
            return f"{_call(change.service, change.operation)} no longer reports the error that it reports in {standard.each}"
        case AttributeChanged():
            noun = _NOUNS.get(change.key, change.key)
            what = _call(change.service, change.operation)
            before, after = different_parts(change.before, change.after)
            if not change.after:
                return f"{what} has no {noun} any more, {standard.name} {standard.has} {_quote(change.before)}"
            if not change.before:
                return f"{what} has {noun} {_quote(change.after)}, {standard.name} {standard.has} none"
            return f"{what} has {noun} {_quote(after)} instead of {_quote(before)}"
        case RowsChanged():
            what = _call(change.service, change.operation, change.statement)
            return f"{what} returned {_rows(change.after)}, {standard.name} {standard.returns} {change.before}"
        case BodyChanged():
            what = _call(change.service, change.operation)
            if not change.after or change.after in {"{}", "[]", "null", "empty"}:
                return f"{what} has an empty {change.key}, {standard.name} {standard.has} {change.before}"
            return f"{what} has another {change.key}: {change.after} instead of {change.before}"
        case ParentBecameLink():
            how = "a linked trace of its own" if change.linked else "part of the trace"
            return f"{_call(change.service, change.operation)} is now {how}"
        case TelemetryGap():
            what = _call(change.service, change.operation)
            return f"{what} was called and answered, but none of its spans arrived: lost telemetry, not a lost call"
        case InstrumentationChanged():
            return f"the instrumentation changed: {_service(change.service)}{change.scope}, {change.before} → {change.after}"
        case NewVariant():
            return f"{_call(change.service, change.operation)} runs in a combination that {standard.unseen}: {change.detail}"
        case FlowMissing():
            return f"{change.operation} did not run"
        case _:
            assert_never(change)


def call_text(service: str, operation: str, statement: str = "") -> str:
    """`orders: SELECT`, with the statement where it says more than the name."""
    text = f"{service}: {operation}" if service else operation
    return f"{text} `{short_statement(statement)}`" if statement and statement not in operation else text


def _call(service: str, operation: str, statement: str = "") -> str:
    return f"{_service(service)}{operation}" + (
        f" ({short_statement(statement)})" if statement and statement not in operation else ""
    )


def _service(service: str) -> str:
    return f"{service}: " if service else ""


def _last(path: tuple[str, ...]) -> str:
    return path[-1] if path else "the entry"


def _rows(number: str) -> str:
    return "1 row" if number == "1" else f"{number} rows"


def _quote(text: str) -> str:
    return text if text.isalnum() else f"“{short_statement(text)}”"
