"""Persistence of traces: the record and what makes the span store follow it, in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, LargeBinary, Select, bindparam, cast, false, null, select, union_all, update

from gate.errors import GateError
from gate.store.sql.database import Database, Result
from gate.store.sql.lookup import by_project, no_trace, trace_bytes
from gate.store.sql.manifest import noted_copies
from gate.store.sql.marks import new_marks, set_marks
from gate.store.sql.schema import manifest, outbox, traces
from gate.store.sql.statements import Condition, OfTraces
from gate.store.sql.writes import Write, write_all
from gate.store.values import Copied, Keeping


def _entries(of: Condition) -> Select[Any]:
    return select(outbox.c.trace_id, cast(null(), LargeBinary).label("digest")).where(of(outbox))


def _uncopied(of: Condition) -> Select[Any]:
    return select(manifest.c.trace_id, manifest.c.digest).where(of(manifest), manifest.c.kept == false())


_SET = OfTraces(lambda of: update(traces).where(of(traces)).values(persistent=bindparam("level")))
_LOCK = OfTraces(lambda of: select(traces.c.trace_id).where(of(traces)).order_by(traces.c.trace_id).with_for_update())
_ENTRIES = OfTraces(_entries)
_ENTRIES_AND_UNCOPIED = OfTraces(lambda of: union_all(_entries(of), _uncopied(of)))


async def write_keeping(database: Database, work: Callable[[Connection, Sequence[Copied]], Result], keeping: Keeping) -> Result:
    """Run work, with what was copied, in one transaction that is committed when the copies are written. When they could not be, it is
    run with none: what the span store has not done before the commit it does afterwards, by the outbox."""
    try:
        return await database.write(lambda connection: work(connection, keeping.copied), after=keeping.written)
    except GateError:
        await keeping.ended()
        if not keeping.failed:
            raise
    return await database.write(lambda connection: work(connection, ()))


def set_persistence(
    connection: Connection,
    project: int,
    trace_ids: Sequence[str],
    *,
    persistent: bool,
    beside: bool,
    copied: Sequence[Copied] = (),
    also: Sequence[Write] = (),
) -> frozenset[str]:
    """Set what the records of these traces and their marks say, note copies of their chunks, and insert what the caller has to
    (`also`); returns the traces that the span store has still to follow, by the outbox.

    Those are the ones with chunks that were not copied (spans that lie `beside` the records need no copies), and those with entries
    from before: they go in their order. Raises NotFound when one of the traces does not exist."""
    there = {(trace_bytes(one.trace_id), digest) for one in copied for digest in one.digests}
    marked: set[bytes] = set()
    behind: set[bytes] = set()
    for _, part in by_project((project, trace_bytes(trace_id)) for trace_id in trace_ids):
        # Several are locked in the order of every writer: two that wait for each other would be a deadlock.
        unknown = set(part).difference(_LOCK.run(connection, project, part).scalars()) if len(part) > 1 else ()
        if unknown or _SET.run(connection, project, part, level=persistent).rowcount < len(part):
            raise no_trace(min(unknown or part).hex())
        # After the update, which waits for a prune and for late spans of the same trace: what they wrote is seen here.
        unfollowed = _ENTRIES_AND_UNCOPIED if persistent and not beside else _ENTRIES
        found = unfollowed.run(connection, project, part).all()
        marked |= set(part).difference(row.trace_id for row in found if row.digest is None)
        behind |= {row.trace_id for row in found if (row.trace_id, row.digest) not in there}
    if not persistent:
        set_marks(connection, project, sorted(marked), persistent=False)
    write_all(
        connection,
        new_marks(project, sorted(marked) if persistent else ()),
        noted_copies(connection, copied),
        Write(outbox, [work_row(project, trace_id, "mark") for trace_id in sorted(behind)]),
        *also,
    )
    return frozenset(trace_id.hex() for trace_id in behind)


def work_row(project: int, trace_id: bytes, action: str, before_ns: int = 0) -> dict[str, Any]:
    """An outbox row."""
    return {"project": project, "trace_id": trace_id, "action": action, "before_ns": before_ns}
