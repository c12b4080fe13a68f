"""Jaeger's JSON, in every shape that its API, its pages and its anonymizer write.

Source: jaeger `internal/uimodel/model.go`. Times are microseconds; tags are typed pairs; the mapping to OpenTelemetry is that
of the Collector's translator: `span.kind`, `error`, `otel.*` and `w3c.tracestate` become fields, logs become events, and
references other than the parent become links.
"""

import base64
import binascii
from typing import TypeVar, cast

import msgspec

from gate.codec.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, padded_hex_id
from gate.codec.otlp_json import unreadable
from gate.codec.values import signed
from gate.errors import UnreadableTraces
from gate.model.trace import AttributeValue, Event, Link, Resource, Scope, Span, SpanKind, StatusCode

_T = TypeVar("_T")


class Tag(msgspec.Struct):
    """A typed pair; the type of a value without one is JSON's."""

    key: str = ""
    type: str = ""
    value: str | bool | int | float | list[str | bool | int | float | None] | None = None


class Reference(msgspec.Struct):
    """`CHILD_OF` or `FOLLOWS_FROM` another span."""

    ref_type: str = msgspec.field(name="refType", default="CHILD_OF")
    trace_id: str = msgspec.field(name="traceID", default="")
    span_id: str = msgspec.field(name="spanID", default="")


class Log(msgspec.Struct):
    """Fields at a time."""

    timestamp: int = 0
    fields: list[Tag] | None = None


class Process(msgspec.Struct):
    """Who made spans."""

    service_name: str = msgspec.field(name="serviceName", default="")
    tags: list[Tag] | None = None


class JaegerSpan(msgspec.Struct):
    """A span; its process is a key of the trace's processes, or stands in it."""

    trace_id: str = msgspec.field(name="traceID", default="")
    span_id: str = msgspec.field(name="spanID", default="")
    parent_span_id: str = msgspec.field(name="parentSpanID", default="")
    operation_name: str = msgspec.field(name="operationName", default="")
    references: list[Reference] | None = None
    flags: int | None = None
    start_time: int = msgspec.field(name="startTime", default=0)
    duration: int = 0
    tags: list[Tag] | None = None
    logs: list[Log] | None = None
    process_id: str = msgspec.field(name="processID", default="")
    process: Process | None = None


class JaegerTrace(msgspec.Struct):
    """A trace as the pages download it."""

    spans: list[JaegerSpan] | None = None
    processes: dict[str, Process] | None = None


class _Answer(msgspec.Struct):
    data: list[JaegerTrace] | JaegerTrace | None = None


def decode_answer(body: bytes) -> list[Span]:
    """`{"data": [trace, …]}` or `{"data": trace}`: the query API, and the pages' download."""
    data = _decode(body, _Answer).data
    return decode_traces(data if isinstance(data, list) else [data] if data else [])


def decode_trace(body: bytes) -> list[Span]:
    """One trace object."""
    return decode_traces([_decode(body, JaegerTrace)])


def decode_trace_list(body: bytes) -> list[Span]:
    """A bare list of traces."""
    return decode_traces(_decode(body, list[JaegerTrace]))


def decode_span_list(body: bytes) -> list[Span]:
    """A bare list of spans with their process inside, as the anonymizer writes."""
    return decode_traces([JaegerTrace(spans=_decode(body, list[JaegerSpan]))])


def decode_traces(traces: list[JaegerTrace]) -> list[Span]:
    """Every span in the order of the document. Raises UnreadableTraces for an invalid id or value."""
    spans: list[Span] = []
    for trace in traces:
        resources = {key: _resource(process) for key, process in (trace.processes or {}).items()}
        for span in trace.spans or ():
            resource = _resource(span.process) if span.process else resources.get(span.process_id) or Resource({})
            spans.append(_span(span, resource))
    return spans


def _decode(body: bytes, shape: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error, body) from None


_FIELDS = frozenset(
    {
        "span.kind",
        "otel.status_code",
        "otel.status_description",
        "otel.scope.name",
        "otel.scope.version",
        "otel.library.name",
        "otel.library.version",
        "w3c.tracestate",
        "internal.span.format",
    }
)


def _span(span: JaegerSpan, resource: Resource) -> Span:
    trace_id = padded_hex_id(span.trace_id, TRACE_ID_BYTES)
    span_id = padded_hex_id(span.span_id, SPAN_ID_BYTES)
    if not trace_id or not span_id:
        raise UnreadableTraces(
            f"span {span.operation_name[:80]!r} has an invalid id: traceID {span.trace_id[:40]!r}, spanID {span.span_id[:40]!r}."
        )
    parent, links = _parent_and_links(span, trace_id)
    tags = _attributes(span.tags)
    failed = str(tags.get("error", "")).lower() == "true"
    code = str(tags.get("otel.status_code", "ERROR" if failed else "UNSET")).upper()
    left_out = _FIELDS | {"error"} if isinstance(tags.get("error"), bool) or failed else _FIELDS
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=span.operation_name,
        kind=SpanKind.__members__.get(str(tags.get("span.kind", "")).upper(), SpanKind.UNSPECIFIED),
        start_ns=_nanoseconds(span.start_time, span_id),
        end_ns=_nanoseconds(span.start_time + span.duration, span_id),
        attributes={key: value for key, value in tags.items() if key not in left_out},
        resource=resource,
        scope=Scope(
            str(tags.get("otel.scope.name", tags.get("otel.library.name", ""))),
            str(tags.get("otel.scope.version", tags.get("otel.library.version", ""))),
        ),
        status=StatusCode.__members__.get(code, StatusCode.UNSET),
        status_message=str(tags.get("otel.status_description", "")),
        events=tuple(_event(log, span_id) for log in span.logs or ()),
        links=links,
        trace_state=str(tags.get("w3c.tracestate", "")),
        flags=(span.flags or 0) & 0xFF,
    )


def _parent_and_links(span: JaegerSpan, trace_id: str) -> tuple[str, tuple[Link, ...]]:
    """The parent is the first CHILD_OF of this trace, else the deprecated field, else the first FOLLOWS_FROM of this trace."""
    references = [
        (each.ref_type, padded_hex_id(each.trace_id, TRACE_ID_BYTES), padded_hex_id(each.span_id, SPAN_ID_BYTES))
        for each in span.references or ()
    ]
    own = [each for each in references if each[1] == trace_id and each[2]]
    parent = next((each for each in own if each[0] == "CHILD_OF"), None)
    if parent is None and (named := padded_hex_id(span.parent_span_id, SPAN_ID_BYTES)):
        parent = ("CHILD_OF", trace_id, named)
    if parent is None:
        parent = next(iter(own), None)
    links = tuple(Link(each[1], each[2], {}) for each in references if each[1] and each[2] and each != parent)
    return parent[2] if parent else "", links


def _resource(process: Process) -> Resource:
    return Resource({"service.name": process.service_name, **_attributes(process.tags)}, process.service_name)


def _event(log: Log, span_id: str) -> Event:
    fields = _attributes(log.fields)
    name = fields.pop("event", "")
    return Event(str(name), _nanoseconds(log.timestamp, span_id), fields)


def _attributes(tags: list[Tag] | None) -> dict[str, AttributeValue]:
    return {tag.key: _value(tag) for tag in tags or ()}


def _value(tag: Tag) -> AttributeValue:
    """The value by the tag's type, which may be written as text. A value that is not of its type stays as it is."""
    value = tag.value
    if not isinstance(value, str):
        return float(value) if tag.type == "float64" and isinstance(value, int) else cast("AttributeValue", value)
    try:
        match tag.type:
            case "bool":
                return value == "true"
            case "int64":
                return signed(value)
            case "float64":
                return float(value)
            case "binary":
                return base64.b64decode(value, validate=True)
            case _:
                return value
    except (ValueError, binascii.Error):
        return value


def _nanoseconds(microseconds: int, span_id: str) -> int:
    if not 0 <= microseconds < 1 << 53:
        raise UnreadableTraces(f"span {span_id}: {microseconds} is not a time in microseconds.")
    return microseconds * 1000
