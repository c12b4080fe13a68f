"""The outbox in SQL: what the span store has still to follow."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, update

from gate.store.sql.database import Database
from gate.store.sql.lookup import project_key, trace_bytes
from gate.store.sql.schema import outbox, projects, stored, traces
from gate.store.values import Work


class SqlOutbox:
    """See `Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, *, limit: int, project: str = "", trace_id: str = "") -> tuple[Work, ...]:
        """See `Outbox.pending`."""

        def work(connection: Connection) -> tuple[Work, ...]:
            record = (traces.c.project == outbox.c.project) & (traces.c.trace_id == outbox.c.trace_id)
            query = (
                select(
                    outbox.c.key,
                    projects.c.name,
                    outbox.c.trace_id,
                    outbox.c.action,
                    outbox.c.before_ns,
                    func.coalesce(traces.c.persistent, False).label("persistent"),
                )
                .join(projects, projects.c.key == outbox.c.project)
                .outerjoin(traces, record)
                .order_by(outbox.c.key)
                .limit(limit)
            )
            if project:
                query = query.where(outbox.c.project == project_key(connection, project))
            if trace_id:
                query = query.where(outbox.c.trace_id == trace_bytes(trace_id))
            return tuple(
                Work(row.key, row.name, row.trace_id.hex(), row.action, row.before_ns, row.persistent)
                for row in connection.execute(query)
            )

        return await self._database.read(work)

    async def done(self, work: Sequence[Work]) -> None:
        """See `Outbox.done`."""
        ids = [one.id for one in work]

        def forget(connection: Connection) -> None:
            for start in range(0, len(ids), 500):
                connection.execute(delete(outbox).where(outbox.c.key.in_(ids[start : start + 500])))

        await self._database.write(forget)

    async def failed(self, work: Work, error: str) -> None:
        """See `Outbox.failed`."""
        values = {"attempts": outbox.c.attempts + 1, "error": stored(error[:1000])}
        await self._database.write(
            lambda connection: connection.execute(update(outbox).where(outbox.c.key == work.id).values(values))
        )
