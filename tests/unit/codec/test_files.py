"""Files of every format: told by their content, errors with file, line and reason."""

import base64
import gzip
import json
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.codec.encode import encode_json, encode_protobuf
from gate.codec.files import read_spans, read_traces
from gate.errors import UnreadableTraces
from gate.model.trace import Event, Link, Scope, Span, SpanKind, StatusCode
from tests.unit.codec.spans import TRACE, span

ONE, TWO = [span(1, name="in")], [span(2, 1, name="out", service="db")]
OTLP_LINES = encode_json(ONE) + b"\n" + encode_json(TWO) + b"\n"


def base64_ids(document: object) -> object:
    """As protobuf's own JSON writes ids and enums."""
    if isinstance(document, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else "SPAN_KIND_INTERNAL"
            if key == "kind"
            else base64_ids(value)
            for key, value in document.items()
        }
    return [base64_ids(item) for item in document] if isinstance(document, list) else document


TEMPO = base64_ids(json.loads(encode_json(ONE + TWO)))
assert isinstance(TEMPO, dict)
SAME = {
    "otlp json": encode_json(ONE + TWO),
    "otlp json, pretty": json.dumps(json.loads(encode_json(ONE + TWO)), indent=2).encode(),
    "otlp json with a byte order mark": b"\xef\xbb\xbf" + encode_json(ONE + TWO),
    "otlp lines": OTLP_LINES,
    "otlp lines of Windows, with blank ones": b"\r\n" + OTLP_LINES.replace(b"\n", b"\r\n\r\n"),
    "otlp lines in gzip": gzip.compress(OTLP_LINES),
    "otlp lines in zstd": zstandard.ZstdCompressor().compress(OTLP_LINES),
    "otlp in a list": b"[" + encode_json(ONE) + b"," + encode_json(TWO) + b"]",
    "otlp protobuf": encode_protobuf(ONE + TWO),
    "otlp protobuf in gzip": gzip.compress(encode_protobuf(ONE + TWO)),
    "tempo v1": json.dumps({"batches": TEMPO["resourceSpans"]}).encode(),
    "tempo v2": json.dumps({"trace": TEMPO, "metrics": {"inspectedBytes": "1"}, "status": "PARTIAL"}).encode(),
    "tempo v2 in a line, twice": (json.dumps({"trace": {"resourceSpans": TEMPO["resourceSpans"][:1]}}) + "\n"
        + json.dumps({"trace": {"resourceSpans": TEMPO["resourceSpans"][1:]}})).encode(),
    "jaeger v3": json.dumps({"result": json.loads(encode_json(ONE + TWO))}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_same_spans_of_every_otlp_shape(name: str) -> None:
    """One trace of two services, written in each way, reads as the same spans."""
    assert read_spans(SAME[name], source="f") == ONE + TWO
    (trace,) = read_traces(SAME[name], source="f")
    assert (trace.trace_id, trace.parents) == (TRACE, (-1, 0))


def test_a_protobuf_that_looks_like_json() -> None:
    """A first resource of 123 bytes begins with a line feed and a brace."""
    spans = next(
        made
        for size in range(100)
        if (made := [span(1, name="x" * size)]) and encode_protobuf(made)[:2] == b"\n{"
    )  # fmt: skip
    assert read_spans(encode_protobuf(spans), source="f") == spans


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "f.json: the file is empty"),
        (b" \n\n", "f.json: the file is empty"),
        (b"hello", "f.json: neither JSON nor OTLP protobuf"),
        (b"<html>", "f.json: neither JSON nor OTLP protobuf"),
        (encode_json(ONE)[:-5], "f.json: not readable as JSON traces: Input data was truncated"),
        (OTLP_LINES[:-9], "f.json:2: not readable as JSON traces: Input data was truncated"),
        (OTLP_LINES + b"\n\n{]\n", "f.json:5: not readable as JSON traces: JSON is malformed"),
        (OTLP_LINES + b'{"resourceSpans": 7}', "f.json:3: not readable as JSON traces: Expected"),
        (OTLP_LINES.replace(b"0000000000000002", b"xyz"), "f.json:2: span 'out' has an invalid span id"),
        (b'{\n "resourceSpans": [\n  {"scopeSpans": [}\n', "f.json:3: not readable as JSON traces: JSON is malformed"),
        (b'{"resourceMetrics": []}', "f.json: this has resourceMetrics, not traces"),
        (b'{"a": 1, "b": 2}', "f.json: unknown JSON with the keys a, b"),
        (b"[1, 2]", "f.json: a JSON list of something"),
        (b'[{"a": 1}]', "f.json: a JSON list of unknown objects with the keys a"),
        (b"[" * 100_000, "f.json: not readable as JSON"),
        (b'{"data":[' + b"[" * 100_000, "f.json: not readable as JSON"),
        (gzip.compress(OTLP_LINES)[:-9], "f.json: the gzip body is truncated"),
        (b'{"resourceSpans": "\xff"}', "f.json: not readable as JSON"),
        (
            b'{"data": [{"spans": [{"traceID": "1", "spanID": "xx", "operationName": "op"}]}]}',
            "f.json: span 'op' has an invalid id",
        ),
        (b'[{"traceId": "1", "id": "", "name": "op"}]', "f.json: span 'op' has an invalid id"),
    ],
)
def test_errors_name_file_line_and_reason(data: bytes, says: str) -> None:
    """What a person needs to find the place."""
    with pytest.raises(UnreadableTraces) as caught:
        read_spans(data, source="f.json")
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"resourceSpans":[]}', b'{"data":[]}', b'{"data":null}', b'{"batches":[]}'])
def test_no_spans_is_no_error_here(data: bytes) -> None:
    """An answer without traces is readable; whoever needs some says so."""
    assert read_spans(data, source="f") == []


@settings(deadline=None)
@given(
    st.binary(max_size=100)
    | st.sampled_from(sorted(SAME)).flatmap(lambda name: st.integers(0, len(SAME[name])).map(lambda n: SAME[name][:n]))
)
def test_any_bytes_are_spans_or_unreadable(data: bytes) -> None:
    """Noise and truncated files of every format raise nothing else."""
    try:
        read_traces(data, source="f")
    except UnreadableTraces as error:
        assert str(error).startswith("f:")


# Jaeger


def jaeger_span(**fields: object) -> dict[str, object]:
    return {
        "traceID": "38103d269b633813fc60c",  # cut zeros
        "spanID": "a1",
        "operationName": "GET /x",
        "references": [{"refType": "CHILD_OF", "traceID": "38103d269b633813fc60c", "spanID": "b2"}],
        "startTime": 1_700_000_000_000_000,
        "duration": 1500,
        "tags": [
            {"key": "span.kind", "type": "string", "value": "server"},
            {"key": "error", "type": "bool", "value": True},
            {"key": "otel.status_description", "type": "string", "value": "no"},
            {"key": "otel.scope.name", "type": "string", "value": "lib"},
            {"key": "otel.scope.version", "type": "string", "value": "2"},
            {"key": "w3c.tracestate", "type": "string", "value": "a=b"},
            {"key": "int", "type": "int64", "value": 7},
            {"key": "int as text", "type": "int64", "value": "9007199254740993"},
            {"key": "float", "type": "float64", "value": 2},
            {"key": "flag", "type": "bool", "value": "false"},
            {"key": "bytes", "type": "binary", "value": "AAE="},
            {"key": "wrong", "type": "int64", "value": "many"},
        ],
        "logs": [{"timestamp": 1_700_000_000_000_100, "fields": [
            {"key": "event", "type": "string", "value": "exception"},
            {"key": "exception.type", "type": "string", "value": "E"}]}],
        "processID": "p1",
        "warnings": None,
        **fields,
    }  # fmt: skip


PROCESS = {"serviceName": "shop", "tags": [{"key": "host.name", "type": "string", "value": "h"}]}
JAEGER_TRACE = {"traceID": "38103d269b633813fc60c", "spans": [jaeger_span()], "processes": {"p1": PROCESS}, "warnings": None}
INLINE = jaeger_span(process=PROCESS, processID="")
JAEGER_SHAPES = {
    "api answer": {"data": [JAEGER_TRACE], "total": 0, "limit": 0, "offset": 0, "errors": None},
    "download": {"data": [JAEGER_TRACE]},
    "one in data": {"data": JAEGER_TRACE},
    "one trace": JAEGER_TRACE,
    "list of traces": [JAEGER_TRACE],
    "spans with inline process": [INLINE],
    "one span with inline process": INLINE,
}


@pytest.mark.parametrize("shape", JAEGER_SHAPES)
def test_jaeger_in_every_shape(shape: str) -> None:
    """Everything that Jaeger's API, pages and anonymizer write."""
    (only,) = read_spans(json.dumps(JAEGER_SHAPES[shape]).encode(), source="f")
    trace_id = "00000000000" + "38103d269b633813fc60c"
    assert (only.trace_id, only.span_id, only.parent_span_id) == (trace_id, "00000000000000a1", "00000000000000b2")
    assert (only.name, only.kind, only.service) == ("GET /x", SpanKind.SERVER, "shop")
    assert (only.start_ns, only.end_ns) == (1_700_000_000_000_000_000, 1_700_000_000_001_500_000)
    assert (only.status, only.status_message, only.trace_state) == (StatusCode.ERROR, "no", "a=b")
    assert only.scope == Scope("lib", "2")
    assert only.resource.attributes == {"service.name": "shop", "host.name": "h"}
    assert only.attributes == {
        "int": 7,
        "int as text": 9007199254740993,
        "float": 2.0,
        "flag": False,
        "bytes": b"\x00\x01",
        "wrong": "many",
    }
    assert only.events == (Event("exception", 1_700_000_000_000_100_000, {"exception.type": "E"}),)


def references(*pairs: tuple[str, str, str]) -> dict[str, object]:
    return {"references": [{"refType": kind, "traceID": trace, "spanID": each} for kind, trace, each in pairs]}


OWN, FOREIGN = "38103d269b633813fc60c", "ff"


@pytest.mark.parametrize(
    ("fields", "parent", "links"),
    [
        (references(), "", []),
        (references(("CHILD_OF", OWN, "1")), "1", []),
        (references(("FOLLOWS_FROM", OWN, "1"), ("CHILD_OF", OWN, "2")), "2", ["1"]),
        (references(("FOLLOWS_FROM", OWN, "1")), "1", []),
        (references(("FOLLOWS_FROM", FOREIGN, "1")), "", ["1"]),
        (references(("CHILD_OF", OWN, "1"), ("CHILD_OF", OWN, "2"), ("FOLLOWS_FROM", FOREIGN, "3")), "1", ["2", "3"]),
        ({"references": None, "parentSpanID": "4"}, "4", []),
        (references(("FOLLOWS_FROM", OWN, "1")) | {"parentSpanID": "4"}, "4", ["1"]),
    ],
)
def test_jaeger_references(fields: dict[str, object], parent: str, links: list[str]) -> None:
    """One reference is the parent, the others are links."""
    (only,) = read_spans(json.dumps([jaeger_span(**fields)]).encode(), source="f")
    assert only.parent_span_id.lstrip("0") == parent
    assert [link.span_id.lstrip("0") for link in only.links] == links


def test_a_jaeger_status_without_the_error_tag() -> None:
    """`otel.status_code` decides; a text under `error` that is no flag stays an attribute."""
    tags = [{"key": "otel.status_code", "type": "string", "value": "OK"}, {"key": "error", "type": "string", "value": "E17"}]
    (only,) = read_spans(json.dumps([jaeger_span(tags=tags)]).encode(), source="f")
    assert (only.status, only.attributes) == (StatusCode.OK, {"error": "E17"})


# Zipkin


def zipkin(*spans: dict[str, object]) -> list[Span]:
    return read_spans(
        json.dumps([{"traceId": "ab", "timestamp": 10, "duration": 5, **each} for each in spans]).encode(), source="f"
    )


def test_zipkin_fields() -> None:
    """Kind, endpoints, annotations, tags and the error tag have their places."""
    (only,) = zipkin({
        "id": "1", "parentId": "2", "name": "get", "kind": "CLIENT", "debug": True,
        "localEndpoint": {"serviceName": "web", "ipv4": "10.0.0.1"},
        "remoteEndpoint": {"serviceName": "db", "ipv6": "::1", "port": 5432},
        "annotations": [{"timestamp": 12, "value": "retry"}],
        "tags": {"http.method": "GET", "error": "timeout"},
    })  # fmt: skip
    assert (only.trace_id, only.span_id, only.parent_span_id) == ("ab".rjust(32, "0"), "1".rjust(16, "0"), "2".rjust(16, "0"))
    assert (only.name, only.kind, only.service, only.start_ns, only.end_ns) == ("get", SpanKind.CLIENT, "web", 10_000, 15_000)
    assert only.attributes == {
        "http.method": "GET",
        "peer.service": "db",
        "network.peer.address": "::1",
        "network.peer.port": 5432,
    }
    assert (only.status, only.status_message) == (StatusCode.ERROR, "timeout")
    assert only.events == (Event("retry", 12_000, {}),)


def test_zipkin_pieces_are_merged() -> None:
    """A span reported twice is one: tags of both, the earliest start, the longest duration."""
    (only,) = zipkin(
        {"id": "1", "name": "get", "tags": {"a": "1"}, "timestamp": 20},
        {"id": "1", "tags": {"b": "2"}, "duration": 9, "localEndpoint": {"serviceName": "web"}},
    )
    assert (only.attributes, only.service, only.start_ns, only.end_ns) == ({"a": "1", "b": "2"}, "web", 10_000, 19_000)


@pytest.mark.parametrize("order", [1, -1])
def test_zipkin_shared_spans_are_split(order: int) -> None:
    """Client and server under one id become parent and child; children go to the side of their own service."""
    pieces: list[dict[str, object]] = [
        {"id": "1", "kind": "CLIENT", "localEndpoint": {"serviceName": "web"}},
        {"id": "1", "kind": "SERVER", "shared": True, "localEndpoint": {"serviceName": "api"}},
        {"id": "2", "parentId": "1", "localEndpoint": {"serviceName": "api"}, "name": "query"},
    ]
    spans = zipkin(*pieces[::order])
    by = {(each.service, each.name, each.kind): each for each in spans}
    client, server = by["web", "", SpanKind.CLIENT], by["api", "", SpanKind.SERVER]
    query = by["api", "query", SpanKind.INTERNAL]
    assert client.parent_span_id == ""
    assert server.parent_span_id == client.span_id != server.span_id
    assert query.parent_span_id == server.span_id
    assert server.span_id == next(each for each in zipkin(*pieces) if each.kind == SpanKind.SERVER).span_id


def test_a_shared_server_alone_keeps_its_id() -> None:
    """Without the client's half there is nothing to split."""
    (only,) = zipkin({"id": "1", "parentId": "9", "kind": "SERVER", "shared": True})
    assert (only.span_id, only.parent_span_id) == ("1".rjust(16, "0"), "9".rjust(16, "0"))


def test_zipkin_list_of_lists_and_missing_times() -> None:
    """`GET /api/v2/traces` nests; a span without timestamp has none."""
    (only,) = read_spans(b'[[{"traceId":"1","id":"2","name":null,"tags":null}],[]]', source="f")
    assert (only.start_ns, only.end_ns, only.name) == (0, 0, "")


# Real recordings, when they are there

SHARED = Path(__file__).parents[4] / "shared" / "recordings"


RECORDINGS = sorted((Path(__file__).parents[4] / "shared" / "recordings").glob("*/good/run-01/traces.jsonl.gz"))

if RECORDINGS:

    @pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.parts[-4])
    def test_real_recordings_have_no_problems(path: Path) -> None:
        """What real applications sent, in batches of many traces each, assembles without a complaint."""
        traces = read_traces(path.read_bytes(), source=path.name)
        assert len(traces) > 10
        assert all(trace.problems == () for trace in traces)


def test_links_survive_files() -> None:
    """A link to another trace is kept."""
    linked = msgspec.structs.replace(span(1), links=(Link("c" * 32, "d" * 16, {"k": 1}),))
    assert read_spans(encode_json([linked]), source="f") == [linked]
