"""The least that a durable trace store in this language does: what `bench.ingest` and `bench.stores` compare Spangate with.

`python -m bench.floor PORT WHERE`: parse, group by trace, one zstd blob a (trace, request), the answer after the commit. No
redaction, no limits, no summaries, no search, no errors. WHERE is an SQLite file (WAL, synchronous FULL; group commit in one
writer thread) or the URL of a PostgreSQL database (`COPY` into a table without an index, on four connections).
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
import zstandard
from litestar import Litestar, Request, Response, get, post
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

_Rows = list[tuple[bytes, int, bytes]]
_Keep = Callable[[_Rows], Awaitable[object]]
"""Returns after the commit."""


class _Writer(threading.Thread):
    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.jobs: queue.SimpleQueue[tuple[_Rows, asyncio.AbstractEventLoop, asyncio.Future[None]]] = queue.SimpleQueue()

    def run(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for statement in (
            "pragma journal_mode=wal",
            "pragma synchronous=full",
            "create table chunks (id integer primary key, trace_id blob not null, spans integer not null, body blob not null)",
            "create index chunks_trace on chunks (trace_id)",
        ):
            connection.execute(statement)
        while True:
            jobs = [self.jobs.get()]
            while not self.jobs.empty() and len(jobs) < 32:
                jobs.append(self.jobs.get())
            connection.execute("begin immediate")
            for rows, *_ in jobs:
                connection.executemany("insert into chunks (trace_id, spans, body) values (?, ?, ?)", rows)
            connection.execute("commit")
            for _, loop, future in jobs:
                loop.call_soon_threadsafe(future.set_result, None)


@asynccontextmanager
async def _sqlite(path: str) -> AsyncGenerator[_Keep]:
    writer = _Writer(path)
    writer.start()

    async def keep(rows: _Rows) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        writer.jobs.put((rows, loop, future))
        await future

    yield keep


@asynccontextmanager
async def _postgres(url: str) -> AsyncGenerator[_Keep]:
    async with asyncpg.create_pool(url, min_size=4, max_size=4) as pool:
        await pool.execute("create table chunks (trace_id bytea not null, spans integer not null, body bytea not null)")
        yield lambda rows: pool.copy_records_to_table("chunks", records=rows)  # which commits


def _rows(body: bytes, compress: Any) -> _Rows:
    by_trace: dict[bytes, list[tuple[bytes, pb.Span]]] = {}
    for resource_spans in pb.TracesData.FromString(body).resource_spans:
        resource = resource_spans.resource.SerializeToString()
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                by_trace.setdefault(span.trace_id, []).append((resource, span))
    rows: _Rows = []
    for trace_id, members in by_trace.items():
        groups: dict[bytes, pb.ResourceSpans] = {}
        for resource, span in members:
            group = groups.get(resource)
            if group is None:
                group = groups[resource] = pb.ResourceSpans()
                group.resource.MergeFromString(resource)
                group.scope_spans.add()
            group.scope_spans[0].spans.append(span)
        encoded = pb.TracesData(resource_spans=list(groups.values())).SerializeToString()
        rows.append((trace_id, len(members), compress(encoded)))
    return rows


def application(opened: AbstractAsyncContextManager[_Keep]) -> Litestar:
    """The floor as an ASGI application that keeps rows so."""
    compressor = zstandard.ZstdCompressor(level=3)

    @asynccontextmanager
    async def lifespan(application: Litestar) -> AsyncGenerator[None]:
        async with opened as application.state.keep:
            yield

    @post("/v1/traces", status_code=200, request_max_body_size=None)
    async def receive(request: Request[Any, Any, Any]) -> Response[bytes]:
        await request.app.state.keep(_rows(await request.body(), compressor.compress))
        return Response(b"", media_type="application/x-protobuf")

    @get("/health")
    async def health() -> str:
        return "ok"

    return Litestar([receive, health], lifespan=[lifespan], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    port, where = int(sys.argv[1]), sys.argv[2]
    kept = _postgres(where) if "://" in where else _sqlite(where)
    uvicorn.run(application(kept), port=port, http="httptools", access_log=False, log_level="warning")
