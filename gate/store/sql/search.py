"""A `TraceQuery` as SQL, with keyset paging: newest first by (start, key)."""

import re
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, tuple_

from gate.errors import BadRequest
from gate.service import TraceQuery
from gate.store.sql.schema import indexed, operations, runs, trace_operations, traces

_RARE = 2_000
"""Up to so many traces with a service or operation, SQLite starts from them; above, it walks the newest traces and probes each."""


def page_query(connection: Connection, project: int, query: TraceQuery) -> Select[Any]:
    """All filters but `attribute`, in order, without a limit. Raises BadRequest for a bad status or cursor."""
    wanted = [traces.c.project == project, *_of_trace(query)]
    if query.run:
        wanted.append(
            traces.c.run == select(runs.c.key).where(runs.c.project == project, runs.c.id == query.run).scalar_subquery()
        )
    if query.service or query.operation:
        wanted.append(_of_spans(connection, query))
    if query.after:
        start_ns, key = _read_cursor(query.after)
        wanted.append(tuple_(traces.c.start_ns, traces.c.key) < tuple_(start_ns, key))
    return (
        select(traces, runs.c.id.label("run_id"))
        .outerjoin(runs, runs.c.key == traces.c.run)
        .where(*wanted)
        .order_by(traces.c.start_ns.desc(), traces.c.key.desc())
    )


def cursor_of(start_ns: int, key: int) -> str:
    """The cursor after this row."""
    return f"{start_ns}-{key}"


def _read_cursor(cursor: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,19})-(\d{1,18})", cursor, re.ASCII)
    if not match or int(match[1]) >= 2**63:
        raise BadRequest(f"{cursor[:80]!r} is not a cursor.", hint="Use the `next` of the last page as it is, or none.")
    return int(match[1]), int(match[2])


def _of_trace(query: TraceQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.route:
        wanted.append(traces.c.route == indexed(query.route))
    if query.status:
        wanted.append(_status(query.status))
    if query.error is not None:
        wanted.append(traces.c.error if query.error else ~traces.c.error)
    if query.test_case:
        wanted.append(traces.c.test_case == indexed(query.test_case))
    if query.environment:
        wanted.append(traces.c.environment == indexed(query.environment))
    if query.since_ns:
        wanted.append(traces.c.start_ns >= _bounded(query.since_ns))
    if query.until_ns:
        wanted.append(traces.c.start_ns < _bounded(query.until_ns))
    if query.min_duration_ns:
        wanted.append(traces.c.end_ns - traces.c.start_ns >= _bounded(query.min_duration_ns))
    if query.persistent is not None:
        wanted.append(traces.c.persistent if query.persistent else ~traces.c.persistent)
    return wanted


def _of_spans(connection: Connection, query: TraceQuery) -> ColumnElement[bool]:
    """Service and operation of one span. Both are looked up in the dictionary first, which is small."""
    named = [operations.c.service == indexed(query.service)] if query.service else []
    if query.operation:
        named.append(operations.c.name == indexed(query.operation))
    numbers = select(operations.c.key).where(*named).scalar_subquery()
    having = select(trace_operations.c.trace).where(trace_operations.c.operation.in_(numbers))
    seen = connection.scalar(select(func.count()).select_from(having.limit(_RARE + 1).subquery())) or 0
    if seen <= _RARE:
        return traces.c.key.in_(having)
    return exists().where(trace_operations.c.trace == traces.c.key, trace_operations.c.operation.in_(numbers))


def _status(text: str) -> ColumnElement[bool]:
    if re.fullmatch(r"[1-5]xx", text):
        return traces.c.status.between(int(text[0]) * 100, int(text[0]) * 100 + 99)
    if re.fullmatch(r"[1-5]\d\d", text, re.ASCII):
        return traces.c.status == int(text)
    raise BadRequest(f"{text[:80]!r} is not an HTTP status.", hint="Give a status such as `404`, or a class such as `5xx`.")


def _bounded(ns: int) -> int:
    return min(max(ns, -(2**63)), 2**63 - 1)
