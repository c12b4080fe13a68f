"""OTLP in both encodings, against the official messages and against each other."""

import base64
import json

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec import otlp_json, otlp_protobuf
from gate.codec.encode import encode_json, encode_protobuf
from gate.codec.limits import Limits
from gate.errors import TooLarge, UnreadableTraces
from gate.model.trace import Span, SpanKind, StatusCode
from tests.unit.codec.spans import span, spans

LIMITS = Limits()

# The shapes that the specification's own example uses: upper-case ids, integers as numbers and as text.
DOCUMENT = {
    "resourceSpans": [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}],
                "droppedAttributesCount": 0,
            },
            "scopeSpans": [
                {
                    "scope": {
                        "name": "my.library",
                        "version": "1.0.0",
                        "attributes": [{"key": "a", "value": {"stringValue": "b"}}],
                    },
                    "spans": [
                        {
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "EEE19B7EC3C1B174",
                            "parentSpanId": "EEE19B7EC3C1B173",
                            "name": "I'm a server span",
                            "startTimeUnixNano": 1544712660000000000,
                            "endTimeUnixNano": "1544712661000000000",
                            "kind": 2,
                            "attributes": [
                                {"key": "text", "value": {"stringValue": "some value"}},
                                {"key": "as text", "value": {"intValue": "-7"}},
                                {"key": "as number", "value": {"intValue": 7}},
                                {"key": "double", "value": {"doubleValue": 1}},
                                {"key": "not finite", "value": {"doubleValue": "-Infinity"}},
                                {"key": "bytes", "value": {"bytesValue": "AAEC"}},
                                {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": False}, {}]}}},
                                {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}}},
                                {"key": "empty list", "value": {"arrayValue": {}}},
                                {"key": "nothing"},
                            ],
                            "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
                            "futureField": {"deep": [1, {"x": None}]},
                        },
                    ],
                }
            ],
        }
    ],
    "futureField": 1,
}


def test_the_specifications_json_is_read() -> None:
    """Ids in upper case, integers as numbers or text, enums as names, unknown fields: all are OTLP/JSON."""
    (only,) = otlp_json.decode_spans(json.dumps(DOCUMENT).encode())
    assert (only.trace_id, only.span_id, only.parent_span_id) == (
        "5b8efff798038103d269b633813fc60c",
        "eee19b7ec3c1b174",
        "eee19b7ec3c1b173",
    )
    assert (only.start_ns, only.end_ns) == (1544712660000000000, 1544712661000000000)
    assert (only.kind, only.status, only.status_message) == (SpanKind.SERVER, StatusCode.ERROR, "no")
    assert only.service == "my.service"
    assert only.attributes == {
        "text": "some value",
        "as text": -7,
        "as number": 7,
        "double": 1.0,
        "not finite": float("-inf"),
        "bytes": b"\x00\x01\x02",
        "list": [False, None],
        "map": {"k": 1},
        "empty list": [],
        "nothing": None,
    }


def test_files_from_before_scopes_are_read() -> None:
    """`instrumentationLibrarySpans` is what `scopeSpans` was called before OTLP 0.15."""
    (group,) = DOCUMENT["resourceSpans"]
    ((scope_spans),) = group["scopeSpans"]
    old = {"instrumentationLibrary": scope_spans["scope"], "spans": scope_spans["spans"]}
    document = {"resourceSpans": [{"resource": group["resource"], "instrumentationLibrarySpans": [old]}]}
    assert otlp_json.decode_spans(json.dumps(document).encode()) == otlp_json.decode_spans(json.dumps(DOCUMENT).encode())


def test_null_is_absence() -> None:
    """protobuf's JSON mapping takes null for any field."""
    document = {"resourceSpans": [{"resource": None, "schemaUrl": None, "scopeSpans": [{"scope": None, "spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": None, "name": None,
         "kind": None, "attributes": None, "events": None, "links": None, "status": None, "flags": None}]}]}]}  # fmt: skip
    (only,) = otlp_json.decode_spans(json.dumps(document).encode())
    assert (only.name, only.kind, only.parent_span_id, only.events) == ("", SpanKind.UNSPECIFIED, "", ())


@settings(deadline=None)
@given(st.lists(spans, max_size=4))
def test_json_round_trip(given_spans: list[Span]) -> None:
    """What is encoded as JSON decodes to the same spans."""
    decoded = otlp_json.decode_spans(encode_json(given_spans))
    assert sorted(decoded, key=repr) == sorted(given_spans, key=repr)


@settings(deadline=None)
@given(st.lists(spans, max_size=4))
def test_protobuf_round_trip(given_spans: list[Span]) -> None:
    """What is encoded as protobuf decodes to the same spans."""
    decoded = otlp_protobuf.decode_spans(encode_protobuf(given_spans))
    assert sorted(decoded, key=repr) == sorted(given_spans, key=repr)


@settings(deadline=None)
@given(st.lists(spans, max_size=3))
def test_the_json_is_what_protobufs_own_reader_understands(given_spans: list[Span]) -> None:
    """Apart from ids, which OTLP writes in hex, an independent reader of protobuf JSON sees the same message."""
    document = json.loads(encode_json(given_spans))
    for group in document.get("resourceSpans", []):
        for scope_spans in group["scopeSpans"]:
            for each in scope_spans["spans"]:
                for carrier in (each, *each.get("links", [])):
                    for key in {"traceId", "spanId", "parentSpanId"} & carrier.keys():
                        carrier[key] = base64.b64encode(bytes.fromhex(carrier[key])).decode()
    message = json_format.ParseDict(document, pb.TracesData())
    assert sorted(otlp_protobuf.decode_spans(message.SerializeToString()), key=repr) == sorted(given_spans, key=repr)


@settings(deadline=None)
@given(st.lists(spans, min_size=1, max_size=3), st.data())
def test_no_prefix_of_a_protobuf_body_is_more_than_unreadable(given_spans: list[Span], data: st.DataObject) -> None:
    """A truncated or overwritten body either decodes or is UnreadableTraces; nothing else is raised."""
    body = bytearray(encode_protobuf(given_spans))
    cut = data.draw(st.integers(0, len(body)))
    if cut < len(body):
        body[cut] = data.draw(st.integers(0, 255))
    for damaged in (bytes(body[:cut]), bytes(body)):
        for decode in (otlp_protobuf.decode_spans, lambda raw: otlp_protobuf.decode_batch(raw, LIMITS)):
            try:
                decode(damaged)
            except (UnreadableTraces, TooLarge) as error:
                assert str(error)


@settings(deadline=None)
@given(st.lists(spans, min_size=1, max_size=3), st.data())
def test_no_prefix_of_a_json_body_is_more_than_unreadable(given_spans: list[Span], data: st.DataObject) -> None:
    """The same for JSON."""
    body = bytearray(encode_json(given_spans))
    cut = data.draw(st.integers(0, len(body)))
    if cut < len(body):
        body[cut] = data.draw(st.integers(0, 255))
    for damaged in (bytes(body[:cut]), bytes(body)):
        for decode in (otlp_json.decode_spans, lambda raw: otlp_json.decode_batch(raw, LIMITS)):
            try:
                decode(damaged)
            except (UnreadableTraces, TooLarge) as error:
                assert str(error)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_unreadable(body: bytes) -> None:
    """Noise is UnreadableTraces, in both encodings."""
    for decode in (otlp_protobuf.decode_batch, otlp_json.decode_batch):
        try:
            decode(body, LIMITS)
        except (UnreadableTraces, TooLarge) as error:
            assert str(error)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("startTimeUnixNano", "-1", "unsigned 64-bit"),
        ("startTimeUnixNano", "1_000", "not an integer"),
        ("startTimeUnixNano", str(2**64), "unsigned 64-bit"),
        ("startTimeUnixNano", "9" * 5000, "not an integer"),
        ("flags", 2**32, "unsigned 32-bit"),
        ("attributes", [{"key": "k", "value": {"intValue": str(2**63)}}], "64-bit"),
        ("attributes", [{"key": "k", "value": {"bytesValue": "?"}}], "base64"),
        ("attributes", [{"key": "k", "value": {"doubleValue": "much"}}], "much"),
        ("attributes", {"k": "v"}, "Expected `array"),
        ("name", 7, "Expected `str"),
    ],
)
def test_a_field_of_another_type_is_named(field: str, value: object, says: str) -> None:
    """A value that its field cannot hold is an error that tells the value, not a silent zero."""
    document = json.loads(encode_json([span(1)]))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0][field] = value
    with pytest.raises(UnreadableTraces, match=says):
        otlp_json.decode_spans(json.dumps(document).encode())


@pytest.mark.parametrize("levels", [40, 5_000, 100_000])
def test_values_nested_without_end_are_refused(levels: int) -> None:
    """Neither 40 nor 100,000 levels of lists break the stack, or protobuf's own bound later."""
    value = '{"arrayValue":{"values":[' * levels + '{"stringValue":"x"}' + "]}}" * levels
    body = encode_json([span(1, attributes={"k": "HERE"})]).replace(b'{"stringValue":"HERE"}', value.encode())
    with pytest.raises(UnreadableTraces, match="nested"):
        otlp_json.decode_spans(body)


def test_the_deepest_json_value_is_storable() -> None:
    """What the JSON reader lets through, protobuf can encode and decode."""
    value: object = "x"
    for level in range(28):
        value = [value] if level % 2 else {"k": value}
    nested = span(1, attributes={"k": value})  # type: ignore[dict-item]
    batch = otlp_json.decode_batch(encode_json([nested]), LIMITS)
    assert otlp_protobuf.decode_spans(batch.chunks[0].body) == [nested]


@pytest.mark.parametrize("name", ["trace_id", "span_id"])
def test_an_invalid_id_in_a_file_is_an_error(name: str) -> None:
    """A file with a span that no trace can have is refused, not silently shortened."""
    message = pb.TracesData.FromString(encode_protobuf([span(1, name="GET /x")]))
    setattr(message.resource_spans[0].scope_spans[0].spans[0], name, b"\x01\x02")
    with pytest.raises(UnreadableTraces, match=r"GET /x.*0102"):
        otlp_protobuf.decode_spans(message.SerializeToString())


def test_an_unknown_kind_is_unspecified() -> None:
    """An enum value of a later version is read as protobuf reads it: as the default."""
    body = encode_json([span(1)]).replace(b'"kind":1', b'"kind":99')
    assert otlp_json.decode_spans(body)[0].kind == SpanKind.UNSPECIFIED


def test_a_parent_of_zeros_is_no_parent() -> None:
    """Some exporters write eight zero bytes for a root."""
    body = encode_json([span(2, 1)]).replace(b"0000000000000001", b"0000000000000000")
    assert otlp_json.decode_spans(body)[0].parent_span_id == ""
    message = pb.TracesData.FromString(encode_protobuf([span(2, 1)]))
    message.resource_spans[0].scope_spans[0].spans[0].parent_span_id = bytes(8)
    assert otlp_protobuf.decode_spans(message.SerializeToString())[0].parent_span_id == ""
    assert otlp_protobuf.decode_batch(message.SerializeToString(), LIMITS).chunks[0].entry is not None
