"""The least that a durable trace store in this language does: what `bench.ingest` compares Spangate with.

`python -m bench.floor PORT FILE`: parse, group by trace, one zstd blob a (trace, request) into SQLite (WAL, synchronous FULL),
group commit in one writer thread, the answer after the commit. No redaction, no limits, no summaries, no search, no errors.
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from typing import Any

import uvicorn
import zstandard
from litestar import Litestar, Request, Response, get, post
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

_Rows = list[tuple[bytes, int, bytes]]


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


def application(path: str) -> Litestar:
    """The floor as an ASGI application on this database file."""
    writer = _Writer(path)
    writer.start()
    compressor = zstandard.ZstdCompressor(level=3)

    @post("/v1/traces", status_code=200, request_max_body_size=None)
    async def receive(request: Request[Any, Any, Any]) -> Response[bytes]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        writer.jobs.put((_rows(await request.body(), compressor.compress), loop, future))
        await future
        return Response(b"", media_type="application/x-protobuf")

    @get("/health")
    async def health() -> str:
        return "ok"

    return Litestar([receive, health], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), http="httptools", access_log=False, log_level="warning")
