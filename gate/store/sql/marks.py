"""The span store's own list of persistent traces: it lies beside the records also when the spans do not, so that one transaction
changes both."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from gate.store.sql.database import Database
from gate.store.sql.lookup import by_project, project_key, trace_bytes
from gate.store.sql.schema import marks
from gate.store.sql.statements import OfTraces
from gate.store.sql.writes import Write, missing, write_all

_MARKED = OfTraces(lambda of: select(marks.c.trace_id).where(of(marks)))


async def mark(database: Database, project: str, trace_id: str, *, persistent: bool) -> None:
    """Set the mark of one trace, or take it away, in a transaction of its own."""

    def work(connection: Connection) -> None:
        set_marks(connection, project_key(connection, project), [trace_bytes(trace_id)], persistent=persistent)

    await database.write(work)


def set_marks(connection: Connection, project: int, trace_ids: Sequence[bytes], *, persistent: bool) -> None:
    """Set the mark of each of these (few) traces, or take it away."""
    if persistent:
        write_all(connection, new_marks(project, trace_ids))
    elif trace_ids:
        connection.execute(delete(marks).where(marks.c.project == project, marks.c.trace_id.in_(trace_ids)))


def new_marks(project: int, trace_ids: Sequence[bytes]) -> Write:
    """What marks these traces."""
    return missing(marks, [{"project": project, "trace_id": trace_id} for trace_id in sorted(trace_ids)])


def all_marked(connection: Connection, project: int) -> frozenset[str]:
    """Every trace of the project with the mark."""
    return frozenset(row.hex() for row in connection.scalars(select(marks.c.trace_id).where(marks.c.project == project)))


def marked_among(connection: Connection, project: int, trace_ids: Sequence[bytes]) -> frozenset[str]:
    """Those of these traces with the mark."""
    found: set[str] = set()
    for _, part in by_project((project, trace_id) for trace_id in trace_ids):
        found.update(row.hex() for row in _MARKED.run(connection, project, part).scalars())
    return frozenset(found)
