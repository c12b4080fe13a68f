"""`POST /v1/traces`, against the OTLP/HTTP specification, on a real socket."""

import asyncio
import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import zstandard
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec.encode import encode_json, encode_protobuf
from gate.codec.limits import Limits
from gate.codec.redact import REDACTED
from gate.errors import Overloaded, Unavailable
from gate.ingest.http import Bounds
from gate.model.trace import ProblemKind
from tests.http.door import Door, door
from tests.http.served import TIMEOUT
from tests.unit.codec.spans import TRACE, span

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SPANS = [span(1, name="in"), span(2, 1, name="out")]
BODIES = {PROTOBUF: encode_protobuf(SPANS), JSON: encode_json(SPANS)}
SMALL = Bounds(max_body_bytes=20_000, max_inflated_bytes=50_000, max_pending_bytes=100_000)
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "deflate": zlib.compress,
    "identity": bytes,
}
both = pytest.mark.parametrize("media", [PROTOBUF, JSON])


@pytest.fixture
def served() -> Iterator[Door]:
    with door() as served:
        yield served


@pytest.fixture
def small() -> Iterator[Door]:
    with door(bounds=SMALL) as served:
        yield served


def send(served: Door, body: bytes, media: str = PROTOBUF, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(served.url, content=body, headers={"content-type": media, **named}, timeout=TIMEOUT)


def status_of(response: httpx.Response) -> tuple[int, str]:
    """The `google.rpc.Status` of a failure, read by the official message or as JSON."""
    if response.headers["content-type"].startswith(JSON):
        body = response.json()
        return body["code"], body["message"]
    assert response.headers["content-type"] == PROTOBUF
    status = status_pb2.Status.FromString(response.content)
    return status.code, status.message


@both
def test_success_is_answered_in_the_requests_encoding(served: Door, media: str) -> None:
    """200, the request's media type, and an `ExportTraceServiceResponse` without partial success."""
    response = send(served, BODIES[media], media)
    assert (response.status_code, response.headers["content-type"]) == (200, media)
    if media == JSON:
        assert response.json() == {}
    else:
        assert service.ExportTraceServiceResponse.FromString(response.content) == service.ExportTraceServiceResponse()
    (trace,) = served.gate.traces()
    assert list(trace.spans) == SPANS


@both
@pytest.mark.parametrize("coding", CODINGS)
def test_content_codings(served: Door, media: str, coding: str) -> None:
    """gzip, zstd, deflate and identity carry both encodings."""
    assert send(served, CODINGS[coding](BODIES[media]), media, content_encoding=coding).status_code == 200
    assert list(served.gate.traces()[0].spans) == SPANS


@both
def test_an_empty_request_is_a_success(served: Door, media: str) -> None:
    """An export of no spans is valid OTLP."""
    assert send(served, b"{}" if media == JSON else b"", media).status_code == 200


@pytest.mark.parametrize("media", ["Application/JSON; charset=utf-8", "application/protobuf"])
def test_media_types_have_parameters_case_and_a_synonym(served: Door, media: str) -> None:
    """What real clients and proxies send as Content-Type."""
    assert send(served, BODIES[JSON if "JSON" in media else PROTOBUF], media).status_code == 200


@both
def test_partial_success_counts_what_was_rejected(served: Door, media: str) -> None:
    """Spans with an invalid id are left out and told; the others are stored; the status is 200."""
    if media == JSON:
        body = BODIES[JSON].replace(b'"spanId":"0000000000000001"', b'"spanId":"nonsense"')
    else:
        message = pb.TracesData.FromString(BODIES[PROTOBUF])
        message.resource_spans[0].scope_spans[0].spans[0].span_id = b"nonsense!"
        body = message.SerializeToString()
    response = send(served, body, media)
    assert response.status_code == 200
    if media == JSON:
        partial = response.json()["partialSuccess"]
        rejected, message = partial["rejectedSpans"], partial["errorMessage"]
        assert rejected == "1"  # a 64-bit integer in protobuf's JSON is text
    else:
        answer = service.ExportTraceServiceResponse.FromString(response.content).partial_success
        rejected, message = answer.rejected_spans, answer.error_message
        assert rejected == 1
    assert "invalid span id" in message
    assert [each.name for each in served.gate.traces()[0].spans] == ["out"]


@both
@pytest.mark.parametrize("damage", ["truncated", "noise", "other encoding", "not utf-8"])
def test_an_undecodable_body_is_400(served: Door, media: str, damage: str) -> None:
    """Bad data is INVALID_ARGUMENT in the request's encoding, not retryable, and nothing is stored."""
    body = {
        "truncated": BODIES[media][:-3],
        "noise": b"\xff\x00\x17 hello",
        "other encoding": BODIES[JSON if media == PROTOBUF else PROTOBUF],
        "not utf-8": BODIES[media].replace(b"out", b"o\xff\xfe"),
    }[damage]
    response = send(served, body, media)
    assert response.status_code == 400
    code, message = status_of(response)
    assert code == 3
    assert "not readable" in message
    assert "retry-after" not in response.headers
    assert served.gate.received == []


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(served: Door, media: str) -> None:
    """The error says what to send."""
    response = send(served, BODIES[JSON], media)
    assert response.status_code == 415
    assert "application/x-protobuf" in status_of(response)[1]


@both
def test_another_coding_is_415(served: Door, media: str) -> None:
    """The error lists the codings."""
    response = send(served, BODIES[media], media, content_encoding="br")
    assert response.status_code == 415
    assert "gzip, zstd, deflate" in status_of(response)[1]


@both
@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
def test_a_damaged_coding_is_400(served: Door, media: str, coding: str) -> None:
    """A body that is not what its coding says, or ends early."""
    for body in (BODIES[media], CODINGS[coding](BODIES[media])[:-5]):
        response = send(served, body, media, content_encoding=coding)
        assert response.status_code == 400
        assert coding in status_of(response)[1]


@both
def test_a_body_over_the_limit_is_413(small: Door, media: str) -> None:
    """With and without a Content-Length; the error names the setting."""
    body = bytes(20_001)

    async def pieces() -> object:
        for start in range(0, len(body), 5_000):
            yield body[start : start + 5_000]

    async def chunked() -> httpx.Response:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            return await client.post(small.url, content=pieces(), headers={"content-type": media})  # type: ignore[arg-type]

    for response in (send(small, body, media), asyncio.run(chunked())):
        assert response.status_code == 413
        assert "SPANGATE_MAX_BODY_BYTES" in status_of(response)[1]
    assert small.gate.received == []


@both
@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
def test_a_bomb_is_413(small: Door, media: str, coding: str) -> None:
    """A body that inflates over the limit is refused, whatever it holds."""
    bomb = CODINGS[coding](bytes(10_000_000))
    assert len(bomb) < 20_000
    response = send(small, bomb, media, content_encoding=coding)
    assert response.status_code == 413
    assert "SPANGATE_MAX_INFLATED_BYTES" in status_of(response)[1]
    assert send(small, BODIES[media], media).status_code == 200


@both
def test_the_run_header_is_passed_on(served: Door, media: str) -> None:
    """Spans join a run by `x-spangate-run`; an unknown run is NOT_FOUND, in the request's encoding."""
    assert send(served, BODIES[media], media, x_spangate_run="r1").status_code == 200
    assert [(project, run) for project, run, _ in served.gate.received] == [("default", "r1")]
    response = send(served, BODIES[media], media, x_spangate_run="unknown")
    assert response.status_code == 404
    assert status_of(response) == (5, "there is no run 'unknown' in project 'default'.")


@both
def test_a_wrong_token_is_401(served: Door, media: str) -> None:
    """UNAUTHENTICATED, before the body is looked at."""
    response = send(served, b"noise", media, authorization="Bearer wrong")
    assert (response.status_code, status_of(response)[0]) == (401, 16)


@both
@pytest.mark.parametrize(
    ("failure", "status", "code", "after"),
    [
        (Unavailable("the disk is full.", retry_after=7), 503, 14, "7"),
        (Overloaded("too much.", retry_after=2), 429, 8, "2"),
    ],
)
def test_what_may_be_retried_says_when(served: Door, media: str, failure: Overloaded, status: int, code: int, after: str) -> None:
    """429 and 503 carry Retry-After; exporters wait so long and send again."""
    served.gate.failure = failure
    response = send(served, BODIES[media], media)
    assert (response.status_code, response.headers["retry-after"]) == (status, after)
    assert status_of(response)[0] == code


def test_the_answer_waits_for_the_commit(served: Door) -> None:
    """While the store has not committed, there is no answer."""
    served.gate.open.clear()
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(send(served, BODIES[PROTOBUF]).status_code))
    sender.start()
    _until(lambda: served.gate.waiting == 1)
    assert answers == []
    served.gate.open.set()
    sender.join(20)
    assert answers == [200]


def test_too_many_pending_bytes_are_429(small: Door) -> None:
    """What waits for the disk is bounded; the surplus is told to come again, and is welcome afterwards."""
    body = encode_protobuf([span(1, attributes={"k": "x" * 15_000})])
    small.gate.open.clear()
    answers: list[httpx.Response] = []
    senders = [threading.Thread(target=lambda: answers.append(send(small, body))) for _ in range(6)]
    for sender in senders:
        sender.start()
    _until(lambda: small.gate.waiting == 6)
    refused = send(small, body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    small.gate.open.set()
    for sender in senders:
        sender.join(20)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert send(small, body).status_code == 200


def test_a_lone_request_is_never_too_much() -> None:
    """A bound on all requests below the bound on one does not lock a large one out for ever."""
    with door(bounds=Bounds(max_pending_bytes=10)) as served:
        assert send(served, BODIES[PROTOBUF]).status_code == 200


def test_a_client_that_goes_away_leaves_nothing(small: Door) -> None:
    """A body that ends before its Content-Length is not stored and does not count as pending for ever."""
    address = urlsplit(small.url)
    for _ in range(12):
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 15000\r\n\r\n"
            connection.sendall(head.encode() + bytes(14_000))
            time.sleep(0.01)
    response = send(small, encode_protobuf([span(1, attributes={"k": "x" * 15_000})]))
    assert response.status_code == 200
    assert len(small.gate.received) == 1


def test_secrets_are_redacted_before_storing(served: Door) -> None:
    """What reaches the gate has no secret any more, in both encodings."""
    secret = span(1, attributes={"http.request.header.authorization": "Bearer s3cr3t", "http.route": "/x"})
    for media, body in ((PROTOBUF, encode_protobuf([secret])), (JSON, encode_json([secret]))):
        assert send(served, body, media).status_code == 200
    for *_, batch in served.gate.received:
        assert b"s3cr3t" not in batch.chunks[0].body
        assert REDACTED.encode() in batch.chunks[0].body


@both
def test_100000_levels_and_cycles_are_stored(served: Door, media: str) -> None:
    """A trace 100,000 spans deep, a ring and a negative duration are spans like others; assembly says what is wrong."""
    deep = [span(number, number - 1) for number in range(1, 100_001)]
    odd = [span(1, 2, trace="a" * 32), span(2, 1, trace="a" * 32), span(3, start=9, end=5, trace="a" * 32)]
    encode = encode_json if media == JSON else encode_protobuf
    body = gzip.compress(encode(deep + odd), 1)
    with door(bounds=Bounds(max_inflated_bytes=64 * 1024 * 1024)) as served:
        assert send(served, body, media, content_encoding="gzip").status_code == 200
        traces = {trace.trace_id: trace for trace in served.gate.traces()}
    assert [problem.kind for problem in traces[TRACE].problems] == [ProblemKind.TOO_DEEP]
    kinds = [problem.kind for problem in traces["a" * 32].problems]
    assert kinds == [ProblemKind.CYCLE, ProblemKind.NEGATIVE_DURATION]


@both
def test_attribute_values_of_a_megabyte(media: str) -> None:
    """One MiB is kept whole; one byte more costs the span, not the request."""
    largest = "x" * 1024 * 1024
    encode = encode_json if media == JSON else encode_protobuf
    with door(limits=Limits()) as served:
        assert send(served, encode([span(1, attributes={"k": largest})]), media).status_code == 200
        response = send(served, encode([span(2, attributes={"k": largest + "x"}), span(3)]), media)
        assert response.status_code == 200
        assert b"max_attribute_bytes" in response.content
        assert [each.attributes.get("k") for each in served.gate.traces()[0].spans] == [largest, None]


def test_other_methods_are_405(served: Door) -> None:
    """Only POST is OTLP."""
    assert httpx.get(served.url, timeout=TIMEOUT).status_code == 405


def test_a_collectors_file_in_any_order(served: Door) -> None:
    """Batches of many traces, sent backwards and partly twice, assemble to the same traces."""
    spans = [span(number, number // 2, trace=f"{number % 3 + 1:032x}") for number in range(1, 90)]
    lines = [encode_json(spans[start : start + 8]) for start in range(0, len(spans), 8)]
    for line in (*reversed(lines), *lines[:2]):
        assert send(served, line, JSON).status_code == 200
    received = {each.span_id: each for trace in served.gate.traces() for each in trace.spans}
    assert received == {each.span_id: each for each in spans}
    kinds = {problem.kind for trace in served.gate.traces() for problem in trace.problems}
    assert ProblemKind.DUPLICATE not in kinds


def test_a_partial_answer_in_json_is_json(served: Door) -> None:
    """Hostile text in an error is encoded, not pasted."""
    body = json.dumps({"resourceSpans": 'x"}\n'}).encode()
    assert status_of(send(served, body, JSON))[0] == 3


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)
