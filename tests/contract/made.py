"""Small spans and batches for the kit."""

from typing import Any

from gate.codec.batch import Batch
from gate.codec.encode import to_batch
from gate.codec.otlp_protobuf import decode_spans
from gate.model.trace import Resource, Scope, Span, SpanKind, StatusCode
from gate.store.protocols import Stores

SECOND = 1_000_000_000
DAY = 24 * 3600 * SECOND
NOW = 1_780_000_000 * SECOND


def trace_id(number: int) -> str:
    """The hex trace id of a number."""
    return f"{number:032x}"


def span(
    trace: int = 1,
    number: int = 1,
    parent: int = 0,
    *,
    name: str = "GET /orders",
    service: str = "web",
    kind: SpanKind = SpanKind.SERVER,
    start: int = NOW,
    duration: int = SECOND,
    error: bool = False,
    run: str = "",
    resource: dict[str, Any] | None = None,
    **attributes: Any,
) -> Span:
    """One span; `__` in an attribute's name stands for a dot. Parent 0: an entry span."""
    of_resource = {"service.name": service, **({"spangate.run": run} if run else {}), **(resource or {})}
    return Span(
        trace_id=trace_id(trace),
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        name=name,
        kind=kind,
        start_ns=start,
        end_ns=start + duration,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        resource=Resource(of_resource, service),
        scope=Scope("test"),
        status=StatusCode.ERROR if error else StatusCode.UNSET,
    )


def batch(*spans: Span) -> Batch:
    """One export request."""
    return to_batch(spans)


async def give(stores: Stores, *spans: Span, run: str = "", now_ns: int = NOW, project: str = "shop") -> frozenset[str]:
    """Deliver spans as one export request."""
    return await stores.intake.accept(project, batch(*spans), run=run, now_ns=now_ns)


async def span_names(stores: Stores, trace: int, project: str = "shop") -> list[str]:
    """The names of the stored spans of a trace, sorted."""
    bodies = (await stores.spans.read(project, [trace_id(trace)])).get(trace_id(trace), ())
    return sorted(span.name for body in bodies for span in decode_spans(body))
