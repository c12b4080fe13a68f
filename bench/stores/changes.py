"""Promote against one write to each store, and prune of a day at two sizes."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from bench.stores.filling import DAY, NOW, PROJECT, fill
from bench.stores.servers import Backend
from gate.service import Project
from gate.store.compression import compress
from gate.store.elasticsearch.bulk import Action
from gate.store.elasticsearch.documents import encode
from gate.store.elasticsearch.spans import ElasticsearchSpans
from gate.store.sql.schema import audit, chunks
from gate.store.sql.spans import PackedChunk, insert_chunks
from gate.store.sql.stores import SqlStores
from gate.usecases.outbox import Follower
from gate.usecases.promotion import Promotions
from gate.usecases.retention import prune


class Promoted(NamedTuple):
    """Medians, milliseconds."""

    backend: str
    promote_ms: float
    record_write_ms: float
    span_write_ms: float
    ratio: float
    """To both writes together."""


class PrunedDay(NamedTuple):
    """One day pruned whole."""

    backend: str
    traces: int
    seconds: float
    elasticsearch_ms: float
    requests: int
    """To Elasticsearch, in all."""


async def promoting(kind: str, stores: SqlStores, trace_ids: Sequence[str]) -> Promoted:
    """Each trace is promoted, and between them one row is written to the record store, and a trace's spans to the span store, as
    durably. What is done is undone."""
    promotions = Promotions(stores, Follower(stores), clock=lambda: NOW)
    bodies = await stores.spans.read(PROJECT, trace_ids)
    took: dict[str, list[float]] = {"promote": [], "record": [], "spans": []}
    warming = len(trace_ids) // 2  # the Java of Elasticsearch becomes quicker with the first hundred requests
    for number, trace_id in enumerate(trace_ids):

        async def promote(trace_id: str = trace_id) -> None:
            done = await promotions.promote(PROJECT, trace_id, by="bench", reason="")
            if done.state != "done":
                raise RuntimeError(f"the span store did not follow: {done}")

        took["promote"].append(await _ms(promote))
        took["record"].append(await _ms(lambda: stores.database.write(_one_row)))
        took["spans"].append(await _ms(_one_trace(stores, bodies[trace_id], number)))
        await promotions.demote(PROJECT, trace_id, by="bench")
    await stores.database.write(_undo)
    promote, record, spans = (statistics.median(values[warming:]) for values in took.values())
    return Promoted(kind, promote, record, spans, promote / (record + spans))


async def _ms(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def _one_row(connection: Connection) -> None:
    row = {"project": 1, "at_ns": NOW, "by": "", "action": "bench", "subject": "", "detail": "", "run": ""}
    connection.execute(insert(audit), [row])


def _undo(connection: Connection) -> None:
    connection.execute(audit.delete().where(audit.c.action == "bench"))
    connection.execute(chunks.delete().where(chunks.c.digest == bytes(16)))


def _one_trace(stores: SqlStores, bodies: Sequence[bytes], number: int) -> Callable[[], Awaitable[Any]]:
    """A write of a trace's spans, as a store of its kind gets them."""
    spans = stores.spans
    blobs = compress(bodies)
    if isinstance(spans, ElasticsearchSpans):
        name = f"bench:{number:032x}:0"
        source = encode("bench", f"{number:032x}", NOW, blobs[0], bodies[0])
        return lambda: spans._bulk.send([Action(spans._indices.persistent, name, source)])
    packed = PackedChunk(number.to_bytes(16, "big"), bytes(16), blobs[0])
    return lambda: stores.database.write(lambda connection: insert_chunks(connection, [(1, packed)], now_ns=0))


async def pruning(kind: str, made: Backend, sizes: tuple[int, int]) -> list[PrunedDay]:
    """Two old days of these sizes, pruned one after the other; what is newer stays."""
    stores = await made.open()
    try:
        await stores.projects.create(Project(PROJECT, 30), now_ns=0)
        for age, size in zip((40, 39), sizes, strict=True):
            await fill(stores, size, arrives=_noon(age))
        await fill(stores, sizes[0], arrives=_noon(0))
        rows: list[PrunedDay] = []
        for age, size in zip((40, 39), sizes, strict=True):
            asked = _Asked(stores)
            began = time.perf_counter()
            done = await prune(stores, Follower(stores), PROJECT, now_ns=_noon(age - 30) + DAY // 2, dry_run=False)
            seconds = time.perf_counter() - began
            if done.state != "done" or done.traces != size - _marked(size):
                raise RuntimeError(f"{size} traces of a day were not pruned: {done}")
            rows.append(PrunedDay(kind, size, seconds, asked.seconds * 1000, asked.requests))
            asked.end()
        return rows
    finally:
        await stores.close()


def _noon(days_ago: int) -> int:
    return NOW + DAY // 2 - days_ago * DAY


def _marked(size: int) -> int:
    """Of so many traces of `fill`, the persistent ones."""
    return len(range(500, size, 1_000))


class _Asked:
    """Counts and times the requests to Elasticsearch."""

    def __init__(self, stores: SqlStores) -> None:
        self.requests, self.seconds = 0, 0.0
        self._cluster = stores.spans._cluster if isinstance(stores.spans, ElasticsearchSpans) else None
        if self._cluster is None:
            return
        ask = self._cluster.ask

        async def timed(call: Awaitable[Any]) -> Any:
            began = time.perf_counter()
            try:
                return await ask(call)
            finally:
                self.requests, self.seconds = self.requests + 1, self.seconds + time.perf_counter() - began

        self._cluster.ask = timed  # type: ignore[method-assign]

    def end(self) -> None:
        """Ask as before."""
        if self._cluster is not None:
            del self._cluster.ask
