"""Where the trace of a request can be found: a server, a file, or a receiver in this process."""

import asyncio
from pathlib import Path
from typing import Protocol

from gate.codec.files import read_spans
from gate.errors import NotFound, UnreadableTraces
from gate.model.trace import Span
from gate.runner.client import ServerClient
from gate.runner.receiver import LocalReceiver


class Source(Protocol):
    """Where the trace of a request can be found."""

    async def spans(self, trace_id: str) -> list[Span]:
        """What is there by now; may be nothing."""
        ...

    async def sent(self, span: Span) -> None:
        """Told of the request's own client span."""
        ...


class ServerSource:
    """A Spangate server that the service under test exports to."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    async def spans(self, trace_id: str) -> list[Span]:
        """What the server has; nothing while it does not know the trace."""
        try:
            return read_spans(await self._client.trace(trace_id), source=f"trace {trace_id}")
        except NotFound:
            return []

    async def sent(self, span: Span) -> None:
        """Give the server the root of the trace, so that it is whole there, too."""
        await self._client.send("", [span])


class FileSource:
    """A file that a collector appends to, in any format."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def spans(self, trace_id: str) -> list[Span]:
        """The trace's spans; a last line that is being written is left for the next time."""
        if not self._path.exists():
            return []
        data = await asyncio.to_thread(self._path.read_bytes)
        try:
            spans = read_spans(data, source=str(self._path)) if data.strip() else []
        except UnreadableTraces:
            whole = data[: data.rfind(b"\n") + 1]
            if not whole.strip():
                raise
            spans = read_spans(whole, source=str(self._path))
        return [span for span in spans if span.trace_id == trace_id]

    async def sent(self, span: Span) -> None:
        """The file belongs to the collector."""


class ReceiverSource:
    """A receiver in this process that the service under test exports to."""

    def __init__(self, receiver: LocalReceiver) -> None:
        self._receiver = receiver

    async def spans(self, trace_id: str) -> list[Span]:
        """What came so far."""
        return [span for span in self._receiver.spans() if span.trace_id == trace_id]

    async def sent(self, span: Span) -> None:
        """Nobody else needs it."""
