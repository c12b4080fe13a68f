"""The outbox in SQL: what the span store has still to follow."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from gate.store.sql.database import Database
from gate.store.sql.lookup import by_project, project_key, trace_bytes
from gate.store.sql.manifest import noted_copies
from gate.store.sql.persistence import work_row
from gate.store.sql.schema import outbox, projects, stored, traces
from gate.store.sql.statements import OfTraces
from gate.store.sql.writes import write_all
from gate.store.values import Claim, Copied, Work

_AT_ONCE = 500


class SqlOutbox:
    """See `Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, *, limit: int | None = None, project: str = "", trace_id: str = "") -> tuple[Work, ...]:
        """See `Outbox.pending`."""

        def work(connection: Connection) -> tuple[Work, ...]:
            query = select(outbox.c.key).where(*_of(connection, project, trace_id)).order_by(outbox.c.key).limit(limit)
            return _read(connection, connection.scalars(query).all())

        return await self._database.read(work)

    def claim(self, *, limit: int, project: str = "", trace_id: str = "") -> AbstractAsyncContextManager[Claim]:
        """See `Outbox.claim`."""

        def begin(connection: Connection) -> Claim:
            query = select(outbox.c.key, outbox.c.project, outbox.c.trace_id).where(*_of(connection, project, trace_id))
            # A named trace is waited for; else what others work at is left to them.
            rows = connection.execute(query.order_by(outbox.c.key).limit(limit).with_for_update(skip_locked=not trace_id)).all()
            if not trace_id:
                mine = {row.key for row in rows}
                oldest = _oldest(connection, {(row.project, row.trace_id) for row in rows})
                rows = [row for row in rows if oldest.get((row.project, row.trace_id)) in mine]
            # The levels are read after the lock was got, in a statement of its own: a later change has a later entry.
            return Claim(list(_read(connection, [row.key for row in rows])))

        def end(connection: Connection, claim: Claim) -> None:
            write_all(connection, noted_copies(connection, claim.copied))
            _forget(connection, [one.id for one in claim.work])
            if connection.dialect.name == "postgresql":  # a newer level has a newer entry, which waited for this end
                return
            # SQLite cannot keep another process from the same entries: when the record has changed, it is followed again.
            for now in _levels(connection, [one for one in claim.work if one.action == "mark"]):
                connection.execute(insert(outbox).values(now))

        return self._database.hold(begin, end)

    async def note(self, copied: Copied) -> None:
        """See `Outbox.note`."""
        await self._database.write(lambda connection: write_all(connection, noted_copies(connection, [copied])))

    async def failed(self, work: Sequence[Work], error: str) -> None:
        """See `Outbox.failed`."""
        values = {"attempts": outbox.c.attempts + 1, "error": stored(error[:1000])}

        def note(connection: Connection) -> None:
            for start in range(0, len(work), _AT_ONCE):
                ids = [one.id for one in work[start : start + _AT_ONCE]]
                connection.execute(update(outbox).where(outbox.c.key.in_(ids)).values(values))

        await self._database.write(note)


def _of(connection: Connection, project: str, trace_id: str) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if project:
        wanted.append(outbox.c.project == project_key(connection, project))
    if trace_id:
        wanted.append(outbox.c.trace_id == trace_bytes(trace_id))
    return wanted


_JOINED = (traces.c.project == outbox.c.project) & (traces.c.trace_id == outbox.c.trace_id)
# Made once, as those of `OfTraces`, which are about traces and not about entries.
_WORK = (
    select(outbox, projects.c.name, func.coalesce(traces.c.persistent, False).label("persistent"))
    .join(projects, projects.c.key == outbox.c.project)
    .outerjoin(traces, _JOINED)
    .where(outbox.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(outbox.c.key)
)
_FORGET = delete(outbox).where(outbox.c.key.in_(bindparam("keys", expanding=True)))
_LEVEL = OfTraces(lambda of: select(traces.c.persistent).where(of(traces)))


def _read(connection: Connection, keys: Sequence[int]) -> tuple[Work, ...]:
    found: list[Work] = []
    for start in range(0, len(keys), _AT_ONCE):
        found += [
            Work(row.key, row.name, row.trace_id.hex(), row.action, row.before_ns, row.persistent, row.attempts, row.error)
            for row in connection.execute(_WORK, {"keys": keys[start : start + _AT_ONCE]})
        ]
    return tuple(found)


def _oldest(connection: Connection, identities: Iterable[tuple[int, bytes]]) -> dict[tuple[int, bytes], int]:
    """The first entry of each trace. Another server may have it: then this one's newer entries wait for it."""
    found: dict[tuple[int, bytes], int] = {}
    for project, trace_ids in by_project(identities):
        mine = (outbox.c.project == project) & outbox.c.trace_id.in_(trace_ids)
        query = select(outbox.c.trace_id, func.min(outbox.c.key)).where(mine).group_by(outbox.c.trace_id)
        found.update({(project, trace_id): key for trace_id, key in connection.execute(query).tuples()})
    return found


def _forget(connection: Connection, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        connection.execute(_FORGET, {"keys": ids[start : start + _AT_ONCE]})


def _levels(connection: Connection, marks: Sequence[Work]) -> list[dict[str, Any]]:
    """A new entry for each trace whose record is another than what was applied."""
    changed: list[dict[str, Any]] = []
    for one in {(one.project, one.trace_id): one for one in marks}.values():
        key, trace_id = project_key(connection, one.project), trace_bytes(one.trace_id)
        if bool(_LEVEL.run(connection, key, [trace_id]).scalar()) != one.persistent:
            changed.append(work_row(key, trace_id, "mark"))
    return changed
