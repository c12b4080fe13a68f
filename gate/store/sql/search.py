"""A `TraceQuery` as SQL, with keyset paging: newest first by (start, key).

The conditions of partial indexes are repeated as literals: a planner does not see through parameters.
"""

import re
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, false, func, literal, or_, select, text, tuple_

from gate.errors import BadRequest
from gate.service import TraceQuery
from gate.store.sql.schema import indexed, runs, stored, traces
from gate.store.sql.words import having, speaking_of

_WORDS = 8
_COMMITS = 200


def page_query(connection: Connection, project: int, query: TraceQuery) -> Select[Any]:
    """All filters but `attribute`, in order, without a limit. Raises BadRequest for a bad status or cursor."""
    wanted = [traces.c.project == project, *_of_trace(query)]
    if query.run:
        run = connection.scalar(select(runs.c.key).where(runs.c.project == project, runs.c.id == stored(query.run)))
        wanted.append(false() if run is None else traces.c.run == run)
    if query.commit:
        begins = runs.c.commit.startswith(stored(query.commit), autoescape=True)
        found = connection.scalars(select(runs.c.key).where(runs.c.project == project, begins).limit(_COMMITS)).all()
        wanted.append(traces.c.run.in_(found))
    wanted += [_about(connection, word) for word in stored(query.text).split()[:_WORDS]]
    if query.service or query.operation:
        spoken = having(connection, query.service, query.operation)
        wanted.append(false() if spoken is None else spoken)
    if query.after:
        start_ns, key = _read_cursor(query.after)
        wanted.append(tuple_(traces.c.start_ns, traces.c.key) < tuple_(literal(start_ns), literal(key)))
    return (
        select(traces.c.trace_id, traces.c.start_ns, traces.c.key)
        .where(*wanted)
        .order_by(traces.c.start_ns.desc(), traces.c.key.desc())
    )


def _about(connection: Connection, word: str) -> ColumnElement[bool]:
    """Traces where a word is part of an operation, a service, the route or the test case."""
    within = [_within(connection, column, word) for column in (traces.c.route, traces.c.test_case)]
    return or_(*within, *speaking_of(connection, word))


def _within(connection: Connection, column: Column[str], word: str) -> ColumnElement[bool]:
    """Whether a text contains a word, where a to z are A to Z: as SQLite has it. PostgreSQL takes twice as long for other alphabets."""
    of = column.collate("C") if connection.dialect.name == "postgresql" else column
    return func.lower(of).contains(word.encode().lower().decode(), autoescape=True)


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
        wanted += [traces.c.route == indexed(query.route), traces.c.route != text("''")]
    if query.status:
        wanted += _status(query.status)
    if query.error is not None:
        wanted.append(traces.c.error if query.error else ~traces.c.error)
    if query.test_case:
        wanted += [traces.c.test_case == indexed(query.test_case), traces.c.test_case != text("''")]
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


def _status(status: str) -> list[ColumnElement[bool]]:
    if not re.fullmatch(r"[1-5](xx|[0-9]{2})", status):
        raise BadRequest(f"{status[:80]!r} is not an HTTP status.", hint="Give a status such as `404`, or a class such as `5xx`.")
    first, last = (int(status[0] + end) if "x" in status else int(status) for end in ("00", "99"))
    failed = [traces.c.status >= text("400")] if first >= 400 else []
    return [traces.c.status.between(first, last), *failed]


def _bounded(ns: int) -> int:
    return min(max(ns, -(2**63)), 2**63 - 1)
