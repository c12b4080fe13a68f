"""OTLP/JSON to values. Ids in any case, numbers as text, enums as names, unknown fields: all read; see `otlp_structs`."""

import re
from collections.abc import Callable

import msgspec

from gate.codec import otlp_structs as js
from gate.codec.batch import Batch
from gate.codec.chunks import Rejections, batch_of
from gate.codec.encode import message_of
from gate.codec.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, hex_id
from gate.codec.limits import Limits
from gate.codec.redact import Redaction
from gate.codec.values import from_json, unsigned
from gate.errors import UnreadableTraces
from gate.model.trace import Event, Link, Resource, Scope, Span, SpanKind, StatusCode

_DECODER = msgspec.json.Decoder(js.TracesData)
_ENUMS = {
    **{f"SPAN_KIND_{kind.name}": kind.value for kind in SpanKind},
    **{f"STATUS_CODE_{code.name}": code.value for code in StatusCode},
}
_KINDS = {kind.value: kind for kind in SpanKind}
_CODES = {code.value: code for code in StatusCode}


def decode_batch(body: bytes, limits: Limits, redaction: Redaction | None = None) -> Batch:
    """Group an export request by trace. Spans with an invalid id are left out and counted in `Batch.rejected`.

    Raises UnreadableTraces when the body is not OTLP/JSON."""
    rejections = Rejections()
    request = message_of(spans_of(decode_structs(body), on_invalid=rejections.add))
    if redaction is not None:
        redaction.apply(request)
    return batch_of(request, limits, rejections)


def decode_spans(body: bytes) -> list[Span]:
    """Every span in the order of the document. Raises UnreadableTraces, also for an invalid id."""
    return spans_of(decode_structs(body))


def decode_structs(body: bytes) -> js.TracesData:
    """The document as it is. Raises UnreadableTraces with the line and msgspec's reason."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error, body) from None


def unreadable(error: Exception, body: bytes) -> UnreadableTraces:
    """A decoding error as one that a person can act on: the line, where the document has several."""
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    byte = re.search(r"\(byte (\d+)\)", reason)
    line = body.count(b"\n", 0, int(byte[1])) + 1 if byte and b"\n" in body.strip() else 0
    return UnreadableTraces(f"not readable as JSON traces: {reason}.", line=line)


def spans_of(
    document: js.TracesData,
    *,
    read_id: Callable[[str, int], str] = hex_id,
    on_invalid: Callable[[str], None] | None = None,
) -> list[Span]:
    """Spans of decoded structs. A span with an invalid id is told to `on_invalid` and left out, or raises UnreadableTraces."""
    spans: list[Span] = []
    for group in document.resource_spans or document.batches or ():
        resource = resource_of(group.resource)
        for scope_spans in group.scope_spans or group.instrumentation_library_spans or ():
            said = scope_spans.scope or scope_spans.instrumentation_library or js.Scope()
            scope = Scope(said.name or "", said.version or "", scope_spans.schema_url or group.schema_url or "")
            for span in scope_spans.spans or ():
                trace_id = read_id(span.trace_id or "", TRACE_ID_BYTES)
                span_id = read_id(span.span_id or "", SPAN_ID_BYTES)
                parent_id = span.parent_span_id or ""
                parent = read_id(parent_id, SPAN_ID_BYTES)
                if not trace_id:
                    reason = "an invalid trace id"
                elif not span_id:
                    reason = "an invalid span id"
                elif parent_id.strip("0A=") and not parent:  # all zeros is a root, in hex and in base64
                    reason = "an invalid parent span id"
                else:
                    try:
                        spans.append(_span(span, trace_id, span_id, parent, resource, scope, read_id))
                    except ValueError as error:
                        raise UnreadableTraces(f"span {span_id} ({(span.name or '')[:80]!r}): {error}.") from None
                    continue
                if on_invalid is None:
                    raise UnreadableTraces(
                        f"span {(span.name or '')[:80]!r} has {reason}: "
                        f"traceId {(span.trace_id or '')[:40]!r}, spanId {(span.span_id or '')[:40]!r}."
                    )
                on_invalid(reason)
    return spans


def resource_of(resource: js.Resource | None) -> Resource:
    """The resource with its service name."""
    attributes = from_json(resource.attributes) if resource else {}
    service = attributes.get("service.name")
    return Resource(attributes, service if isinstance(service, str) else "")


def _span(
    span: js.Span, trace_id: str, span_id: str, parent: str, resource: Resource, scope: Scope, read_id: Callable[[str, int], str]
) -> Span:
    status = span.status
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=span.name or "",
        kind=_KINDS.get(_enum(span.kind), SpanKind.UNSPECIFIED),
        start_ns=unsigned(span.start_time_unix_nano, 64),
        end_ns=unsigned(span.end_time_unix_nano, 64),
        attributes=from_json(span.attributes),
        resource=resource,
        scope=scope,
        status=_CODES.get(_enum(status.code), StatusCode.UNSET) if status else StatusCode.UNSET,
        status_message=(status.message or "") if status else "",
        events=tuple(
            Event(event.name or "", unsigned(event.time_unix_nano, 64), from_json(event.attributes))
            for event in span.events or ()
        ),
        links=tuple(
            Link(
                read_id(link.trace_id or "", TRACE_ID_BYTES),
                read_id(link.span_id or "", SPAN_ID_BYTES),
                from_json(link.attributes),
            )
            for link in span.links or ()
        ),
        trace_state=span.trace_state or "",
        flags=unsigned(span.flags, 32),
        dropped_attributes_count=unsigned(span.dropped_attributes_count, 32),
        dropped_events_count=unsigned(span.dropped_events_count, 32),
        dropped_links_count=unsigned(span.dropped_links_count, 32),
    )


def _enum(value: int | str | None) -> int:
    """A number, its text or its protobuf name; what is unknown is 0, as protobuf readers of an older version see it."""
    if isinstance(value, int):
        return value
    return _ENUMS.get(value or "", 0) or (int(value) if value and len(value) < 4 and value.isdecimal() else 0)
