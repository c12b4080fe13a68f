"""A wire that can be made bad: a TCP proxy on loopback between Spangate and one of its stores."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 65_536


class Wire:
    """Forwards to a port of 127.0.0.1. What is bad about it can be set at any time, and holds for connections that are open."""

    def __init__(self, target: int, seed: int) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds that each piece waits, in both directions."""
        self.cut = 0.0
        """How likely a piece, in either direction, arrives only in part, and the connection is reset then."""
        self._target = target
        self._random = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()

    def mend(self) -> None:
        """Nothing is bad any more."""
        self.delay = self.cut = 0.0

    def reset_all(self) -> None:
        """Every open connection ends at this moment, whatever is on its way."""
        for writer in list(self._open):
            _reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            answers, there = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(there)
            pumps = [asyncio.create_task(self._pump(*ends)) for ends in ((reader, there), (answers, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:  # the server is not there
            pass
        finally:
            for end in filter(None, (writer, there)):
                self._open.discard(end)
                _reset(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self._random.random() < self.cut:
                    writer.write(piece[: self._random.randrange(len(piece))])
                    await writer.drain()
                    return
                writer.write(piece)
                await writer.drain()


@asynccontextmanager
async def wire(target: int, seed: int) -> AsyncIterator[Wire]:
    """Listens on `port`."""
    made = Wire(target, seed)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.reset_all()
        await server.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: what a process that dies, or a firewall that forgets, does."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
