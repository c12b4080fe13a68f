"""Requests that hang below the wrong one: a server that keeps a connection open also kept the context of the request before.

Known of uvicorn and other asyncio servers (opentelemetry-python-contrib #1783 and #2852, uvicorn #2742): the span of a request
becomes an INTERNAL child of the previous request's span, which has ended by then, and the client's span of the request stays
without its callee. Which requests, is a matter of timing, so a comparison that believed it would find calls moved in every run.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace

from gate.codec.assemble import build_traces
from gate.model.trace import Span, SpanKind, Trace

_METHOD = ("http.request.method", "http.method")
_ASKED = ("url.path", "http.target", "http.path", "url.full", "http.url")
_SERVING = frozenset({SpanKind.SERVER, SpanKind.INTERNAL})


def rehome(trace: Trace) -> Trace:
    """The trace with each such request below the client's span that asked for it: the same method and path in the same trace, open
    when the request began, without a callee of its own. The trace itself when there is none."""
    spans, parents = trace.spans, trace.parents
    leaked = [index for index, parent in enumerate(parents) if parent >= 0 and _is_leaked(spans[index], spans[parent])]
    if not leaked:
        return trace
    answered = set(parents)
    waiting = [
        span for index, span in enumerate(spans) if span.kind == SpanKind.CLIENT and index not in answered and _method(span)
    ]
    homes: dict[str, Span] = {}
    for index in leaked:
        span = spans[index]
        asking = [client for client in waiting if _asked_for(client, span)]
        if asking:
            home = min(asking, key=lambda client: (client.end_ns - client.start_ns, client.span_id))
            waiting.remove(home)
            homes[span.span_id] = home
    if not homes:
        return trace
    moved = [
        replace(span, parent_span_id=homes[span.span_id].span_id, kind=SpanKind.SERVER) if span.span_id in homes else span
        for span in spans
    ]
    return replace(build_traces(moved)[0], problems=trace.problems)


def _is_leaked(span: Span, parent: Span) -> bool:
    return (
        span.kind in _SERVING
        and parent.kind in _SERVING
        and span.service == parent.service
        and span.start_ns >= parent.end_ns
        and bool(_method(span))
        and bool(_method(parent))
    )


def _asked_for(client: Span, span: Span) -> bool:
    return client.start_ns <= span.start_ns <= client.end_ns and _method(client) == _method(span) and _path(client) == _path(span)


def _method(span: Span) -> str:
    return _first(span, _METHOD)


def _path(span: Span) -> str:
    return urlsplit(_first(span, _ASKED).split("?")[0]).path


def _first(span: Span, keys: Sequence[str]) -> str:
    return next((str(span.attributes[key]) for key in keys if key in span.attributes), "")
