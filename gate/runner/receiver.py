"""A local OTLP/HTTP receiver: what arrives stays in memory until it is judged."""

import asyncio
import contextlib
from collections.abc import Generator
from types import TracebackType
from typing import Any, Self

import uvicorn
from litestar import Litestar, Request

from gate.codec.batch import Batch
from gate.codec.limits import Limits
from gate.codec.otlp_protobuf import decode_spans
from gate.codec.redact import DEFAULT_REDACTION
from gate.ingest.http import Bounds, otlp_route
from gate.model.trace import Span
from gate.runner.listening import address_of, listen
from gate.service import Caller, Received

_CALLER = Caller("local", ("ingest",), "local")


class LocalReceiver:
    """Listens while it is entered. Takes what any OTLP/HTTP exporter sends, without a token: it is for the loopback interface."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._address = (host, port)
        self._bodies: list[bytes] = []
        self._spans: list[Span] = []
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.endpoint = ""
        """`http://127.0.0.1:PORT` once entered."""
        self.received = 0
        """Spans so far."""
        self.requests = 0
        """Export requests so far, empty and refused ones included."""
        self.last_arrival: float | None = None
        """When spans came last, by the event loop's clock."""

    async def __aenter__(self) -> Self:
        """Raises BadRequest when the address cannot be had."""
        host, port = self._address
        listener = listen(host, port, hint="Name another address.")
        self.endpoint = address_of(listener, host)
        config = uvicorn.Config(
            self._application(), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="local receiver")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._server and self._task:
            self._server.should_exit = True
            await self._task

    def spans(self) -> tuple[Span, ...]:
        """All spans so far, in order of arrival; secrets are redacted."""
        bodies, self._bodies = self._bodies, []
        for body in bodies:
            self._spans.extend(decode_spans(body))
        return tuple(self._spans)

    async def receive(self, project: str, batch: Batch, *, run: str = "") -> Received:
        """Keep one export request."""
        del project, run
        self._bodies.extend(chunk.body for chunk in batch.chunks)
        self.received += batch.spans
        if batch.spans:
            self.last_arrival = asyncio.get_running_loop().time()
        return Received(batch.spans, batch.rejected, batch.message)

    def _application(self) -> Litestar:
        async def allow(request: Request[Any, Any, Any], scope: str) -> Caller:
            del request, scope
            self.requests += 1
            return _CALLER

        route = otlp_route(self, allow, bounds=Bounds(), limits=Limits(), redaction=DEFAULT_REDACTION)
        return Litestar([route], openapi_config=None, logging_config=None)


class _Server(uvicorn.Server):
    """Leaves signals to the command that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
