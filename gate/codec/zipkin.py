"""Zipkin v2 JSON: spans in no particular order, maybe of many traces.

Source: openzipkin/zipkin-api `zipkin2-api.yaml`. Times are microseconds. One span may be reported in several pieces, which are
merged by id; an RPC's two sides may share one id (`shared`), which OpenTelemetry does not know: the server's side gets an id of
its own, below the client's, and takes the children of its service along.
"""

import hashlib

import msgspec

from gate.codec.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, padded_hex_id
from gate.codec.otlp_json import unreadable
from gate.errors import UnreadableTraces
from gate.model.trace import AttributeValue, Event, Resource, Scope, Span, SpanKind, StatusCode


class Endpoint(msgspec.Struct, frozen=True):
    """A side of a call."""

    service_name: str | None = msgspec.field(name="serviceName", default=None)
    ipv4: str | None = None
    ipv6: str | None = None
    port: int | None = None


class Annotation(msgspec.Struct, frozen=True):
    """An event."""

    timestamp: int = 0
    value: str = ""


class ZipkinSpan(msgspec.Struct):
    """A span, or a piece of one."""

    trace_id: str = msgspec.field(name="traceId", default="")
    id: str = ""
    parent_id: str | None = msgspec.field(name="parentId", default=None)
    name: str | None = None
    kind: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    shared: bool | None = None
    local_endpoint: Endpoint | None = msgspec.field(name="localEndpoint", default=None)
    remote_endpoint: Endpoint | None = msgspec.field(name="remoteEndpoint", default=None)
    annotations: list[Annotation] | None = None
    tags: dict[str, str] | None = None


_LIST = msgspec.json.Decoder(list[ZipkinSpan])
_NESTED = msgspec.json.Decoder(list[list[ZipkinSpan]])
_MAX_MICROSECONDS = 1 << 53


def decode_spans(body: bytes, *, nested: bool = False) -> list[Span]:
    """Spans of a list, or of a list of lists (`GET /api/v2/traces`). Raises UnreadableTraces."""
    try:
        pieces = [piece for trace in _NESTED.decode(body) for piece in trace] if nested else _LIST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error, body) from None
    return to_spans(pieces)


def to_spans(pieces: list[ZipkinSpan]) -> list[Span]:
    """Merge pieces, split shared spans, convert. Raises UnreadableTraces for an invalid id or time."""
    sides: dict[tuple[str, str, bool], ZipkinSpan] = {}
    for piece in pieces:
        trace_id, span_id = padded_hex_id(piece.trace_id, TRACE_ID_BYTES), padded_hex_id(piece.id, SPAN_ID_BYTES)
        if not trace_id or not span_id:
            name = (piece.name or "")[:80]
            raise UnreadableTraces(f"span {name!r} has an invalid id: traceId {piece.trace_id[:40]!r}, id {piece.id[:40]!r}.")
        key = (trace_id, span_id, piece.kind == "SERVER")
        sides[key] = _merged(sides[key], piece) if key in sides else piece
    by_id: dict[tuple[str, str], list[ZipkinSpan]] = {}
    for (trace_id, span_id, _), side in sides.items():
        by_id.setdefault((trace_id, span_id), []).append(side)
    servers = {key: _own_id(*key) for key, both in by_id.items() if len(both) == 2}
    resources: dict[Endpoint | None, Resource] = {}
    spans: list[Span] = []
    for (trace_id, span_id, server), side in sides.items():
        parent = padded_hex_id(side.parent_id or "", SPAN_ID_BYTES)
        if server and (trace_id, span_id) in servers:
            span_id, parent = servers[trace_id, span_id], span_id
        elif (trace_id, parent) in servers and _same_service(side, sides[trace_id, parent, True]):
            parent = servers[trace_id, parent]
        resource = resources.setdefault(side.local_endpoint, _resource(side.local_endpoint))
        spans.append(_span(side, trace_id, span_id, parent, resource))
    return spans


def _merged(first: ZipkinSpan, second: ZipkinSpan) -> ZipkinSpan:
    """Two reports of one side: what the first does not say is taken from the second; tags and annotations of both."""
    return ZipkinSpan(
        trace_id=first.trace_id,
        id=first.id,
        parent_id=first.parent_id or second.parent_id,
        name=first.name or second.name,
        kind=first.kind or second.kind,
        timestamp=min(filter(None, (first.timestamp, second.timestamp)), default=None),
        duration=max(filter(None, (first.duration, second.duration)), default=None),
        shared=first.shared or second.shared,
        local_endpoint=first.local_endpoint or second.local_endpoint,
        remote_endpoint=first.remote_endpoint or second.remote_endpoint,
        annotations=list(dict.fromkeys((*(first.annotations or ()), *(second.annotations or ())))),
        tags={**(first.tags or {}), **(second.tags or {})},
    )


def _own_id(trace_id: str, span_id: str) -> str:
    return hashlib.blake2b(f"{trace_id}{span_id}server".encode(), digest_size=SPAN_ID_BYTES).hexdigest()


def _same_service(one: ZipkinSpan, other: ZipkinSpan) -> bool:
    mine, theirs = one.local_endpoint or Endpoint(), other.local_endpoint or Endpoint()
    return (mine.service_name or "") == (theirs.service_name or "")


def _resource(endpoint: Endpoint | None) -> Resource:
    service = (endpoint.service_name or "") if endpoint else ""
    return Resource({"service.name": service} if service else {}, service)


def _span(side: ZipkinSpan, trace_id: str, span_id: str, parent: str, resource: Resource) -> Span:
    start, duration = side.timestamp or 0, side.duration or 0
    if not (0 <= start < _MAX_MICROSECONDS and 0 <= duration < _MAX_MICROSECONDS):
        raise UnreadableTraces(f"span {span_id}: timestamp {start}, duration {duration} are not microseconds.")
    attributes: dict[str, AttributeValue] = dict(side.tags or {})
    error = attributes.pop("error", None)
    remote = side.remote_endpoint
    if remote is not None:
        for key, value in (
            ("peer.service", remote.service_name),
            ("network.peer.address", remote.ipv4 or remote.ipv6),
            ("network.peer.port", remote.port),
        ):
            if value:
                attributes.setdefault(key, value)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=side.name or "",
        kind=SpanKind.__members__.get(side.kind or "", SpanKind.INTERNAL),
        start_ns=start * 1000,
        end_ns=(start + duration) * 1000,
        attributes=attributes,
        resource=resource,
        scope=Scope(),
        status=StatusCode.UNSET if error is None else StatusCode.ERROR,
        status_message=str(error or ""),
        events=tuple(
            Event(each.value, each.timestamp * 1000, {})
            for each in side.annotations or ()
            if 0 <= each.timestamp < _MAX_MICROSECONDS
        ),
    )
