"""The span store in SQL: compressed chunks, and its own list of persistent traces."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, select
from sqlalchemy import delete as sql_delete

from gate.codec.batch import Batch
from gate.store.attributes import has_attribute
from gate.store.compression import compress_chunks, decompress
from gate.store.sql.arrays import insert_new
from gate.store.sql.database import Database
from gate.store.sql.lookup import digest_of, project_key, trace_bytes
from gate.store.sql.marks import all_marked, mark
from gate.store.sql.schema import chunks, marks, traces
from gate.store.sql.statements import OfTraces
from gate.store.values import NOTHING_TO_KEEP, Keeping

_IDS_A_QUERY = 500

_BODIES = OfTraces(lambda of: select(chunks.c.trace_id, chunks.c.body).where(of(chunks)).order_by(chunks.c.key))


class SqlSpans:
    """See `SpanStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """See `SpanStore.read`."""

        def work(connection: Connection) -> dict[str, tuple[bytes, ...]]:
            found = _blobs(connection, project_key(connection, project), trace_ids)
            return {trace_id: tuple(map(decompress, found[trace_id])) for trace_id in trace_ids if trace_id in found}

        return await self._database.read(work, single=len(trace_ids) <= _IDS_A_QUERY)

    async def having(self, project: str, key: str, value: str, *, limit: int) -> frozenset[str] | None:
        """See `SpanStore.having`: there is no index."""
        return None

    async def missing(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """See `SpanStore.missing`."""

        def work(connection: Connection) -> frozenset[str]:
            key = project_key(connection, project)
            there: set[bytes] = set()
            for part in _parts(trace_ids):
                query = select(chunks.c.trace_id).where(chunks.c.project == key, chunks.c.trace_id.in_(part)).distinct()
                there.update(connection.scalars(query))
            return frozenset(trace_id for trace_id in trace_ids if trace_bytes(trace_id) not in there)

        return await self._database.read(work)

    async def unkept(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """See `SpanStore.unkept`: they lie beside their records."""
        return frozenset()

    async def keep(self, project: str, trace_ids: Sequence[str]) -> Keeping:
        """See `SpanStore.keep`: they are where they stay."""
        return NOTHING_TO_KEEP

    async def mark(self, project: str, trace_id: str, *, persistent: bool) -> tuple[bytes, ...]:
        """See `SpanStore.mark`: nothing is copied."""
        await mark(self._database, project, trace_id, persistent=persistent)
        return ()

    async def delete(self, project: str, trace_ids: Sequence[str], *, before_ns: int) -> int:
        """See `SpanStore.delete`."""

        def work(connection: Connection) -> int:
            key = project_key(connection, project)
            persistent = exists().where(marks.c.project == chunks.c.project, marks.c.trace_id == chunks.c.trace_id)
            deleted = 0
            for part in _parts(trace_ids):
                mine = chunks.c.trace_id.in_(part)
                deleted += connection.execute(
                    delete(chunks).where(chunks.c.project == key, mine, chunks.c.received_ns < before_ns, ~persistent)
                ).rowcount
            return deleted

        return await self._database.write(work)

    async def with_attribute(self, project: str, trace_ids: Sequence[str], key: str, value: str) -> frozenset[str]:
        """See `SpanStore.with_attribute`."""

        def work(connection: Connection) -> frozenset[str]:
            found = _blobs(connection, project_key(connection, project), trace_ids)
            return frozenset(
                trace_id
                for trace_id, blobs in found.items()
                if any(has_attribute(decompress(blob), key, value) for blob in blobs)
            )

        return await self._database.read(work)

    async def strays(self, project: str, *, before_ns: int, delete: bool) -> frozenset[str]:
        """See `SpanStore.strays`."""

        def work(connection: Connection) -> frozenset[str]:
            record = exists().where(traces.c.project == chunks.c.project, traces.c.trace_id == chunks.c.trace_id)
            stray = (chunks.c.project == project_key(connection, project)) & (chunks.c.received_ns < before_ns) & ~record
            found = frozenset(trace_id.hex() for trace_id in connection.scalars(select(chunks.c.trace_id).where(stray)))
            if delete and found:
                connection.execute(sql_delete(chunks).where(stray))
            return found

        return await (self._database.write(work) if delete else self._database.read(work))

    async def marked(self, project: str) -> frozenset[str]:
        """See `SpanStore.marked`."""

        return await self._database.read(lambda connection: all_marked(connection, project_key(connection, project)))


class PackedChunk(NamedTuple):
    """A chunk as it is stored."""

    trace_id: bytes
    digest: bytes
    blob: bytes


class SqlChunks:
    """See `ChunkWriter`: chunks beside the records, so that one transaction holds both."""

    separate = False

    async def prepare(self, project: str, batch: Batch, *, run: str, now_ns: int) -> Sequence[PackedChunk]:
        """See `ChunkWriter.prepare`."""
        blobs = await compress_chunks(batch.chunks)
        return [PackedChunk(chunk.trace_id, digest_of(chunk.body), blob) for chunk, blob in zip(batch.chunks, blobs, strict=True)]

    def insert(self, connection: Connection, items: Sequence[tuple[int, PackedChunk]], *, now_ns: int) -> tuple[bool, ...]:
        """See `ChunkWriter.insert`."""
        return insert_chunks(connection, items, now_ns=now_ns)


def insert_chunks(connection: Connection, items: Sequence[tuple[int, PackedChunk]], *, now_ns: int) -> tuple[bool, ...]:
    """Insert (project key, chunk) pairs that are not there yet; for each, whether it was new."""
    rows: dict[tuple[int, bytes, bytes], int] = {}
    for position, (project, chunk) in enumerate(items):
        rows.setdefault((project, chunk.trace_id, chunk.digest), position)
    made = [
        {"project": project, "trace_id": trace_id, "digest": digest, "received_ns": now_ns, "body": items[position][1].blob}
        for (project, trace_id, digest), position in rows.items()
    ]
    fresh = {rows[identity] for identity in insert_new(connection, chunks, made, "project", "trace_id", "digest")}
    return tuple(position in fresh for position in range(len(items)))


def _blobs(connection: Connection, project: int, trace_ids: Sequence[str]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for part in _parts(trace_ids):
        for trace_id, body in _BODIES.run(connection, project, part):
            found.setdefault(trace_id.hex(), []).append(body)
    return found


def _parts(trace_ids: Sequence[str]) -> list[list[bytes]]:
    ids = [trace_bytes(trace_id) for trace_id in trace_ids]
    return [ids[start : start + _IDS_A_QUERY] for start in range(0, len(ids), _IDS_A_QUERY)]
