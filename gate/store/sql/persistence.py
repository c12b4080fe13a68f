"""Persistence of traces: the record and what makes the span store follow it, in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from gate.errors import GateError
from gate.store.sql.database import Database, Result
from gate.store.sql.lookup import by_project, no_trace, of_traces, trace_bytes
from gate.store.sql.manifest import note_copies, uncopied
from gate.store.sql.marks import set_marks
from gate.store.sql.schema import outbox, traces
from gate.store.values import Copied, Keeping

_SET = update(traces).where(of_traces(traces)).values(persistent=bindparam("level"))
_LOCK = select(traces.c.trace_id).where(of_traces(traces)).order_by(traces.c.trace_id).with_for_update()
_BEHIND = select(outbox.c.trace_id).where(of_traces(outbox))


async def write_keeping(database: Database, work: Callable[[Connection, Sequence[Copied]], Result], keeping: Keeping) -> Result:
    """Run work, with what was copied, in one transaction that is committed when the copies are written. When they could not be, it is
    run with none: what the span store has not done before the commit it does afterwards, by the outbox."""
    try:
        return await database.write(lambda connection: work(connection, keeping.copied), after=keeping.written)
    except GateError:
        if keeping.written is not None:  # whatever it was: nothing is done any more when the answer is there
            await asyncio.wait([keeping.written])
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
) -> frozenset[str]:
    """Set what the records of these traces and their marks say, and note copies of their chunks; returns the traces that the span
    store has still to follow, by the outbox.

    Those are the ones with chunks that were not copied (spans that lie `beside` the records need no copies), and those with entries
    from before: they go in their order. Raises NotFound when one of the traces does not exist."""
    left: set[bytes] = set()
    for _, part in by_project((project, trace_bytes(trace_id)) for trace_id in trace_ids):
        mine = {"owner": project, "ids": part}
        # Several are locked in the order of every writer: two that wait for each other would be a deadlock.
        unknown = set(part).difference(connection.scalars(_LOCK, mine)) if len(part) > 1 else ()
        if unknown or connection.execute(_SET, {**mine, "level": persistent}).rowcount < len(part):
            raise no_trace(min(unknown or part).hex())
        # After the update, which waits for a prune and for late spans of the same trace: what they wrote is seen here.
        behind = set(connection.scalars(_BEHIND, mine))
        set_marks(connection, project, [trace_id for trace_id in part if trace_id not in behind], persistent=persistent)
        if persistent and not beside:
            note_copies(connection, [one for one in copied if trace_bytes(one.trace_id) in part])
            behind |= uncopied(connection, project, part)
        if behind:
            connection.execute(insert(outbox), [work_row(project, trace_id, "mark") for trace_id in sorted(behind)])
        left |= behind
    return frozenset(trace_id.hex() for trace_id in left)


def work_row(project: int, trace_id: bytes, action: str, before_ns: int = 0) -> dict[str, Any]:
    """An outbox row."""
    return {"project": project, "trace_id": trace_id, "action": action, "before_ns": before_ns}
