"""An export request grouped by trace: the hot path of ingest.

Only ids and structure are decoded. Each span is encoded once, and a chunk's body is put together from those bytes,
because appending messages to messages would copy every attribute twice.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
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
_START = itemgetter(0)


_Frame: TypeAlias = tuple[bytes, bytes, bytes, bytes, int]
"""What stands around the spans of one scope, encoded: resource, scope, the scope's schema URL, the resource's schema URL;
and the length of the two that are inside, with the scope."""


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
    origin: tuple[str, str, str, str]
    """Run, environment, commit, test case."""


class _Group:
    """What one request has of one trace, while it is collected."""

    __slots__ = ("ends", "error", "facts", "operations", "roots", "sections", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.sections: dict[int, list[bytes]] = {}
        self.facts: list[_Facts] = []
        self.operations: dict[tuple[str, str], None] = {}
        self.roots: list[tuple[int, pb.Span, str]] = []
        self.error = False

    def section(self, number: int, facts: _Facts) -> list[bytes]:
        """The encoded spans of one scope of the request."""
        pieces = self.sections.get(number)
        if pieces is None:
            pieces = self.sections[number] = []
            self.facts.append(facts)
        return pieces


def batch_of(request: pb.TracesData, limits: Limits, rejections: Rejections | None = None) -> Batch:
    """Group a decoded request by trace; `rejections` are those that decoding already made."""
    rejected = Rejections() if rejections is None else rejections
    groups: dict[bytes, _Group] = {}
    frames: list[_Frame] = []
    suspicious_size = limits.max_attribute_bytes
    for resource_spans in request.resource_spans:
        encoded = resource_spans.resource.SerializeToString()
        facts = _facts(encoded)
        service = facts.service
        head = _field(1, encoded)
        tail = _field(3, resource_spans.schema_url.encode()) if resource_spans.schema_url else b""
        for scope_spans in resource_spans.scope_spans:
            scope = _field(1, scope_spans.scope.SerializeToString())
            after = _field(3, scope_spans.schema_url.encode()) if scope_spans.schema_url else b""
            frames.append((head, scope, after, tail, len(scope) + len(after)))
            group, last = _Group(), None  # replaced at the first span
            pieces: list[bytes] = []
            for span in scope_spans.spans:
                trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
                start, end = span.start_time_unix_nano, span.end_time_unix_nano
                encoded = span.SerializeToString()
                size = len(encoded)
                if (
                    (trace_id != last and (len(trace_id) != 16 or trace_id == _NO_TRACE))
                    or len(span_id) != 8
                    or span_id == _NO_SPAN
                    or (parent and len(parent) != 8)
                    or start > _LATEST
                    or end > _LATEST
                    or (size > suspicious_size and _oversized(span, limits))
                ):
                    rejected.add(_why(span, limits))
                    continue
                if trace_id != last:  # neighbours are mostly of one trace
                    last = trace_id
                    group = groups.get(trace_id) or groups.setdefault(trace_id, _Group())
                    pieces = group.section(len(frames) - 1, facts)
                pieces += (_SPAN_HEADS[size] if size < _SMALL else _span_head(size), encoded)
                group.starts.append(start)
                group.ends.append(end)
                group.operations[service, span.name] = None
                if span.HasField("status") and span.status.code == _ERROR:
                    group.error = True
                if not parent or parent == _NO_SPAN:
                    group.roots.append((start, span, service))
    chunks: list[TraceChunk] = []
    for trace_id, group in groups.items():
        if len(group.starts) > limits.max_spans_per_trace:
            reason = f"a trace of more than {limits.max_spans_per_trace} spans (max_spans_per_trace)"
            rejected.add(reason, len(group.starts))
        else:
            chunks.append(_chunk(trace_id, group, frames))
    return Batch(
        chunks=tuple(chunks),
        spans=sum(chunk.spans for chunk in chunks),
        rejected=rejected.reasons.total(),
        message=rejected.message(),
    )


def _chunk(trace_id: bytes, group: _Group, frames: list[_Frame]) -> TraceChunk:
    parts: list[bytes] = []
    for section, pieces in group.sections.items():
        resource, scope, after_spans, after_scope, fixed = frames[section]
        inner = sum(map(len, pieces)) + fixed
        head = _varint(inner)
        outer = len(resource) + 1 + len(head) + inner + len(after_scope)
        parts += (b"\n", _varint(outer), resource, b"\x12", head, scope, *pieces, after_spans, after_scope)
    body = b"".join(parts)
    origins = dict.fromkeys([facts.origin for facts in group.facts])
    run, environment, commit, test_case = next(iter(origins)) if len(origins) == 1 else map(_first, zip(*origins, strict=True))
    start = min(group.starts)
    return TraceChunk(
        trace_id=trace_id,
        body=body,
        spans=len(group.starts),
        services=tuple(dict.fromkeys([service for service, _ in group.operations])),
        operations=tuple(group.operations),
        start_ns=start,
        end_ns=max(start, max(group.ends)),
        error=group.error,
        run=run,
        environment=environment,
        commit=commit,
        test_case=(_TEST_CASE in body and _test_case(body)) or test_case,
        entry=_entry(group.roots) if group.roots else None,
    )


_STATUS_KEYS = frozenset({"http.response.status_code", "http.status_code"})


def _entry(roots: list[tuple[int, pb.Span, str]]) -> Entry:
    _, span, service = min(roots, key=_START)
    route, status = "", 0
    for attribute in span.attributes:
        key = attribute.key
        if key == "http.route":
            route = attribute.value.string_value
        elif key in _STATUS_KEYS:
            text = attribute.value.string_value
            status = attribute.value.int_value or (int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0)
    return Entry(service, span.name, route, status, span.start_time_unix_nano, span.end_time_unix_nano)


_TEST_CASE = b"test.case.name\x12"
"""The key and the tag of its value; a search for bytes is faster when the last one is rare."""


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
    run = values.get("spangate.run") or values.get("cicd.pipeline.run.id", "")
    environment = values.get("deployment.environment.name") or values.get("deployment.environment", "")
    commit = values.get("vcs.ref.head.revision", "")
    return _Facts(values.get("service.name", ""), (run, environment, commit, values.get("test.case.name", "")))


def _first(values: Iterable[str]) -> str:
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
