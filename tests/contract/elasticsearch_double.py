"""A small double of what the real server out of packages is not: of another version, another product, without a master; and of one
that shows which headers it was sent. What a real one says on 401 and 403: `test_elasticsearch_rights.py`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple


class Double(NamedTuple):
    """A server that gives every request the same answer."""

    url: str
    headers: list[str]
    """What was received, lower-case."""


@asynccontextmanager
async def answering(status: int, body: dict[str, Any], *, product: str = "Elasticsearch") -> AsyncIterator[Double]:
    """Serve on a free port of 127.0.0.1."""
    received: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        received.extend(head.lower().splitlines())
        content = json.dumps(body).encode()
        writer.write(
            f"HTTP/1.1 {status} Answer\r\nx-elastic-product: {product}\r\ncontent-type: application/vnd.elasticsearch+json\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Double(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received)
