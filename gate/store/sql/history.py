"""The audit log, read back."""

from sqlalchemy import Connection, select

from gate.errors import BadRequest
from gate.service import AuditEntry
from gate.store.sql.database import Database
from gate.store.sql.lookup import project_key
from gate.store.sql.schema import audit, stored
from gate.store.times import to_text


class SqlHistory:
    """See `History`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, project: str, *, run: str, subjects: tuple[str, ...], limit: int, after: str
    ) -> tuple[tuple[AuditEntry, ...], str]:
        """See `History.page`."""
        limit = min(max(limit, 1), 1000)
        if after and not (after.isascii() and after.isdigit() and len(after) < 19):
            raise BadRequest(f"{after[:80]!r} is not a cursor.", hint="Use the `next` of the last page as it is, or none.")

        def work(connection: Connection) -> tuple[tuple[AuditEntry, ...], str]:
            query = select(audit).where(audit.c.project == project_key(connection, project)).order_by(audit.c.key.desc())
            if run:
                query = query.where(audit.c.run == stored(run), audit.c.run != "")
            if subjects:
                query = query.where(audit.c.subject.in_(subjects))
            if after:
                query = query.where(audit.c.key < int(after))
            rows = connection.execute(query.limit(limit + 1)).all()
            entries = tuple(
                AuditEntry(to_text(row.at_ns), row.by, row.action, row.subject, row.detail, row.run) for row in rows[:limit]
            )
            return entries, str(rows[limit - 1].key) if len(rows) > limit else ""

        return await self._database.read(work)
