"""Ingest through `spangate serve` on each backend, against a floor of the same requests, by turns.

SQLite: `bench.floor`, over HTTP. PostgreSQL: `COPY` of the same compressed chunks into a table without an index, one commit a
request. Elasticsearch: a bulk request of the same documents for each export request. The last two begin with rows and documents that
are made before the clock starts: nothing is received, parsed or compressed. Four at once, as the load generator sends.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import asyncpg
import msgspec

from bench.ingest import WARM_SPANS, load, running, serve
from bench.load import CONNECTIONS, bodies
from bench.stores.filling import NOW
from bench.stores.servers import Backend, Servers, backend
from gate.codec.limits import Limits
from gate.codec.otlp_protobuf import decode_batch
from gate.demo.processes import free_port
from gate.store.compression import compress
from gate.store.elasticsearch.cluster import Access, Cluster
from gate.store.elasticsearch.documents import MAPPINGS, document_id, encode
from gate.store.elasticsearch.indices import SETTINGS
from gate.store.sql.lookup import digest_of
from gate.store.values import StoredChunk

GOALS = {"sqlite": 0.7, "postgresql": 0.3, "elasticsearch": 0.5}
FLOORS = {"sqlite": "blobs into SQLite over HTTP", "postgresql": "COPY of the blobs", "elasticsearch": "plain bulk"}


class Row(NamedTuple):
    """Medians of the rounds."""

    backend: str
    spans_per_s: float
    cpu_us_per_span: float
    """Of Spangate's own process."""
    floor: str
    floor_spans_per_s: float
    ratio: float
    """The median of each round's."""
    goal: float


async def measure(kind: str, servers: Servers, folder: Path, spans: int, rounds: int) -> Row:
    """By turns, each round with another seed."""
    ours: list[tuple[float, float]] = []
    floors: list[float] = []
    for seed in range(1, rounds + 1):
        async with backend(kind, servers, folder) as made:
            ours.append(await asyncio.to_thread(_served, made, folder, spans, seed))
        floors.append(await _FLOORS[kind](servers, spans, seed))
    ratios = [mine / floor for (mine, _), floor in zip(ours, floors, strict=True)]
    return Row(
        kind, statistics.median(rate for rate, _ in ours), statistics.median(cpu for _, cpu in ours),
        FLOORS[kind], statistics.median(floors), statistics.median(ratios), GOALS[kind],
    )  # fmt: skip


def _served(made: Backend, folder: Path, spans: int, seed: int) -> tuple[float, float]:
    port = str(free_port())
    command = serve(port, made.settings["SPANGATE_DATA"])
    with running(command, f"http://127.0.0.1:{port}/health", made.settings) as watched:
        url = f"http://127.0.0.1:{port}/v1/traces"
        load(url, WARM_SPANS, 0)
        before = watched.cpu_seconds()
        seconds = load(url, spans, seed)["seconds"]
        cpu = watched.cpu_seconds() - before
    return spans / seconds, cpu / spans * 1e6


async def _sqlite_floor(_: Servers, spans: int, seed: int) -> float:
    def work() -> float:
        port = str(free_port())
        with TemporaryDirectory(prefix="spangate-bench-") as folder:
            floor = [sys.executable, "-m", "bench.floor", port, str(Path(folder, "floor.db"))]
            with running(floor, f"http://127.0.0.1:{port}/health"):
                url = f"http://127.0.0.1:{port}/v1/traces"
                load(url, WARM_SPANS, 0)
                return spans / load(url, spans, seed)["seconds"]

    return await asyncio.to_thread(work)


async def _copy_floor(servers: Servers, spans: int, seed: int) -> float:
    requests: list[list[tuple[bytes, int, bytes]]] = []
    for body in bodies(spans, seed):
        chunks = decode_batch(body, Limits()).chunks
        blobs = compress([chunk.body for chunk in chunks])
        requests.append([(one.trace_id, len(one.span_ids), blob) for one, blob in zip(chunks, blobs, strict=True)])
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


async def _bulk_floor(servers: Servers, spans: int, seed: int) -> float:
    index = f"bench-floor-{seed}-{time.time_ns()}"
    action = msgspec.json.encode
    requests: list[list[bytes]] = []
    for body in bodies(spans, seed):
        lines: list[bytes] = []
        chunks = decode_batch(body, Limits()).chunks
        for one, blob in zip(chunks, compress([chunk.body for chunk in chunks]), strict=True):
            trace_id = one.trace_id.hex()
            place = StoredChunk(digest_of(one.body), NOW, len(blob), False)
            name = {"index": {"_index": index, "_id": document_id("floor", trace_id, place)}}
            lines += [action(name), encode("floor", trace_id, NOW, blob, one.body)]
        requests.append(lines)
    cluster = Cluster(Access(servers.elasticsearch))
    await cluster.client.indices.create(index=index, mappings=MAPPINGS, settings={"index": SETTINGS})
    try:
        senders = [lambda lines: cluster.client.bulk(operations=lines, filter_path="errors")] * CONNECTIONS
        return spans / await _sent(requests, senders)
    finally:
        await cluster.client.indices.delete(index=index)
        await cluster.close()


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


_FLOORS = {"sqlite": _sqlite_floor, "postgresql": _copy_floor, "elasticsearch": _bulk_floor}
