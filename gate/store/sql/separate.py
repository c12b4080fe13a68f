"""Intake when spans have a store of their own: the spans first, then the transaction that makes them part of their traces.

A stop in between leaves spans that belong to nothing, which nobody sees and which go with their day. The other way round would
leave a record without its spans.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from gate.codec.batch import Batch, TraceChunk
from gate.store.compression import compress_chunks
from gate.store.sql.database import Database
from gate.store.sql.lookup import digest_of, project_key, run_key
from gate.store.sql.manifest import insert_entries
from gate.store.values import StoredChunk


class SeparateStore(Protocol):
    """The span store's part in it."""

    async def put(self, project: str, chunks: Sequence[tuple[TraceChunk, StoredChunk, bytes]]) -> None:
        """Write chunks, with their compressed bodies, and return when they are on disk. Twice is once."""
        ...


class PutChunk(NamedTuple):
    """A chunk that the span store has."""

    trace_id: bytes
    place: StoredChunk


class SeparateChunks:
    """See `ChunkWriter`."""

    separate = True

    def __init__(self, database: Database, spans: SeparateStore) -> None:
        self._database = database
        self._spans = spans
        self._projects: set[str] = set()
        """That are there: nothing deletes one, and the transaction would say so."""

    async def prepare(self, project: str, batch: Batch, *, run: str, now_ns: int) -> Sequence[PutChunk]:
        """See `ChunkWriter.prepare`. Raises NotFound before anything is written."""

        def must_exist(connection: Connection) -> None:
            key = project_key(connection, project)
            if run:
                run_key(connection, key, run)

        if run or project not in self._projects:
            await self._database.read(must_exist)
            self._projects.add(project)
        blobs = await compress_chunks(batch.chunks)
        chunks = [
            (chunk, StoredChunk(digest_of(chunk.body), now_ns, len(blob), False), blob)
            for chunk, blob in zip(batch.chunks, blobs, strict=True)
        ]
        if chunks:
            await self._spans.put(project, chunks)
        return [PutChunk(chunk.trace_id, place) for chunk, place, _ in chunks]

    def insert(self, connection: Connection, items: Sequence[tuple[int, PutChunk]], *, now_ns: int) -> tuple[bool, ...]:
        """See `ChunkWriter.insert`."""
        return insert_entries(connection, [(project, chunk.trace_id, chunk.place) for project, chunk in items])
