"""From names to the internal keys, shared by every part of the SQL store."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Dialect, Update, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.schema import Table

from gate.errors import NotFound
from gate.store.sql.schema import audit, projects, runs, stored
from gate.store.sql.writes import Write, write_all

_IDS_A_QUERY = 500
_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def project_key(connection: Connection, name: str) -> int:
    """Raises NotFound."""
    # Remembered by the connection, which nearly every transaction asks first: no project is ever deleted or named anew.
    known: dict[str, int] = connection.info.setdefault("projects", {})
    if (key := known.get(name)) is None:
        key = connection.scalar(select(projects.c.key).where(projects.c.name == stored(name)))
        if key is None:
            raise NotFound(f"There is no project {name!r}.", hint="POST /api/v1/projects makes one.")
        known[name] = key
    return key


def run_key(connection: Connection, project: int, run_id: str) -> int:
    """Raises NotFound."""
    key = connection.scalar(select(runs.c.key).where(runs.c.project == project, runs.c.id == stored(run_id)))
    if key is None:
        raise no_run(run_id)
    return int(key)


def next_revision(of: ColumnElement[bool]) -> Update:
    """What says that verdicts of these runs which are made from what was read before must be made again."""
    return update(runs).where(of).values(revision=runs.c.revision + 1)


def delete_older(connection: Connection, table: Table, project: int, trace_ids: Sequence[bytes], *, before_ns: int) -> None:
    """Delete the rows of these traces that arrived before."""
    for _, part in by_project((project, trace_id) for trace_id in trace_ids):
        mine = (table.c.project == project) & table.c.trace_id.in_(part)
        connection.execute(delete(table).where(mine, table.c.received_ns < before_ns))


def no_run(run_id: str) -> NotFound:
    """The error for a run that this project does not have."""
    return NotFound(
        f"There is no run {run_id!r} in this project.", hint="POST /api/v1/runs makes one; a token sees its own project only."
    )


def trace_bytes(trace_id: str) -> bytes:
    """The 16 bytes of a trace id. Raises NotFound for what cannot be one."""
    if not _TRACE_ID.fullmatch(trace_id):
        raise NotFound(f"There is no trace {trace_id[:80]!r}.", hint="A trace id is 32 lower-case hex digits.")
    return bytes.fromhex(trace_id)


def no_trace(trace_id: str) -> NotFound:
    """The error for a trace that is not stored."""
    return NotFound(f"There is no trace {trace_id} in this project.", hint="It was never received, or retention has deleted it.")


def by_project(identities: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """(Project key, trace ids) in parts for one query each. Not `(project, trace_id) IN (…)`: SQLite scans the table for that."""
    grouped: dict[int, dict[bytes, None]] = {}
    for project, trace_id in identities:
        grouped.setdefault(project, {})[trace_id] = None
    for project, trace_ids in grouped.items():
        ordered = sorted(trace_ids)
        for start in range(0, len(ordered), _IDS_A_QUERY):
            yield project, ordered[start : start + _IDS_A_QUERY]


def digest_of(body: bytes) -> bytes:
    """Tells a chunk from every other one: 16 bytes of SHA-256."""
    return hashlib.sha256(body).digest()[:16]


def upsert(dialect: Dialect, table: Table) -> PostgresInsert | SqliteInsert:
    """An INSERT that knows ON CONFLICT; both databases speak the same one."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def write_audit(
    connection: Connection, project: int, *, by: str, action: str, subject: str, now_ns: int, detail: str = "", run: str = ""
) -> None:
    """One audit row, in the caller's transaction."""
    write_all(connection, audits(project, by=by, action=action, subjects=[subject], now_ns=now_ns, detail=detail, run=run))


def audits(project: int, *, by: str, action: str, subjects: Sequence[str], now_ns: int, detail: str = "", run: str = "") -> Write:
    """An audit row for each subject."""
    same = {"project": project, "at_ns": now_ns, "by": stored(by), "action": action, "detail": stored(detail), "run": stored(run)}
    return Write(audit, [{**same, "subject": stored(subject)} for subject in subjects])
