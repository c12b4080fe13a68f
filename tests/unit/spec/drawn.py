"""Traces drawn as indented text: `service: name [kind] {attributes}`."""

import itertools

from gate.codec.assemble import build_traces
from gate.model.trace import AttributeValue, Resource, Scope, Span, SpanKind, StatusCode, Trace

_numbers = itertools.count(1)


def drawn(text: str, attributes: dict[str, dict[str, AttributeValue]] | None = None, *, test_case: str = "") -> Trace:
    """One trace. A line is `service: name`, `!` at its end is an error; the kind is SERVER for the first line of another service
    (a test, whose name begins with `test_`, answers nobody), CLIENT for upper-case names and INTERNAL else. `attributes` are by span name."""
    trace_id = f"{next(_numbers):032x}"
    spans: list[Span] = []
    stack: list[tuple[int, Span]] = []
    for position, line in enumerate(line for line in text.splitlines() if line.strip()):
        depth = len(line) - len(line.lstrip())
        service, _, name = line.strip().partition(": ")
        error, name = name.endswith("!"), name.rstrip("!")
        while stack and stack[-1][0] >= depth:
            stack.pop()
        parent = stack[-1][1] if stack else None
        if (parent is None or parent.service != service) and not name.startswith("test_"):
            kind = SpanKind.SERVER
        else:
            kind = SpanKind.CLIENT if name[0].isupper() else SpanKind.INTERNAL
        more: dict[str, AttributeValue] = {"test.case.name": test_case} if test_case and not spans else {}
        span = Span(
            trace_id=trace_id,
            span_id=f"{position + 1:016x}",
            parent_span_id=parent.span_id if parent else "",
            name=name,
            kind=kind,
            start_ns=1_000 * position,
            end_ns=1_000 * position + 500,
            attributes={**(attributes or {}).get(name, {}), **more},
            resource=Resource({"service.name": service}, service),
            scope=Scope("drawn"),
            status=StatusCode.ERROR if error else StatusCode.UNSET,
        )
        spans.append(span)
        stack.append((depth, span))
    return build_traces(spans)[0]
