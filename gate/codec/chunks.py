"""An export request grouped by trace: the hot path of ingest.

Only ids and structure are decoded. Each span is encoded once, and a chunk's body is put together from those bytes,
because appending messages to messages would copy every attribute twice.
"""

from collections import Counter
from functools import lru_cache
from typing import TypeAlias

import msgspec
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec.batch import Batch, Entry, TraceChunk
from gate.codec.limits import Limits

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)
_LATEST = (1 << 63) - 1
"""In the year 2262; a store's integers end there."""
_ERROR = 2


_Frame: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""What stands around the spans of one scope, encoded: resource, scope, the scope's schema URL, the resource's."""


class Rejections:
    """Why spans of one request are left out, counted by reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def add(self, reason: str, spans: int = 1) -> None:
        """Count spans."""
        self.reasons[reason] += spans

    def message(self) -> str:
        """One sentence for a partial success; empty when nothing was rejected."""
        parts = [f"{count} with {reason}" for reason, count in self.reasons.most_common()]
        return f"Rejected {self.reasons.total()} spans: {', '.join(parts)}." if parts else ""


class _Facts(msgspec.Struct, frozen=True, gc=False):
    """What a chunk says about a resource."""

    service: str
    run: str
    environment: str
    commit: str
    test_case: str


class _Group:
    """What one request has of one trace, while it is collected."""

    __slots__ = ("end", "entry", "entry_service", "error", "facts", "operations", "sections", "span_ids", "start")

    def __init__(self) -> None:
        self.span_ids: list[bytes] = []
        self.sections: dict[int, list[bytes]] = {}
        self.facts: list[_Facts] = []
        self.operations: dict[tuple[str, str], None] = {}
        self.start = _LATEST
        self.end = 0
        self.error = False
        self.entry: pb.Span | None = None
        self.entry_service = ""


def batch_of(request: pb.TracesData, limits: Limits, rejections: Rejections | None = None) -> Batch:
    """Group a decoded request by trace; `rejections` are those that decoding already made."""
    rejected = Rejections() if rejections is None else rejections
    groups: dict[bytes, _Group] = {}
    frames: list[_Frame] = []
    for resource_spans in request.resource_spans:
        encoded = resource_spans.resource.SerializeToString()
        facts = _facts(encoded)
        service = facts.service
        head = _field(1, encoded)
        tail = _field(3, resource_spans.schema_url.encode()) if resource_spans.schema_url else b""
        for scope_spans in resource_spans.scope_spans:
            section = len(frames)
            scope_tail = _field(3, scope_spans.schema_url.encode()) if scope_spans.schema_url else b""
            frames.append((head, _field(1, scope_spans.scope.SerializeToString()), scope_tail, tail))
            for span in scope_spans.spans:
                trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
                start, end = span.start_time_unix_nano, span.end_time_unix_nano
                encoded = span.SerializeToString()
                size = len(encoded)
                group = groups.get(trace_id)
                if (
                    (group is None and (len(trace_id) != 16 or trace_id == _NO_TRACE))
                    or len(span_id) != 8
                    or span_id == _NO_SPAN
                    or (parent and len(parent) != 8)
                    or start > _LATEST
                    or end > _LATEST
                    or (size > limits.max_attribute_bytes and _oversized(span, limits))
                ):
                    rejected.add(_why(span, limits))
                    continue
                if group is None:
                    group = groups[trace_id] = _Group()
                pieces = group.sections.get(section)
                if pieces is None:
                    pieces = group.sections[section] = []
                    group.facts.append(facts)
                pieces += (_SPAN_HEADS[size] if size < _SMALL else _span_head(size), encoded)
                group.span_ids.append(span_id)
                group.operations[service, span.name] = None
                if start < group.start:
                    group.start = start
                if end > group.end:
                    group.end = end
                if span.HasField("status") and span.status.code == _ERROR:
                    group.error = True
                if (not parent or parent == _NO_SPAN) and (group.entry is None or start < group.entry.start_time_unix_nano):
                    group.entry, group.entry_service = span, service
    chunks: list[TraceChunk] = []
    for trace_id, group in groups.items():
        if len(group.span_ids) > limits.max_spans_per_trace:
            reason = f"a trace of more than {limits.max_spans_per_trace} spans (max_spans_per_trace)"
            rejected.add(reason, len(group.span_ids))
        else:
            chunks.append(_chunk(trace_id, group, frames))
    return Batch(
        chunks=tuple(chunks),
        spans=sum(len(chunk.span_ids) for chunk in chunks),
        rejected=rejected.reasons.total(),
        message=rejected.message(),
    )


def _chunk(trace_id: bytes, group: _Group, frames: list[_Frame]) -> TraceChunk:
    parts: list[bytes] = []
    for section, pieces in group.sections.items():
        resource, scope, scope_url, resource_url = frames[section]
        inner_size = len(scope) + sum(map(len, pieces)) + len(scope_url)
        inner = b"\x12" + _varint(inner_size)
        size = len(resource) + len(inner) + inner_size + len(resource_url)
        parts += (b"\n" + _varint(size), resource, inner, scope, *pieces, scope_url, resource_url)
    body = b"".join(parts)
    entry, facts = group.entry, group.facts
    return TraceChunk(
        trace_id=trace_id,
        body=body,
        span_ids=tuple(group.span_ids),
        services=tuple(dict.fromkeys([service for service, _ in group.operations])),
        operations=tuple(group.operations),
        start_ns=group.start,
        end_ns=max(group.end, group.start),
        error=group.error,
        run=_first([each.run for each in facts]),
        environment=_first([each.environment for each in facts]),
        commit=_first([each.commit for each in facts]),
        test_case=(_test_case(body) if _TEST_CASE in body else "") or _first([each.test_case for each in facts]),
        entry=_entry(entry, group.entry_service) if entry is not None else None,
    )


def _entry(span: pb.Span, service: str) -> Entry:
    route, status = "", 0
    for attribute in span.attributes:
        match attribute.key:
            case "http.route":
                route = attribute.value.string_value
            case "http.response.status_code" | "http.status_code":
                text = attribute.value.string_value
                status = attribute.value.int_value or (int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0)
            case _:
                pass
    return Entry(service, span.name, route, status, span.start_time_unix_nano, span.end_time_unix_nano)


_TEST_CASE = b"test.case.name"


def _test_case(body: bytes) -> str:
    """The test case that spans name: a root's wins, else the earliest span's."""
    named = [
        (bool(span.parent_span_id), span.start_time_unix_nano, attribute.value.string_value)
        for resource_spans in pb.TracesData.FromString(body).resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
        for attribute in span.attributes
        if attribute.key == "test.case.name" and attribute.value.string_value
    ]
    return min(named)[2] if named else ""


@lru_cache(maxsize=1024)
def _facts(encoded: bytes) -> _Facts:
    """Of an encoded `Resource`; a process sends the same one with every request."""
    values = {item.key: item.value.string_value for item in resource_pb2.Resource.FromString(encoded).attributes}
    return _Facts(
        service=values.get("service.name", ""),
        run=values.get("spangate.run") or values.get("cicd.pipeline.run.id", ""),
        environment=values.get("deployment.environment.name") or values.get("deployment.environment", ""),
        commit=values.get("vcs.ref.head.revision", ""),
        test_case=values.get("test.case.name", ""),
    )


def _first(values: list[str]) -> str:
    return next((value for value in values if value), "")


def _why(span: pb.Span, limits: Limits) -> str:
    if len(span.trace_id) != 16 or span.trace_id == _NO_TRACE:
        return "an invalid trace id"
    if len(span.span_id) != 8 or span.span_id == _NO_SPAN:
        return "an invalid span id"
    if len(span.parent_span_id) not in (0, 8):
        return "an invalid parent span id"
    if max(span.start_time_unix_nano, span.end_time_unix_nano) > _LATEST:
        return "a time after the year 2262"
    return f"an attribute value of more than {limits.max_attribute_bytes} bytes (max_attribute_bytes)"


def _oversized(span: pb.Span, limits: Limits) -> bool:
    carriers: list[pb.Span | pb.Span.Event | pb.Span.Link] = [span, *span.events, *span.links]
    return any(_value_size(item) > limits.max_attribute_bytes for carrier in carriers for item in carrier.attributes)


def _value_size(item: common_pb2.KeyValue) -> int:
    return len(item.value.string_value.encode()) or len(item.value.bytes_value) or item.value.ByteSize()


# The wire format: a length-delimited field is its tag, the length as a varint, and the bytes.


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if number < 0x4000:  # the usual one, without a loop
        return bytes((number,)) if number < 0x80 else bytes((number & 0x7F | 0x80, number >> 7))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


def _span_head(size: int) -> bytes:
    return b"\x12" + _varint(size)


_SMALL = 4096
_SPAN_HEADS = tuple(_span_head(size) for size in range(_SMALL))
