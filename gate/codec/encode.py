"""Spans to OTLP: one `TracesData` in JSON or protobuf, or a batch to store."""

from collections.abc import Iterable

import msgspec
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec import otlp_structs as js
from gate.codec.batch import Batch
from gate.codec.chunks import batch_of
from gate.codec.limits import Limits
from gate.codec.values import fill_protobuf, to_json
from gate.model.trace import Resource, Scope, Span, SpanKind, StatusCode

_ENCODER = msgspec.json.Encoder()
_DEFAULT_LIMITS = Limits()


def encode_json(spans: Iterable[Span]) -> bytes:
    """One line of OTLP/JSON: lower-case hex ids, times and 64-bit integers as text, enums as integers.

    Spans with equal resource and scope stand together, in the order of their first span."""
    return _ENCODER.encode(
        js.TracesData(
            resource_spans=[
                js.ResourceSpans(
                    resource=js.Resource(to_json(resource.attributes)),
                    scope_spans=[
                        js.ScopeSpans(
                            scope=js.Scope(scope.name or None, scope.version or None),
                            spans=[_json_span(span) for span in members],
                            schema_url=scope.schema_url or None,
                        )
                        for scope, members in scopes.items()
                    ],
                )
                for resource, scopes in _grouped(spans)
            ]
        )
    )


def encode_protobuf(spans: Iterable[Span]) -> bytes:
    """One OTLP protobuf `TracesData`, grouped likewise."""
    return message_of(spans).SerializeToString()


def to_batch(spans: Iterable[Span], limits: Limits = _DEFAULT_LIMITS) -> Batch:
    """What `decode_batch` makes of these spans: for storing what came from a file."""
    return batch_of(message_of(spans), limits)


def message_of(spans: Iterable[Span]) -> pb.TracesData:
    """The protobuf message of spans, grouped by resource and scope.

    Filled in place: messages made from keyword arguments are copied into their parents, which takes four times as long."""
    message = pb.TracesData()
    for resource, scopes in _grouped(spans):
        group = message.resource_spans.add()
        fill_protobuf(group.resource.attributes, resource.attributes)
        for scope, members in scopes.items():
            scope_spans = group.scope_spans.add()
            scope_spans.scope.name = scope.name
            scope_spans.scope.version = scope.version
            scope_spans.schema_url = scope.schema_url
            for span in members:
                _fill(scope_spans.spans.add(), span)
    return message


def _grouped(spans: Iterable[Span]) -> Iterable[tuple[Resource, dict[Scope, list[Span]]]]:
    last: Resource | None = None
    scopes: dict[Scope, list[Span]] = {}
    by_value: dict[str, tuple[Resource, dict[Scope, list[Span]]]] = {}
    for span in spans:
        if span.resource is not last:
            last = span.resource
            _, scopes = by_value.setdefault(repr(last.attributes), (last, {}))
        scopes.setdefault(span.scope, []).append(span)
    return by_value.values()


def _json_span(span: Span) -> js.Span:
    return js.Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        trace_state=span.trace_state or None,
        parent_span_id=span.parent_span_id or None,
        flags=span.flags or None,
        name=span.name,
        kind=span.kind.value or None,
        start_time_unix_nano=str(span.start_ns),
        end_time_unix_nano=str(span.end_ns),
        attributes=to_json(span.attributes),
        dropped_attributes_count=span.dropped_attributes_count or None,
        events=[js.Event(str(event.time_ns), event.name, to_json(event.attributes)) for event in span.events] or None,
        dropped_events_count=span.dropped_events_count or None,
        links=[js.Link(link.trace_id, link.span_id, to_json(link.attributes)) for link in span.links] or None,
        dropped_links_count=span.dropped_links_count or None,
        status=js.Status(span.status_message or None, span.status.value or None) if span.status or span.status_message else None,
    )


def _fill(into: pb.Span, span: Span) -> None:
    into.trace_id = bytes.fromhex(span.trace_id)
    into.span_id = bytes.fromhex(span.span_id)
    into.parent_span_id = bytes.fromhex(span.parent_span_id)
    into.trace_state = span.trace_state
    into.flags = span.flags
    into.name = span.name
    into.kind = _PROTOBUF_KINDS[span.kind]
    into.start_time_unix_nano = span.start_ns
    into.end_time_unix_nano = span.end_ns
    fill_protobuf(into.attributes, span.attributes)
    into.dropped_attributes_count = span.dropped_attributes_count
    into.dropped_events_count = span.dropped_events_count
    into.dropped_links_count = span.dropped_links_count
    for event in span.events:
        filled_event = into.events.add()
        filled_event.time_unix_nano = event.time_ns
        filled_event.name = event.name
        fill_protobuf(filled_event.attributes, event.attributes)
    for link in span.links:
        filled_link = into.links.add()
        filled_link.trace_id = bytes.fromhex(link.trace_id)
        filled_link.span_id = bytes.fromhex(link.span_id)
        fill_protobuf(filled_link.attributes, link.attributes)
    if span.status or span.status_message:
        into.status.message = span.status_message
        into.status.code = _PROTOBUF_CODES[span.status]


_PROTOBUF_KINDS = {kind: pb.Span.SpanKind.Value(f"SPAN_KIND_{kind.name}") for kind in SpanKind}
_PROTOBUF_CODES = {code: pb.Status.StatusCode.Value(f"STATUS_CODE_{code.name}") for code in StatusCode}
