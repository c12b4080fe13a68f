"""Golden traces → spec."""

from collections.abc import Sequence

import msgspec

from gate.errors import BadRequest
from gate.model.trace import Span, SpanKind, Trace
from gate.spec.scope import Occurrence, call_of, is_in_process, occurrences, requests, test_cases
from gate.spec.spec import Call, Spec, Trigger
from gate.spec.trigger import Recorded, recorded_request
from gate.spec.validations import validations_of

_IN_PROCESS = "The request was made inside the test's process: say where the service runs (`base_url`) to send it."


def build_spec(samples: Sequence[Trace], *, entry: str = "", name: str = "") -> Spec:
    """A spec of one request that every sample has; what varied over the samples is not validated.

    Of several requests the one with most calls below it is taken, the last of equals; `entry` names another (`POST /orders` or
    `orders: POST /orders`). Raises BadRequest when there is no sample, when the samples have no request in common, and when
    `entry` names none of theirs.
    """
    if not samples:
        raise BadRequest("A spec needs at least one golden trace.")
    common = _common(samples)
    if not common:
        raise BadRequest(
            "These traces have no request in common, so one spec cannot describe them.", hint="Give traces of one flow."
        )
    chosen = _choose(common, entry)
    found = [occurrence for sample in samples for occurrence in occurrences(chosen, sample)]
    recorded = _recorded(samples, found)
    cases = frozenset[str]().union(*map(test_cases, samples))
    notes = list(recorded.notes if recorded else ())
    if recorded is None:
        notes.append("The traces show no HTTP request: `spangate spec check` tests traces that something else made.")
    others = sorted({_title(call) for call in common} - {_title(chosen)})
    if others:
        notes.append(f"The traces have other requests as well: {', '.join(others)}.")
    return Spec(
        name=name or (next(iter(cases)) if len(cases) == 1 else "") or _title(chosen),
        entry=chosen,
        test_case=next(iter(cases)) if len(cases) == 1 else "",
        golden_traces=tuple(sample.trace_id for sample in samples),
        notes=tuple(notes),
        trigger=Trigger(recorded.request) if recorded else None,
        parameters=recorded.parameters if recorded else {},
        validations=validations_of(found),
    )


def _common(samples: Sequence[Trace]) -> dict[Call, int]:
    """Requests that every sample has, with the most operations that one has below it; in the order of the first sample."""
    sizes: dict[Call, int] = {}
    shared: set[Call] | None = None
    for sample in samples:
        of_sample: set[Call] = set()
        for occurrence in requests(sample):
            call = call_of(occurrence[0])
            of_sample.add(call)
            sizes[call] = max(sizes.get(call, 0), len(occurrence))
        shared = of_sample if shared is None else shared & of_sample
    return {call: size for call, size in sizes.items() if call in (shared or ())}


def _choose(common: dict[Call, int], entry: str) -> Call:
    if not entry:
        return max(enumerate(common), key=lambda each: (common[each[1]], each[0]))[1]
    named = [call for call in common if entry in (call.operation, _title(call))]
    if not named:
        raise BadRequest(f"The traces have no request {entry!r}.", hint=f"They have {', '.join(map(_title, common))}.")
    return named[0]


def _title(call: Call) -> str:
    return f"{call.service}: {call.operation}" if call.service else call.operation


def _recorded(samples: Sequence[Trace], found: Sequence[Occurrence]) -> Recorded | None:
    """The request of the last occurrence whose spans say enough, so that its example values are the newest."""
    spans: dict[str, tuple[Span, Span | None]] = {}
    for sample in samples:
        for span, parent in zip(sample.spans, sample.parents, strict=True):
            client = sample.spans[parent] if parent >= 0 and sample.spans[parent].kind == SpanKind.CLIENT else None
            spans[span.span_id] = span, client
    for occurrence in reversed(found):
        server, client = spans[occurrence[0].span_id]
        in_process = is_in_process(occurrence[0])
        if (server.kind == SpanKind.SERVER or in_process) and (recorded := recorded_request(server, client)):
            return msgspec.structs.replace(recorded, notes=(*recorded.notes, _IN_PROCESS)) if in_process else recorded
    return None
