"""Spec and trace → which validations hold, and what was seen where they do not."""

from typing import assert_never

import msgspec

from gate.model.flow import Operation
from gate.model.trace import Trace
from gate.spec.scope import Occurrence, fits, occurrences
from gate.spec.sentences import call_text, sentence, times_text
from gate.spec.spec import AttributeIs, Call, Happens, NoErrors, Rows, Spec, Validation

_ROWS = "db.response.returned_rows"


class Check(msgspec.Struct, frozen=True):
    """One validation on one trace."""

    sentence: str
    ok: bool
    seen: str = ""
    """What was there instead; empty when it holds."""


class SpecResult(msgspec.Struct, frozen=True):
    """A spec on a trace. The first check is whether the request arrived at all."""

    spec: str
    trace_id: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)


def check_spec(spec: Spec, trace: Trace) -> SpecResult:
    """Every validation, in the spec's order. When the trace has the request several times, each must hold every time."""
    found = occurrences(spec.entry, trace)
    arrived = Check(f"the request reaches {call_text(spec.entry)}", bool(found), "" if found else "no span of it is in the trace")
    return SpecResult(spec.name, trace.trace_id, (arrived, *(_check(validation, found) for validation in spec.validations)))


def _check(validation: Validation, found: tuple[Occurrence, ...]) -> Check:
    text = validation.name or sentence(validation)
    if not found:
        return Check(text, False, "the request did not arrive")
    for number, occurrence in enumerate(found, start=1):
        if seen := _seen(validation, occurrence):
            return Check(text, False, f"{seen} (request {number} of {len(found)})" if len(found) > 1 else seen)
    return Check(text, True)


def _seen(validation: Validation, occurrence: Occurrence) -> str:
    """What contradicts the validation; empty when nothing does."""
    match validation:
        case Happens(call=call):
            least, most = validation.bounds()
            count = len(_calls(call, occurrence))
            if least <= count and (most is None or count <= most):
                return ""
            return f"it happened {times_text(count)}" if count else "it never happened"
        case AttributeIs(call=call, key=key, equals=equals):
            wanted = _text(equals)
            others = {operation.attributes.get(key, "") for operation in _calls(call, occurrence)} - {wanted}
            return _others(call, occurrence, others, f"{key} is {{}}", f"it has no {key}")
        case Rows(call=call, rows=rows):
            numbers = {operation.attributes.get(_ROWS, "") for operation in _calls(call, occurrence)}
            others = {number for number in numbers if not number or (number == "0") == (rows == "some")}
            return _others(call, occurrence, others, "it returned {} rows", "it does not say how many rows it returned")
        case NoErrors(except_=known):
            failing = [each for each in occurrence if each.error and not any(fits(call, each) for call in known)]
            return f"failed: {', '.join(dict.fromkeys(_failure(each) for each in failing))}" if failing else ""
        case _:
            assert_never(validation)


def _calls(call: Call, occurrence: Occurrence) -> list[Operation]:
    return [operation for operation in occurrence if fits(call, operation)]


def _others(call: Call, occurrence: Occurrence, others: set[str], template: str, absent: str) -> str:
    if not _calls(call, occurrence):
        return "the call never happened"
    if others == {""}:
        return absent
    return template.format(" and ".join(sorted(others - {""}))) if others else ""


def _failure(operation: Operation) -> str:
    kind = operation.attributes.get("exception.type") or operation.attributes.get("error.type", "")
    name = f"{operation.service}: {operation.name}" if operation.service else operation.name
    return f"{name} ({kind})" if kind else name


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
