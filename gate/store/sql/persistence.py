"""Persistence of traces: the record and what makes the span store follow it, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gate.store.sql.conflicts import insert_missing
from gate.store.sql.lookup import by_project, no_trace, of_traces, trace_bytes
from gate.store.sql.schema import marks, outbox, traces

_SET = update(traces).where(of_traces(traces)).values(persistent=bindparam("level"))
_KNOWN = select(traces.c.trace_id).where(of_traces(traces))
_BEHIND = select(outbox.c.trace_id).where(of_traces(outbox))


def set_persistence(
    connection: Connection, project: int, trace_ids: Sequence[str], *, persistent: bool, beside: bool
) -> frozenset[str]:
    """Set what the records of these traces say; returns the traces that the span store has still to follow, by the outbox.

    Where the spans lie `beside` the records the mark is written at once, unless the trace has entries from before: they go in
    their order. Raises NotFound when one of the traces does not exist."""
    left: set[bytes] = set()
    for _, part in by_project((project, trace_bytes(trace_id)) for trace_id in trace_ids):
        mine = {"owner": project, "ids": part}
        if connection.execute(_SET, {**mine, "level": persistent}).rowcount < len(part):
            known = set(connection.scalars(_KNOWN, mine))
            raise no_trace(next(trace_id for trace_id in part if trace_id not in known).hex())
        behind = set(part)
        if beside:
            # After the update, which waits for a prune of the same trace: its entry is seen here.
            behind = set(connection.scalars(_BEHIND, mine))
            set_marks(connection, project, [trace_id for trace_id in part if trace_id not in behind], persistent=persistent)
        if behind:
            connection.execute(insert(outbox), [work_row(project, trace_id, "mark") for trace_id in sorted(behind)])
        left |= behind
    return frozenset(trace_id.hex() for trace_id in left)


def set_marks(connection: Connection, project: int, trace_ids: Sequence[bytes], *, persistent: bool) -> None:
    """Set the mark of each of these (few) traces in the span store beside the records, or take it away."""
    if persistent:
        rows = [{"project": project, "trace_id": trace_id} for trace_id in sorted(trace_ids)]
        insert_missing(connection, marks, rows)
    elif trace_ids:
        connection.execute(delete(marks).where(marks.c.project == project, marks.c.trace_id.in_(trace_ids)))


def work_row(project: int, trace_id: bytes, action: str, before_ns: int = 0) -> dict[str, Any]:
    """An outbox row."""
    return {"project": project, "trace_id": trace_id, "action": action, "before_ns": before_ns}
