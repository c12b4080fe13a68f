"""Trace summaries in SQL: one, search, persistence, retention."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select

from gate.errors import Conflict
from gate.service import TraceQuery, TraceSummary
from gate.store.sql.database import Database
from gate.store.sql.facets import facet_values
from gate.store.sql.lookup import audits, by_project, delete_older, no_trace, project_key, trace_bytes
from gate.store.sql.persistence import set_persistence, work_row, write_keeping
from gate.store.sql.schema import chunks, manifest, outbox, runs, samples, traces
from gate.store.sql.search import cursor_of, page_query
from gate.store.sql.words import services_of
from gate.store.times import to_text
from gate.store.values import NOTHING_TO_KEEP, Candidates, Copied, Keeping, Origin, Pruned

_ORIGIN = (
    select(runs.c.id, runs.c.gate, runs.c.environment, runs.c.commit, traces.c.environment)
    .select_from(traces.outerjoin(runs, runs.c.key == traces.c.run))
    .where(traces.c.project == bindparam("owner"), traces.c.trace_id == bindparam("id"))
)


class SqlTraces:
    """See `Traces`. `beside`: spans lie in the same database."""

    def __init__(self, database: Database, *, beside: bool) -> None:
        self._database = database
        self._beside = beside

    async def one(self, project: str, trace_id: str) -> TraceSummary:
        """See `Traces.one`."""
        found = await self._read(project, [trace_bytes(trace_id)])
        if not found:
            raise no_trace(trace_id)
        return found[trace_id]

    async def origin(self, project: str, trace_id: str) -> Origin:
        """See `Traces.origin`."""

        def work(connection: Connection) -> Origin:
            mine = {"owner": project_key(connection, project), "id": trace_bytes(trace_id)}
            row = connection.execute(_ORIGIN, mine).one_or_none()
            if row is None:
                raise no_trace(trace_id)
            run, gate, environment, commit, said = row
            return Origin("", "", said, "") if run is None else Origin(run, gate, environment, commit)

        return await self._database.read(work, single=True)

    async def several(self, project: str, trace_ids: Sequence[str]) -> tuple[TraceSummary, ...]:
        """See `Traces.several`."""
        found = await self._read(project, [trace_bytes(trace_id) for trace_id in trace_ids])
        return tuple(found[trace_id] for trace_id in trace_ids if trace_id in found)

    async def page(self, project: str, query: TraceQuery, *, among: Sequence[str] | None = None) -> Candidates:
        """See `Traces.page`."""

        def work(connection: Connection) -> Candidates:
            key = project_key(connection, project)
            wanted = page_query(connection, key, query).limit(query.limit + 1)
            if among is not None:
                wanted = wanted.where(traces.c.trace_id.in_([trace_bytes(trace_id) for trace_id in among]))
            rows = connection.execute(wanted).all()
            shown = rows[: query.limit]
            cursors = tuple(cursor_of(row.start_ns, row.key) for row in shown)
            return Candidates(tuple(row.trace_id.hex() for row in shown), cursors, len(rows) > query.limit)

        return await self._database.read(work)

    async def values(self, project: str, facet: str, *, text: str, newest: int) -> dict[str, int]:
        """See `Traces.values`."""

        def work(connection: Connection) -> dict[str, int]:
            return facet_values(connection, project_key(connection, project), facet, text=text, newest=newest)

        return await self._database.read(work)

    async def set_persistent(
        self, project: str, trace_id: str, *, persistent: bool, by: str, now_ns: int, keeping: Keeping = NOTHING_TO_KEEP
    ) -> bool:
        """See `Traces.set_persistent`."""

        def work(connection: Connection, copied: Sequence[Copied]) -> bool:
            key = project_key(connection, project)
            if not persistent and is_sample(connection, key, trace_bytes(trace_id)):
                raise Conflict(f"Trace {trace_id} is a golden sample: it must stay.", hint="Demote it first.")
            action = "persist" if persistent else "unpersist"
            audit = audits(key, by=by, action=action, subjects=[trace_id], now_ns=now_ns)
            behind = set_persistence(
                connection, key, [trace_id], persistent=persistent, beside=self._beside, copied=copied, also=[audit]
            )
            return bool(behind)

        return await write_keeping(self._database, work, keeping)

    async def prune(self, project: str, *, before_ns: int, limit: int) -> Pruned:
        """See `Traces.prune`."""

        def work(connection: Connection) -> Pruned:
            key = project_key(connection, project)
            old = connection.execute(
                select(traces.c.key, traces.c.trace_id, traces.c.spans)
                .where(traces.c.project == key, traces.c.received_ns < before_ns, ~traces.c.persistent)
                .order_by(traces.c.key)
                .limit(limit)
                .with_for_update(skip_locked=True)  # one that receives spans at the moment is not old any more
            ).all()
            if old:
                connection.execute(delete(traces).where(traces.c.key.in_([row.key for row in old])))
                # With the record, so that what is delivered again is new, and not taken for what is about to be deleted.
                trace_ids = [row.trace_id for row in old]
                delete_older(connection, chunks if self._beside else manifest, key, trace_ids, before_ns=before_ns)
                if not self._beside:
                    connection.execute(insert(outbox), [work_row(key, one, "delete", before_ns) for one in trace_ids])
            return Pruned(len(old), sum(row.spans for row in old))

        return await self._database.write(work)

    async def prunable(self, project: str, *, before_ns: int) -> tuple[Pruned, int]:
        """See `Traces.prunable`."""

        def work(connection: Connection) -> tuple[Pruned, int]:
            old = (traces.c.project == project_key(connection, project)) & (traces.c.received_ns < before_ns)
            # All that is old in one pass, for there is no index of arrival; what is persistent of it by its own, small index.
            sums = select(func.count(), func.coalesce(func.sum(traces.c.spans), 0))
            count, spans = connection.execute(sums.where(old)).one()
            kept, kept_spans = connection.execute(sums.where(old, traces.c.persistent)).one()
            return Pruned(count - kept, int(spans - kept_spans)), kept

        return await self._database.read(work)

    async def prune_runs(self, project: str, *, before_ns: int, dry_run: bool) -> int:
        """See `Traces.prune_runs`."""

        def work(connection: Connection) -> int:
            key = project_key(connection, project)
            stays = traces.c.run == runs.c.key
            if dry_run:
                stays = stays & ((traces.c.received_ns >= before_ns) | traces.c.persistent)
            unused = (
                (runs.c.project == key)
                & (runs.c.created_ns < before_ns)
                & (runs.c.finished_ns < before_ns)
                & ~exists().where(stays)
                & ~exists().where(samples.c.project == key, samples.c.run == runs.c.id)
            )
            if dry_run:
                return connection.scalar(select(func.count()).select_from(runs).where(unused)) or 0
            return connection.execute(delete(runs).where(unused)).rowcount

        return await (self._database.read(work) if dry_run else self._database.write(work))

    async def _read(self, project: str, trace_ids: list[bytes]) -> dict[str, TraceSummary]:
        def work(connection: Connection) -> dict[str, TraceSummary]:
            key = project_key(connection, project)
            query = select(traces, runs.c.id.label("run_id")).outerjoin(runs, runs.c.key == traces.c.run)
            found: dict[str, TraceSummary] = {}
            for _, part in by_project((key, trace_id) for trace_id in trace_ids):
                rows = connection.execute(query.where(traces.c.project == key, traces.c.trace_id.in_(part))).all()
                found.update({summary.trace_id: summary for summary in _summaries(connection, project, key, rows)})
            return found

        return await self._database.read(work)


def is_sample(connection: Connection, project: int, trace_id: bytes) -> bool:
    """Whether the trace is a golden sample of any flow."""
    query = select(samples.c.key).where(samples.c.project == project, samples.c.trace_id == trace_id).limit(1)
    return connection.scalar(query) is not None


def _summaries(connection: Connection, project: str, project_key: int, rows: Sequence[Row[Any]]) -> list[TraceSummary]:
    ids = [row.trace_id for row in rows]
    golden, behind = (
        set(connection.scalars(select(table.c.trace_id).where(table.c.project == project_key, table.c.trace_id.in_(ids))))
        for table in (samples, outbox)
    )
    return [
        TraceSummary(
            trace_id=row.trace_id.hex(),
            project=project,
            run=row.run_id or "",
            environment=row.environment,
            test_case=row.test_case,
            service=row.service,
            operation=row.operation,
            route=row.route,
            status=row.status,
            error=row.error,
            spans=row.spans,
            start_ns=row.start_ns,
            duration_ns=max(row.end_ns - row.start_ns, 0),
            services=services,
            persistent=row.persistent,
            baseline=row.trace_id in golden,
            received_at=to_text(row.received_ns),
            state="pending" if row.trace_id in behind else "done",
        )
        for row, services in zip(rows, services_of(connection, [row.words for row in rows]), strict=True)
    ]
