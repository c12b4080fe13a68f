"""What ingest is compared with: each takes the same export requests as Spangate, and says how many spans a second it kept.

Over HTTP (`bench.floor`): the least server on SQLite or PostgreSQL, with the load of `bench.load`. The others begin with rows and
documents that are made before the clock starts: nothing is received, parsed or compressed.
"""

import asyncio
import base64
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import msgspec
from elasticsearch import Elasticsearch, helpers

from bench.ingest import WARM_SPANS, load, running
from bench.load import CONNECTIONS, bodies
from bench.stores.filling import NOW
from bench.stores.servers import Servers, backend
from gate.codec.batch import TraceChunk
from gate.codec.limits import Limits
from gate.codec.otlp_protobuf import decode_batch
from gate.demo.processes import free_port
from gate.store.compression import compress
from gate.store.elasticsearch.cluster import Access, Cluster
from gate.store.elasticsearch.documents import MAPPINGS, document_id, encode
from gate.store.elasticsearch.indices import SETTINGS
from gate.store.sql.lookup import digest_of
from gate.store.values import StoredChunk

_A_BULK = 100
"""Documents of one request of the plain bulk."""


async def sqlite_over_http(_: Servers, spans: int, seed: int) -> float:
    """Blobs into SQLite."""
    with TemporaryDirectory(prefix="spangate-bench-") as folder:
        return await asyncio.to_thread(_over_http, str(Path(folder, "floor.db")), spans, seed)


async def postgres_over_http(servers: Servers, spans: int, seed: int) -> float:
    """Blobs by `COPY` into PostgreSQL."""
    async with backend("postgresql", servers, Path()) as made:
        return await asyncio.to_thread(_over_http, made.settings["SPANGATE_DATABASE_URL"], spans, seed)


async def copy_alone(servers: Servers, spans: int, seed: int) -> float:
    """`COPY` of the compressed chunks into a table without an index, one commit for each request, four at once."""
    requests = [[(one.trace_id, one.spans, blob) for one, blob in chunks] for chunks in _requests(spans, seed)]
    connections = [await asyncpg.connect(servers.postgres) for _ in range(CONNECTIONS)]
    await connections[0].execute(
        "create table floor_blobs (trace_id bytea not null, spans integer not null, body bytea not null)"
    )
    try:
        senders = [
            lambda rows, to=connection: to.copy_records_to_table("floor_blobs", records=rows) for connection in connections
        ]
        return spans / await _sent(requests, senders)
    finally:
        await connections[0].execute("drop table floor_blobs")
        for connection in connections:
            await connection.close()


async def plain_bulk(servers: Servers, spans: int, seed: int) -> float:
    """`elasticsearch.helpers.bulk` of our documents as dicts, 100 a request, one after the other; the client encodes them."""
    documents = [
        {**msgspec.json.decode(encode("floor", one.trace_id.hex(), NOW, b"", one.body)), "body": base64.b64encode(blob).decode()}
        for chunks in _requests(spans, seed)
        for one, blob in chunks
    ]

    def work(index: str) -> float:
        with Elasticsearch(servers.elasticsearch, request_timeout=60) as client:
            began = time.perf_counter()
            for start in range(0, len(documents), _A_BULK):
                part = documents[start : start + _A_BULK]
                helpers.bulk(client, ({"_index": index, "_source": document} for document in part))
            return spans / (time.perf_counter() - began)

    async with _index(servers) as (_, index):
        return await asyncio.to_thread(work, index)


async def encoded_bulk(servers: Servers, spans: int, seed: int) -> float:
    """Lines that are bytes already, under our ids, one bulk for each export request, four at once."""
    async with _index(servers) as (cluster, index):
        requests: list[list[bytes]] = []
        for chunks in _requests(spans, seed):
            lines: list[bytes] = []
            for one, blob in chunks:
                trace_id = one.trace_id.hex()
                place = StoredChunk(digest_of(one.body), NOW, len(blob), False)
                name = {"index": {"_index": index, "_id": document_id("floor", trace_id, place)}}
                lines += [msgspec.json.encode(name), encode("floor", trace_id, NOW, blob, one.body)]
            requests.append(lines)
        senders = [lambda lines: cluster.client.bulk(operations=lines, filter_path="errors")] * CONNECTIONS
        return spans / await _sent(requests, senders)


def _over_http(where: str, spans: int, seed: int) -> float:
    port = str(free_port())
    with running([sys.executable, "-m", "bench.floor", port, where], f"http://127.0.0.1:{port}/health"):
        url = f"http://127.0.0.1:{port}/v1/traces"
        load(url, WARM_SPANS, 0)
        return spans / load(url, spans, seed)["seconds"]


@asynccontextmanager
async def _index(servers: Servers) -> AsyncIterator[tuple[Cluster, str]]:
    """One like Spangate's own, empty."""
    cluster = Cluster(Access(servers.elasticsearch))
    name = f"bench-floor-{time.time_ns()}"
    await cluster.client.indices.create(index=name, mappings=MAPPINGS, settings={"index": SETTINGS})
    try:
        yield cluster, name
    finally:
        await cluster.client.indices.delete(index=name)
        await cluster.close()


def _requests(spans: int, seed: int) -> Iterator[list[tuple[TraceChunk, bytes]]]:
    """The chunks of each export request, with their compressed bodies."""
    for body in bodies(spans, seed):
        chunks = decode_batch(body, Limits()).chunks
        yield list(zip(chunks, compress([chunk.body for chunk in chunks]), strict=True))


async def _sent(requests: Sequence[Any], senders: Sequence[Callable[[Any], Awaitable[Any]]]) -> float:
    waiting = list(reversed(requests))

    async def one(send: Callable[[Any], Awaitable[Any]]) -> None:
        while waiting:
            answer = await send(waiting.pop())
            if not isinstance(answer, str) and answer["errors"]:
                raise RuntimeError("Elasticsearch refused a document of the floor")

    began = time.perf_counter()
    await asyncio.gather(*(one(send) for send in senders))
    return time.perf_counter() - began
