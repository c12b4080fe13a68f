"""OTLP protobuf to values, with upb (protobuf's C runtime)."""

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec.batch import Batch
from gate.codec.chunks import batch_of
from gate.codec.limits import Limits
from gate.codec.redact import Redaction
from gate.codec.values import from_protobuf
from gate.errors import UnreadableTraces
from gate.model.trace import Event, Link, Resource, Scope, Span, SpanKind, StatusCode

_KINDS = {kind.value: kind for kind in SpanKind}
_CODES = {code.value: code for code in StatusCode}
_ROOT = bytes(8)


def decode_batch(body: bytes, limits: Limits, redaction: Redaction | None = None) -> Batch:
    """Group an export request by trace: ids and structure only, attributes stay bytes.

    Spans with an invalid id or over a limit are left out and counted in `Batch.rejected`.
    Raises UnreadableTraces when the body is not an OTLP `ExportTraceServiceRequest`."""
    request = parse(body)
    if redaction is not None and redaction.suspects(body):
        redaction.apply(request)
    return batch_of(request, limits)


def decode_spans(body: bytes) -> list[Span]:
    """Every span in the order of the message. Raises UnreadableTraces, also for an invalid id."""
    return [span for group in parse(body).resource_spans for span in _spans(group)]


def parse(body: bytes) -> pb.TracesData:
    """The message as it is; `TracesData` and `ExportTraceServiceRequest` are the same on the wire. Raises UnreadableTraces."""
    try:
        return pb.TracesData.FromString(body)
    except DecodeError as error:
        raise UnreadableTraces(f"not readable as OTLP protobuf traces: {error}.") from None


def resource_of(resource: resource_pb2.Resource) -> Resource:
    """The resource with its service name."""
    attributes = from_protobuf(resource.attributes)
    service = attributes.get("service.name")
    return Resource(attributes, service if isinstance(service, str) else "")


def _spans(group: pb.ResourceSpans) -> list[Span]:
    resource = resource_of(group.resource)
    spans: list[Span] = []
    for scope_spans in group.scope_spans:
        scope = _scope(scope_spans.scope, scope_spans.schema_url or group.schema_url)
        for span in scope_spans.spans:
            trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
            if len(trace_id) != 16 or len(span_id) != 8 or len(parent) not in (0, 8) or not any(trace_id) or not any(span_id):
                raise UnreadableTraces(
                    f"span {span.name[:80]!r} has an invalid id: trace id {trace_id.hex()[:64]!r}, "
                    f"span id {span_id.hex()[:64]!r}, parent {parent.hex()[:64]!r}."
                )
            spans.append(
                Span(
                    trace_id=trace_id.hex(),
                    span_id=span_id.hex(),
                    parent_span_id="" if parent == _ROOT else parent.hex(),
                    name=span.name,
                    kind=_KINDS.get(span.kind, SpanKind.UNSPECIFIED),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    attributes=from_protobuf(span.attributes),
                    resource=resource,
                    scope=scope,
                    status=_CODES.get(span.status.code, StatusCode.UNSET),
                    status_message=span.status.message,
                    events=tuple(
                        Event(event.name, event.time_unix_nano, from_protobuf(event.attributes)) for event in span.events
                    ),
                    links=tuple(
                        Link(link.trace_id.hex(), link.span_id.hex(), from_protobuf(link.attributes)) for link in span.links
                    ),
                    trace_state=span.trace_state,
                    flags=span.flags,
                    dropped_attributes_count=span.dropped_attributes_count,
                    dropped_events_count=span.dropped_events_count,
                    dropped_links_count=span.dropped_links_count,
                )
            )
    return spans


def _scope(scope: common_pb2.InstrumentationScope, schema_url: str) -> Scope:
    return Scope(scope.name, scope.version, schema_url)
