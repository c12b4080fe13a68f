"""The hot path in SQL: chunks and trace summaries of every waiting export request in one transaction."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from gate.codec.batch import Batch, TraceChunk
from gate.model.run import RunState
from gate.store.sql.database import Database
from gate.store.sql.lookup import project_key, run_key, upsert
from gate.store.sql.schema import indexed, operations, runs, stored, trace_operations, traces
from gate.store.sql.spans import insert_chunks
from gate.store.times import clamp

_KNOWN = 50_000
"""How many dictionary entries are remembered; then all are forgotten and read again as needed."""


class SqlIntake:
    """See `Intake`. Spans and summaries are in one database, so one transaction holds both."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._operations: dict[tuple[str, str], int] = {}

    async def accept(self, project: str, batch: Batch, *, run: str, now_ns: int) -> frozenset[str]:
        """See `Intake.accept`."""
        stored = await self._database.write_together(self._store, _Delivery(project, batch, run, now_ns))
        # Only now are the numbers committed: an earlier memory of them could outlive a rollback.
        if len(self._operations) > _KNOWN:
            self._operations.clear()
        self._operations.update(stored.operations)
        return stored.runs

    def forget(self) -> None:
        """Forget the dictionary numbers: entries may have been deleted."""
        self._operations.clear()

    def _store(self, connection: Connection, deliveries: Sequence["_Delivery"]) -> list["_Stored"]:
        keys = _Keys(connection)
        items = [(keys.project(one.project), chunk, one) for one in deliveries for chunk in one.batch.chunks]
        named = [(project, keys.run(project, chunk, one), chunk, one) for project, chunk, one in items]
        now_ns = max(one.now_ns for one in deliveries)
        new = insert_chunks(connection, [(project, chunk) for project, chunk, _ in items], now_ns=now_ns)
        fresh = [row for row, is_new in zip(named, new, strict=True) if is_new]
        summaries: dict[tuple[int, bytes], _Summary] = {}
        for project, run, chunk, _ in fresh:
            summary = summaries.get((project, chunk.trace_id))
            if summary is None:
                summaries[project, chunk.trace_id] = _Summary(_row(project, run, chunk, now_ns), set(chunk.operations))
            else:
                _merge(summary.row, _row(project, run, chunk, now_ns))
                summary.operations.update(chunk.operations)
        found = self._write(connection, summaries) if summaries else {}
        touched: dict[int, set[str]] = {}
        for _, run, chunk, one in fresh:
            if run is not None:
                touched.setdefault(id(one), set()).add(one.run or chunk.run)
        return [_Stored(frozenset(touched.get(id(one), ())), found) for one in deliveries]

    def _write(self, connection: Connection, summaries: dict[tuple[int, bytes], "_Summary"]) -> dict[tuple[str, str], int]:
        """Merge summaries into their rows; returns the dictionary numbers that were not remembered."""
        statement = upsert(connection.dialect, traces)
        statement = statement.on_conflict_do_update(
            index_elements=["project", "trace_id"], set_=_merged(statement.excluded, connection.dialect.name)
        ).returning(traces.c.key, traces.c.project, traces.c.trace_id)
        stored_rows = connection.execute(statement, [summary.row for summary in summaries.values()]).all()
        wanted = {pair for summary in summaries.values() for pair in summary.operations}
        cut = {pair: (indexed(pair[0]), indexed(pair[1])) for summary in summaries.values() for pair in summary.operations}
        known = self._operations
        missing = {name for name in cut.values() if name not in known}
        found = number_operations(connection, missing)
        pairs = {
            (key, found[cut[pair]] if cut[pair] in found else known[cut[pair]])
            for key, project, trace_id in stored_rows
            for pair in summaries[project, trace_id].operations
        }
        if pairs:
            rows = [{"trace": trace, "operation": operation} for trace, operation in sorted(pairs)]
            connection.execute(upsert(connection.dialect, trace_operations).on_conflict_do_nothing(), rows)
        return found


def number_operations(connection: Connection, names: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The dictionary numbers of (service, span name) pairs; what is new is added."""
    if not names:
        return {}
    rows = [{"service": service, "name": name} for service, name in sorted(names)]
    connection.execute(upsert(connection.dialect, operations).on_conflict_do_nothing(), rows)
    found: dict[tuple[str, str], int] = {}
    for start in range(0, len(rows), 250):
        pairs = [(row["service"], row["name"]) for row in rows[start : start + 250]]
        query = select(operations).where(tuple_(operations.c.service, operations.c.name).in_(pairs))
        found.update({(service, name): key for key, service, name in connection.execute(query)})
    return found


class _Stored(NamedTuple):
    runs: frozenset[str]
    operations: dict[tuple[str, str], int]


class _Delivery(NamedTuple):
    project: str
    batch: Batch
    run: str
    now_ns: int


class _Summary(NamedTuple):
    row: dict[str, Any]
    operations: set[tuple[str, str]]


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

    def run(self, project: int, chunk: TraceChunk, delivery: _Delivery) -> int | None:
        """The run of a chunk: the delivery's, which must exist, else the chunk's own, which is created when new."""
        run_id = stored(delivery.run or chunk.run)
        if not run_id:
            return None
        known = self._runs.get((project, run_id))
        if known is None:
            if not delivery.run:
                self._create(project, run_id, chunk, delivery.now_ns)
            known = self._runs[project, run_id] = run_key(self._connection, project, run_id)
        return known

    def _create(self, project: int, run_id: str, chunk: TraceChunk, now_ns: int) -> None:
        row = {
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
        self._connection.execute(upsert(self._connection.dialect, runs).values(row).on_conflict_do_nothing())


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
        "entry_ns": clamp(entry.start_ns) if entry else None,
        "error": chunk.error,
        "spans": len(chunk.span_ids),
        "start_ns": clamp(chunk.start_ns),
        "end_ns": clamp(chunk.end_ns),
        "persistent": False,
        "received_ns": now_ns,
    }


_OF_ENTRY = ("service", "operation", "route", "status", "entry_ns")


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    """Two summaries of one trace as one; the same rule as `_merged`, which has it in SQL."""
    if other["entry_ns"] is not None and (into["entry_ns"] is None or other["entry_ns"] < into["entry_ns"]):
        into.update({name: other[name] for name in _OF_ENTRY})
    into["run"] = into["run"] if into["run"] is not None else other["run"]
    into["environment"] = into["environment"] or other["environment"]
    into["test_case"] = into["test_case"] or other["test_case"]
    into["error"] = into["error"] or other["error"]
    into["spans"] += other["spans"]
    into["start_ns"] = min(into["start_ns"], other["start_ns"])
    into["end_ns"] = max(into["end_ns"], other["end_ns"])


def _merged(new: Any, dialect: str) -> dict[str, ColumnElement[Any]]:
    old = traces.c
    least, greatest = (func.least, func.greatest) if dialect == "postgresql" else (func.min, func.max)
    earlier = new.entry_ns.is_not(None) & (old.entry_ns.is_(None) | (new.entry_ns < old.entry_ns))
    return {
        **{name: case((earlier, new[name]), else_=old[name]) for name in _OF_ENTRY},
        "run": func.coalesce(old.run, new.run),
        "environment": case((old.environment == "", new.environment), else_=old.environment),
        "test_case": case((old.test_case == "", new.test_case), else_=old.test_case),
        "error": old.error | new.error if dialect == "sqlite" else old.error.op("OR")(new.error),
        "spans": old.spans + new.spans,
        "start_ns": least(old.start_ns, new.start_ns),
        "end_ns": greatest(old.end_ns, new.end_ns),
        "received_ns": greatest(old.received_ns, new.received_ns),
    }
