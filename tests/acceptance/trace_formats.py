"""One request as a trace in every format that Spangate reads: a server span, a SELECT and an INSERT below it."""

import gzip
import json
from collections.abc import Sequence
from typing import Any

import zstandard

from gate.codec.encode import encode_json, encode_protobuf
from gate.model.trace import Resource, Scope, Span, SpanKind

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SERVICE = Resource({"service.name": "shop"}, "shop")
KINDS = {SpanKind.SERVER: "server", SpanKind.CLIENT: "client"}


def order(*, insert: bool = True) -> list[Span]:
    """`POST /orders`, with or without its write."""
    request = {"http.request.method": "POST", "http.route": "/orders", "url.path": "/orders", "http.response.status_code": "201"}
    spans = [_span(1, 0, "POST /orders", SpanKind.SERVER, request), _query(2, "SELECT * FROM items WHERE id = 7")]
    return [*spans, _query(3, "INSERT INTO orders VALUES (17)")] if insert else spans


def written(spans: Sequence[Span]) -> dict[str, bytes]:
    """File name → content."""
    otlp = encode_json(spans)
    document = json.loads(otlp)
    half = len(spans) // 2
    return {
        "otlp.json": otlp,
        "otlp.jsonl": encode_json(spans[half:]) + b"\n" + encode_json(spans[:half]) + b"\n",
        "otlp.pb": encode_protobuf(spans),
        "otlp.json.gz": gzip.compress(otlp),
        "otlp.pb.zst": zstandard.ZstdCompressor().compress(encode_protobuf(spans)),
        "jaeger.json": json.dumps({"data": [_jaeger(spans)]}).encode(),
        "zipkin.json": json.dumps([_zipkin(span) for span in spans]).encode(),
        "tempo-v1.json": json.dumps({"batches": document["resourceSpans"]}).encode(),
        "tempo-v2.json": json.dumps({"trace": document}).encode(),
    }


def _query(number: int, statement: str) -> Span:
    attributes = {"db.system.name": "postgresql", "db.query.text": statement}
    return _span(number, 1, statement.partition(" ")[0], SpanKind.CLIENT, attributes)


def _span(number: int, parent: int, name: str, kind: SpanKind, attributes: dict[str, Any]) -> Span:
    start = 1_700_000_000_000_000_000 + number * 10_000_000
    return Span(
        trace_id=TRACE_ID, span_id=f"{number:016x}", parent_span_id=f"{parent:016x}" if parent else "", name=name, kind=kind,
        start_ns=start, end_ns=start + (90_000_000 if number == 1 else 5_000_000), attributes=attributes,
        resource=SERVICE, scope=Scope("shop"),
    )  # fmt: skip


def _jaeger(spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "traceID": TRACE_ID,
        "processes": {"p1": {"serviceName": "shop", "tags": []}},
        "spans": [
            {
                "traceID": TRACE_ID,
                "spanID": span.span_id,
                "processID": "p1",
                "operationName": span.name,
                "startTime": span.start_ns // 1000,
                "duration": (span.end_ns - span.start_ns) // 1000,
                "references": [{"refType": "CHILD_OF", "traceID": TRACE_ID, "spanID": span.parent_span_id}]
                if span.parent_span_id
                else [],
                "tags": [
                    {"key": key, "type": "string", "value": value}
                    for key, value in {"span.kind": KINDS[span.kind], "otel.scope.name": "shop", **span.attributes}.items()
                ],
            }
            for span in spans
        ],
    }


def _zipkin(span: Span) -> dict[str, Any]:
    return {
        "traceId": TRACE_ID,
        "id": span.span_id,
        **({"parentId": span.parent_span_id} if span.parent_span_id else {}),
        "name": span.name,
        "kind": KINDS[span.kind].upper(),
        "timestamp": span.start_ns // 1000,
        "duration": (span.end_ns - span.start_ns) // 1000,
        "localEndpoint": {"serviceName": "shop"},
        "tags": {"otel.scope.name": "shop", **span.attributes},
    }
