"""Grouping an export request by trace, as ingest stores it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec import otlp_json, otlp_protobuf
from gate.codec.encode import encode_json, encode_protobuf, to_batch
from gate.codec.limits import Limits
from gate.model.trace import Span, StatusCode
from tests.unit.codec.spans import TRACE, span, spans

LIMITS = Limits()
OTHER = "a" * 32


@settings(deadline=None)
@given(st.lists(spans.filter(lambda each: max(each.start_ns, each.end_ns) < 2**63), max_size=5))
def test_bodies_have_every_span_once(given_spans: list[Span]) -> None:
    """The chunks' bodies, decoded, are the spans of the request, each in the chunk of its trace."""
    batch = otlp_protobuf.decode_batch(encode_protobuf(given_spans), LIMITS)
    decoded = [(chunk, each) for chunk in batch.chunks for each in otlp_protobuf.decode_spans(chunk.body)]
    assert sorted((each for _, each in decoded), key=repr) == sorted(given_spans, key=repr)
    assert all(chunk.trace_id.hex() == each.trace_id for chunk, each in decoded)
    assert batch.spans == len(given_spans)
    assert (batch.rejected, batch.message) == (0, "")


@settings(deadline=None)
@given(st.lists(spans, max_size=4))
def test_json_and_protobuf_make_the_same_batch(given_spans: list[Span]) -> None:
    """The encoding of the request leaves no trace in what is stored."""
    assert otlp_json.decode_batch(encode_json(given_spans), LIMITS) == to_batch(given_spans)


def test_unknown_fields_survive() -> None:
    """What a later OTLP adds to a span, a scope or a resource is stored as it came."""
    message = pb.TracesData.FromString(encode_protobuf([span(1)]))
    group = message.resource_spans[0]
    group.scope_spans[0].scope.attributes.add(key="scope attribute").value.string_value = "kept"
    unknown = b"\xfa\x3f\x03new"  # field 1023, three bytes
    group.scope_spans[0].spans[0].MergeFromString(unknown)
    group.resource.MergeFromString(unknown)
    (chunk,) = otlp_protobuf.decode_batch(message.SerializeToString(), LIMITS).chunks
    assert chunk.body.count(unknown) == 2
    assert pb.TracesData.FromString(chunk.body) == message


def test_the_summary_of_a_trace() -> None:
    """Times span all, operations and services are distinct, one error is enough."""
    batch = to_batch(
        [
            span(1, start=100, end=900, name="GET /x", service="web"),
            span(2, 1, start=200, end=950, name="SELECT", service="db", status=StatusCode.ERROR),
            span(3, 1, start=300, end=400, name="SELECT", service="db"),
            span(1, trace=OTHER),
        ]
    )
    first, second = sorted(batch.chunks, key=lambda chunk: chunk.trace_id)
    assert (first.start_ns, first.end_ns, first.error) == (100, 900 + 50, True)
    assert first.services == ("web", "db")
    assert first.operations == (("web", "GET /x"), ("db", "SELECT"))
    assert (first.spans, second.spans) == (3, 1)
    assert (second.trace_id.hex(), second.error) == (OTHER, False)


@pytest.mark.parametrize(
    ("attributes", "route", "status"),
    [
        ({"http.route": "/x/{id}", "http.response.status_code": 404}, "/x/{id}", 404),
        ({"http.status_code": "503"}, "", 503),
        ({"http.status_code": "⁵"}, "", 0),
        ({}, "", 0),
    ],
)
def test_the_entry_is_the_earliest_root(attributes: dict[str, object], route: str, status: int) -> None:
    """A list of traces shows the entry's route and status, of old and new conventions."""
    (chunk,) = to_batch([span(2, start=50), span(1, start=40, name="in", attributes=attributes), span(3, 1)]).chunks  # type: ignore[arg-type]
    assert chunk.entry is not None
    assert (chunk.entry.operation, chunk.entry.service, chunk.entry.route, chunk.entry.status) == ("in", "shop", route, status)
    assert to_batch([span(3, 1)]).chunks[0].entry is None


def test_the_run_is_named_by_resources() -> None:
    """`spangate.run` wins over the CI's own id; environment and commit come along; old names are read."""
    said = {
        "cicd.pipeline.run.id": "ci-7",
        "deployment.environment": "staging",
        "vcs.ref.head.revision": "abc",
        "test.case.name": "from resource",
    }
    (chunk,) = to_batch([span(1, resource={}), span(2, 1, resource=dict(said))]).chunks
    assert (chunk.run, chunk.environment, chunk.commit, chunk.test_case) == ("ci-7", "staging", "abc", "from resource")
    newer = {**said, "spangate.run": "r1", "deployment.environment.name": "prod"}
    (chunk,) = to_batch([span(1, resource=dict(newer))]).chunks
    assert (chunk.run, chunk.environment) == ("r1", "prod")


def test_the_test_case_of_a_root_wins() -> None:
    """On any span, the root's first, then the earliest span's, then the resource's."""
    root = span(1, start=50, attributes={"test.case.name": "of the root"})
    child = span(2, 1, start=20, attributes={"test.case.name": "of a child"}, resource={"test.case.name": "of the resource"})
    assert to_batch([child, root]).chunks[0].test_case == "of the root"
    assert to_batch([child]).chunks[0].test_case == "of a child"
    mentioned = span(1, attributes={"note": "test.case.name"})
    assert to_batch([mentioned]).chunks[0].test_case == ""


def _broken(**fields: object) -> bytes:
    message = pb.TracesData.FromString(encode_protobuf([span(1), span(2, 1)]))
    for name, value in fields.items():
        setattr(message.resource_spans[0].scope_spans[0].spans[0], name, value)
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"trace_id": b""}, "invalid trace id"),
        ({"trace_id": b"short"}, "invalid trace id"),
        ({"trace_id": bytes(16)}, "invalid trace id"),
        ({"span_id": bytes(8)}, "invalid span id"),
        ({"span_id": b"123456789"}, "invalid span id"),
        ({"parent_span_id": b"x"}, "invalid parent span id"),
        ({"end_time_unix_nano": 2**63}, "2262"),
        ({"name": "x"}, ""),
    ],
)
def test_a_bad_span_is_left_out_and_the_others_stay(fields: dict[str, object], says: str) -> None:
    """One bad span costs itself: the partial success tells how many and why."""
    batch = otlp_protobuf.decode_batch(_broken(**fields), LIMITS)
    assert (batch.spans, batch.rejected) == ((1, 1) if says else (2, 0))
    assert says in batch.message


@pytest.mark.parametrize("key", ["traceId", "spanId"])
@pytest.mark.parametrize(
    "value", ["", "zz", "5b8efff798038103d269b633813fc60c00", "W47/95gDgQPSabYzgT/HAA==", "ab cd ef 12 34 56"]
)
def test_a_bad_id_in_json_is_left_out_alike(key: str, value: str) -> None:
    """Neither blanks nor base64 nor other lengths are OTLP ids."""
    ids = {"traceId": TRACE, "spanId": "0000000000000001", key: value}
    body = encode_json([span(1), span(2, 1)]).replace(
        b'"traceId":"' + TRACE.encode() + b'","spanId":"0000000000000001"',
        f'"traceId":"{ids["traceId"]}","spanId":"{ids["spanId"]}"'.encode(),
    )
    batch = otlp_json.decode_batch(body, LIMITS)
    assert (batch.spans, batch.rejected) == (1, 1)


@pytest.mark.parametrize("size", [1_000, 1_001])
@pytest.mark.parametrize("place", ["span", "event", "list"])
def test_attribute_values_have_a_limit(size: int, place: str) -> None:
    """A value over the limit costs its span, wherever it stands; one at the limit is kept whole."""
    message = pb.TracesData.FromString(encode_protobuf([span(1), span(2, 1, attributes={"many": "x" * 900, "more": "x" * 900})]))
    first = message.resource_spans[0].scope_spans[0].spans[0]
    carrier = first.events.add().attributes if place == "event" else first.attributes
    value = carrier.add(key="k").value
    if place == "list":
        value.array_value.values.add().string_value = "x" * (size - 9)  # and its three frames of three bytes
    else:
        value.string_value = "x" * size
    batch = otlp_protobuf.decode_batch(message.SerializeToString(), Limits(max_attribute_bytes=1_000))
    assert batch.rejected == (1 if size > 1_000 else 0)
    assert ("max_attribute_bytes" in batch.message) == (size > 1_000)


def test_a_trace_has_a_limit() -> None:
    """A trace with more spans than allowed in one request is left out whole; the others stay."""
    batch = otlp_protobuf.decode_batch(
        encode_protobuf([*(span(number) for number in range(1, 12)), span(1, trace=OTHER)]), Limits(max_spans_per_trace=10)
    )
    assert [chunk.trace_id.hex() for chunk in batch.chunks] == [OTHER]
    assert batch.rejected == 11
    assert "max_spans_per_trace" in batch.message


def test_large_spans_are_framed_right() -> None:
    """Lengths of one, two, three and four varint bytes."""
    many = [
        span(number, attributes={"k": "x" * size}) for number, size in enumerate((1, 100, 4_000, 4_090, 20_000, 3_000_000), 1)
    ]
    (chunk,) = to_batch(many, Limits(max_attribute_bytes=4_000_000)).chunks
    assert otlp_protobuf.decode_spans(chunk.body) == many
