"""The ingest door alone, served on a real socket, over a gate that keeps what it is given and can be told to misbehave."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from litestar import Litestar, Request

from gate.codec.assemble import build_traces
from gate.codec.batch import Batch
from gate.codec.limits import Limits
from gate.codec.otlp_protobuf import decode_spans
from gate.codec.redact import Redaction
from gate.errors import GateError, NotFound, Unauthenticated
from gate.ingest.http import Bounds, otlp_route
from gate.model.trace import Trace
from gate.service import Caller, Gate, Received

BOUNDS, LIMITS = Bounds(), Limits()


class KeepingGate:
    """Keeps batches. The first `failures` are answered with `failure`; while `open` is cleared, nothing is committed."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, Batch]] = []
        self.failure: GateError | None = None
        self.failures = 1_000
        self.attempts = 0
        self.waiting = 0
        self.open = threading.Event()
        self.open.set()

    async def receive(self, project: str, batch: Batch, *, run: str = "") -> Received:
        """As `Gate.receive`."""
        self.attempts += 1
        self.waiting += 1
        while not self.open.is_set():  # noqa: ASYNC110  (it is set by another thread)
            await asyncio.sleep(0.005)
        self.waiting -= 1
        if self.failure is not None and self.attempts <= self.failures:
            raise self.failure
        if run == "unknown":
            raise NotFound("there is no run 'unknown' in project 'default'.")
        self.received.append((project, run, batch))
        return Received(batch.spans, batch.rejected, batch.message)

    def traces(self) -> tuple[Trace, ...]:
        """What was kept, assembled."""
        return build_traces(span for *_, batch in self.received for chunk in batch.chunks for span in decode_spans(chunk.body))


class Door:
    """A served door: its address and what it keeps."""

    def __init__(self, url: str, gate: KeepingGate) -> None:
        self.url = url
        self.gate = gate


@contextmanager
def door(*, bounds: Bounds = BOUNDS, limits: Limits = LIMITS, redaction: Redaction | None = None) -> Iterator[Door]:
    """Serve until the block ends. A token `wrong` is refused, any other and none are project `default`."""
    gate = KeepingGate()

    async def authorize(request: Request[Any, Any, Any], scope: str) -> Caller:
        if request.headers.get("authorization") == "Bearer wrong":
            raise Unauthenticated("nobody knows this token.")
        return Caller("default", (scope,), "test")

    route = otlp_route(cast("Gate", gate), authorize, bounds=bounds, limits=limits, redaction=redaction or Redaction())
    app = Litestar([route], openapi_config=None)
    config = uvicorn.Config(app, http="httptools", log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Door(f"http://127.0.0.1:{listening.getsockname()[1]}/v1/traces", gate)
    finally:
        gate.open.set()
        server.should_exit = True
        thread.join(20)
        listening.close()
