"""What each trace consists of, when its spans are in a store of their own."""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, exists, false, select

from gate.store.sql.arrays import insert_new
from gate.store.sql.database import Database
from gate.store.sql.lookup import by_project, delete_older, project_key, trace_bytes, upsert
from gate.store.sql.marks import all_marked, mark, marked_among
from gate.store.sql.schema import counters, manifest
from gate.store.sql.statements import OfTraces
from gate.store.sql.writes import Write, flagged
from gate.store.values import Copied, StoredChunk

_INSTALLATION = "installation"

_CHUNKS = OfTraces(lambda of: select(manifest).where(of(manifest)).order_by(manifest.c.received_ns))


class SqlManifest:
    """See `gate.store.elasticsearch.spans.Manifest`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def chunks(self, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[StoredChunk, ...]]:
        """See `Manifest.chunks`."""

        def work(connection: Connection) -> dict[str, tuple[StoredChunk, ...]]:
            key = project_key(connection, project)
            found: dict[str, tuple[StoredChunk, ...]] = {}
            for _, part in by_project((key, trace_bytes(trace_id)) for trace_id in trace_ids):
                for row in _CHUNKS.run(connection, key, part):
                    chunk = StoredChunk(row.digest, row.received_ns, row.size, row.kept)
                    found[row.trace_id.hex()] = (*found.get(row.trace_id.hex(), ()), chunk)
            return found

        return await self._database.read(work, single=len(trace_ids) == 1)

    async def forget(self, project: str, trace_ids: Sequence[str], *, before_ns: int) -> None:
        """See `Manifest.forget`."""

        def work(connection: Connection) -> None:
            key = project_key(connection, project)
            delete_older(connection, manifest, key, [trace_bytes(trace_id) for trace_id in trace_ids], before_ns=before_ns)

        await self._database.write(work)

    async def needed(self, times: Sequence[tuple[int, int]]) -> tuple[bool, ...]:
        """See `Manifest.needed`."""

        def work(connection: Connection) -> tuple[bool, ...]:
            return tuple(
                bool(
                    connection.scalar(
                        select(
                            exists().where(
                                manifest.c.received_ns >= begin, manifest.c.received_ns < end, manifest.c.kept == false()
                            )
                        )
                    )
                )
                for begin, end in times
            )

        return await self._database.read(work)

    async def mark(self, project: str, trace_id: str, *, persistent: bool) -> None:
        """See `Manifest.mark`."""
        await mark(self._database, project, trace_id, persistent=persistent)

    async def marked(self, project: str, trace_ids: Sequence[str] | None = None) -> frozenset[str]:
        """See `Manifest.marked`."""

        def work(connection: Connection) -> frozenset[str]:
            key = project_key(connection, project)
            if trace_ids is None:
                return all_marked(connection, key)
            return marked_among(connection, key, [trace_bytes(trace_id) for trace_id in trace_ids])

        return await self._database.read(work)

    async def installation(self) -> str:
        """See `Manifest.installation`."""

        def work(connection: Connection) -> int:
            row = {"name": _INSTALLATION, "value": secrets.randbits(62)}
            connection.execute(upsert(connection.dialect, counters).values(row).on_conflict_do_nothing())
            return connection.execute(select(counters.c.value).where(counters.c.name == _INSTALLATION)).scalar_one()

        return f"{await self._database.write(work):016x}"


def noted_copies(connection: Connection, copied: Sequence[Copied]) -> Write:
    """What notes that these chunks are kept where retention deletes nothing."""
    rows = [
        {"project": project_key(connection, one.project), "trace_id": trace_bytes(one.trace_id), "digest": digest}
        for one in copied
        for digest in one.digests
    ]
    return flagged(manifest, rows, "kept")


def insert_entries(connection: Connection, items: Sequence[tuple[int, bytes, StoredChunk]]) -> tuple[bool, ...]:
    """Enter (project key, trace id, chunk) when it is not there yet; for each, whether it was new."""
    rows: dict[tuple[int, bytes, bytes], int] = {}
    for position, (project, trace_id, chunk) in enumerate(items):
        rows.setdefault((project, trace_id, chunk.digest), position)
    made = [
        {
            "project": project,
            "trace_id": trace_id,
            "digest": digest,
            "received_ns": items[position][2].received_ns,
            "size": items[position][2].size,
            "kept": False,
        }
        for (project, trace_id, digest), position in rows.items()
    ]
    fresh = {rows[identity] for identity in insert_new(connection, manifest, made, "project", "trace_id", "digest")}
    return tuple(position in fresh for position in range(len(items)))
