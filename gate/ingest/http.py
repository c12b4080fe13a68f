"""`POST /v1/traces`: OTLP/HTTP, as the specification has it.

The answer is 200 only after the spans are committed. Everything that can be wrong with a request is answered in the request's
own encoding; nothing of a refused request is stored.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler

from gate.codec import otlp_json, otlp_protobuf
from gate.codec.batch import Batch
from gate.codec.inflate import inflate
from gate.codec.limits import Limits
from gate.codec.redact import Redaction
from gate.errors import GateError, TooLarge, UnreadableTraces
from gate.ingest.answer import Encoding, encoding_of, failure, failure_headers, success
from gate.ingest.pending import Hold, PendingBytes
from gate.service import Caller, Received

Authorize = Callable[[Request[Any, Any, Any], str], Awaitable[Caller]]
"""Who sends this request, if allowed to do what the scope names. Raises Unauthenticated or Forbidden."""

RUN_HEADER = "x-spangate-run"
_INFLATION = 8
"""How much a compressed body is expected to grow; span data rarely compresses better."""
_THREAD_BYTES = 1024 * 1024
"""A larger body is decoded in a thread, so that other requests are answered meanwhile; for a small one the switch costs more."""


class Receiver(Protocol):
    """What this door needs of a `Gate`."""

    async def receive(self, project: str, batch: Batch, *, run: str = "") -> Received:
        """Keep one decoded export request. Raises NotFound for a run that nobody knows."""
        ...


class Bounds(msgspec.Struct, frozen=True):
    """Sizes in bytes, as in the server's settings."""

    max_body_bytes: int = 20 * 1024 * 1024
    max_inflated_bytes: int = 20 * 1024 * 1024
    max_pending_bytes: int = 64 * 1024 * 1024


def otlp_route(gate: Receiver, authorize: Authorize, *, bounds: Bounds, limits: Limits, redaction: Redaction) -> HTTPRouteHandler:
    """The handler; every call makes one with its own bound on pending bytes."""
    pending = PendingBytes(bounds.max_pending_bytes)

    @post(
        "/v1/traces",
        status_code=200,
        request_max_body_size=None,  # bounded here: Litestar's own answer is no OTLP Status
        include_in_schema=False,
        summary="Receive spans (OTLP/HTTP)",
    )
    async def receive_traces(request: Request[Any, Any, Any]) -> Response[bytes]:
        encoding = Encoding.JSON
        try:
            encoding = encoding_of(request.headers.get("content-type", ""))
            caller = await authorize(request, "ingest")
            coding = request.headers.get("content-encoding", "").strip().lower()
            with pending.hold() as hold:
                body = await _body(request, bounds.max_body_bytes, hold)
                size = len(body)
                if coding not in ("", "identity"):
                    size = min(_INFLATION * size, bounds.max_inflated_bytes)
                    hold.add(size)
                if size < _THREAD_BYTES:
                    batch = _decode(body, coding, encoding)
                else:
                    batch = await asyncio.to_thread(_decode, body, coding, encoding)
                received = await gate.receive(caller.project, batch, run=request.headers.get(RUN_HEADER, ""))
        except GateError as error:
            return _answer(failure(encoding, error), encoding, error.status, failure_headers(error))
        return _answer(success(encoding, received.rejected, received.message), encoding, 200, {})

    def _decode(body: bytes, coding: str, encoding: Encoding) -> Batch:
        plain = inflate(body, coding, limit=bounds.max_inflated_bytes, setting="SPANGATE_MAX_INFLATED_BYTES")
        decode = otlp_json.decode_batch if encoding is Encoding.JSON else otlp_protobuf.decode_batch
        return decode(plain, limits, redaction)

    return receive_traces


async def _body(request: Request[Any, Any, Any], limit: int, hold: Hold) -> bytes:
    """The body as sent. Raises TooLarge as soon as it is known to exceed `limit` bytes, UnreadableTraces when it ends early."""
    too_large = TooLarge(f"the body has more than {limit} bytes.", hint="Send smaller batches, or raise SPANGATE_MAX_BODY_BYTES.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise too_large
            hold.add(len(part))
            parts.append(part)
    except InternalServerException:
        raise UnreadableTraces("the client went away before the body was complete.") from None
    return b"".join(parts)


def _answer(body: bytes, encoding: Encoding, status: int, headers: dict[str, str]) -> Response[bytes]:
    return Response(body, status_code=status, media_type=encoding.value, headers=headers)
