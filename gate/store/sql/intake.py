"""The hot path in SQL: chunks and trace summaries of every waiting export request in one transaction."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, bindparam, insert, select, update

from gate.codec.batch import Batch, TraceChunk
from gate.model.run import RunState
from gate.store.sql.arrays import among, insert_new
from gate.store.sql.database import Database
from gate.store.sql.lookup import by_project, project_key, run_key
from gate.store.sql.persistence import work_row
from gate.store.sql.schema import indexed, outbox, runs, stored, traces
from gate.store.sql.words import Found, Pair, Words, joined
from gate.store.sql.writes import missing, write_all


class ChunkWriter(Protocol):
    """Where the chunks themselves go."""

    separate: bool
    """Whether that is another store, which must be told to keep late chunks of persistent traces."""

    async def prepare(self, project: str, batch: Batch, *, run: str, now_ns: int) -> Sequence[Any]:
        """What `insert` needs of each chunk. A separate store has them when this returns."""
        ...

    def insert(self, connection: Connection, items: Sequence[tuple[int, Any]], *, now_ns: int) -> tuple[bool, ...]:
        """Enter (project key, prepared chunk) in the intake's transaction; for each, whether it was new."""
        ...


class SqlIntake:
    """See `Intake`. One transaction says which chunks are new and brings their traces' summaries up to date."""

    def __init__(self, database: Database, chunks: ChunkWriter) -> None:
        self._database = database
        self._chunks = chunks
        self._words = Words()

    async def accept(self, project: str, batch: Batch, *, run: str, now_ns: int) -> frozenset[str]:
        """See `Intake.accept`."""
        prepared = await self._chunks.prepare(project, batch, run=run, now_ns=now_ns)
        delivery = _Delivery(project, batch, prepared, run, now_ns)
        stored = await self._database.write_together(self._store, delivery)
        if stored.words is not None:
            self._words.remember(stored.words)
        return stored.runs

    def _store(self, connection: Connection, deliveries: Sequence["_Delivery"]) -> list["_Stored"]:
        keys = _Keys(connection)
        items = [(keys.project(one.project), chunk, one) for one in deliveries for chunk in one.batch.chunks]
        keys.create_runs(items)
        named = [(project, keys.run(project, chunk, one), chunk, one) for project, chunk, one in items]
        now_ns = max(one.now_ns for one in deliveries)
        prepared = [chunk for one in deliveries for chunk in one.prepared]
        new = self._chunks.insert(
            connection, [(project, chunk) for (project, _, _), chunk in zip(items, prepared, strict=True)], now_ns=now_ns
        )
        fresh = [row for row, is_new in zip(named, new, strict=True) if is_new]
        summaries: dict[tuple[int, bytes], _Summary] = {}
        for project, run, chunk, _ in fresh:
            row = _row(project, run, chunk, now_ns)
            other = summaries.get((project, chunk.trace_id))
            if other is None:
                summaries[project, chunk.trace_id] = _Summary(row, chunk.operations)
            else:
                summaries[project, chunk.trace_id] = _Summary(_merged(other.row, row), other.operations + chunk.operations)
        found = self._write(connection, summaries) if summaries else None
        touched: dict[int, set[str]] = {}
        for _, run, chunk, one in fresh:
            if run is not None:
                touched.setdefault(id(one), set()).add(one.run or chunk.run)
        return [_Stored(frozenset(touched.get(id(one), ())), found) for one in deliveries]

    def _write(self, connection: Connection, summaries: dict[tuple[int, bytes], "_Summary"]) -> Found:
        """Merge summaries into their rows; returns the words that were not remembered."""
        found = self._words.number(connection, [summary.operations for summary in summaries.values()])
        for summary in summaries.values():
            summary.row["words"] = self._words.text(summary.operations, found)
        new = insert_new(connection, traces, [summary.row for summary in summaries.values()], "project", "trace_id")
        stored_rows = _stored_rows(connection, [identity for identity in summaries if identity not in new])
        gone = [summary.row for identity, summary in summaries.items() if identity not in new and identity not in stored_rows]
        if gone:  # It was there, and was deleted before we had its lock.
            connection.execute(insert(traces), gone)
        if stored_rows:
            changed = [_merged(row, summaries[identity].row) for identity, row in stored_rows.items()]
            connection.execute(_UPDATE, [{("of" if name == "key" else name): row[name] for name in row} for row in changed])
            if self._chunks.separate and (late := [row for row in changed if row["persistent"]]):
                connection.execute(insert(outbox), [work_row(row["project"], row["trace_id"], "mark") for row in late])
        return found


class _Stored(NamedTuple):
    runs: frozenset[str]
    words: Found | None


class _Delivery(NamedTuple):
    project: str
    batch: Batch
    prepared: Sequence[Any]
    run: str
    now_ns: int


class _Summary(NamedTuple):
    row: dict[str, Any]
    operations: tuple[Pair, ...]


class _Keys:
    """Project and run keys within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._projects: dict[str, int] = {}
        self._runs: dict[tuple[int, str], int] = {}

    def project(self, name: str) -> int:
        """Raises NotFound."""
        if name not in self._projects:
            self._projects[name] = project_key(self._connection, name)
        return self._projects[name]

    def create_runs(self, items: Sequence[tuple[int, TraceChunk, _Delivery]]) -> None:
        """The runs that chunks name themselves, where they are new."""
        named: dict[tuple[int, str], dict[str, Any]] = {}
        for project, chunk, delivery in items:
            run_id = stored(chunk.run)
            if run_id and not delivery.run and (project, run_id) not in named:
                named[project, run_id] = _new_run(project, run_id, chunk, delivery.now_ns)
        # Every writer in the same order: two that wait for each other would be a deadlock.
        write_all(self._connection, missing(runs, [row for _, row in sorted(named.items())]))

    def run(self, project: int, chunk: TraceChunk, delivery: _Delivery) -> int | None:
        """The run of a chunk: the delivery's, else the chunk's own. Raises NotFound for one that does not exist."""
        run_id = stored(delivery.run or chunk.run)
        if not run_id:
            return None
        known = self._runs.get((project, run_id))
        if known is None:
            known = self._runs[project, run_id] = run_key(self._connection, project, run_id)
        return known


def _new_run(project: int, run_id: str, chunk: TraceChunk, now_ns: int) -> dict[str, Any]:
    return {
        "project": project,
        "id": run_id,
        "environment": stored(chunk.environment) or "ci",
        "gate": "default",
        "commit": stored(chunk.commit),
        "branch": "",
        "base_commit": "",
        "base_branch": "",
        "pull_request": 0,
        "repository": "",
        "url": "",
        "attempt": 1,
        "state": RunState.OPEN.value,
        "created_ns": now_ns,
    }


def _row(project: int, run: int | None, chunk: TraceChunk, now_ns: int) -> dict[str, Any]:
    entry = chunk.entry
    return {
        "project": project,
        "trace_id": chunk.trace_id,
        "run": run,
        "environment": indexed(chunk.environment),
        "test_case": indexed(chunk.test_case),
        "service": indexed(entry.service) if entry else "",
        "operation": indexed(entry.operation) if entry else "",
        "route": indexed(entry.route) if entry else "",
        "status": entry.status if entry and 0 <= entry.status < 2**31 else 0,
        "entry_ns": entry.start_ns if entry else None,
        "error": chunk.error,
        "spans": chunk.spans,
        "start_ns": chunk.start_ns,
        "end_ns": chunk.end_ns,
        "persistent": False,
        "received_ns": now_ns,
        "words": ",",
    }


_OF_ENTRY = ("service", "operation", "route", "status", "entry_ns")
_UPDATE = update(traces).where(traces.c.key == bindparam("of"))


def _stored_rows(connection: Connection, identities: list[tuple[int, bytes]]) -> dict[tuple[int, bytes], dict[str, Any]]:
    """The rows that exist, locked until the commit where the database can."""
    found: dict[tuple[int, bytes], dict[str, Any]] = {}
    for project, trace_ids in by_project(sorted(identities)):  # in the order of every writer, as in `insert_new`
        query = select(traces).where(traces.c.project == project, among(connection, traces.c.trace_id, trace_ids))
        for row in connection.execute(query.order_by(traces.c.trace_id).with_for_update()).mappings():
            found[project, row["trace_id"]] = dict(row)
    return found


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two summaries of one trace as one. The earliest parentless span is the entry; the first run stays."""
    merged = dict(one)
    if other["entry_ns"] is not None and (one["entry_ns"] is None or other["entry_ns"] < one["entry_ns"]):
        merged.update({name: other[name] for name in _OF_ENTRY})
    merged["run"] = one["run"] if one["run"] is not None else other["run"]
    merged["environment"] = one["environment"] or other["environment"]
    merged["test_case"] = one["test_case"] or other["test_case"]
    merged["error"] = one["error"] or other["error"]
    merged["spans"] = one["spans"] + other["spans"]
    merged["start_ns"] = min(one["start_ns"], other["start_ns"])
    merged["end_ns"] = max(one["end_ns"], other["end_ns"])
    merged["received_ns"] = max(one["received_ns"], other["received_ns"])
    merged["words"] = joined(one["words"], other["words"])
    return merged
