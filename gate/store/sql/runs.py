"""Runs and verdicts in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from gate.errors import BadRequest, Conflict
from gate.model.run import Run, RunState
from gate.model.verdict import Conclusion
from gate.store.sql.database import Database
from gate.store.sql.lookup import next_revision, no_run, project_key, run_key, upsert, write_audit
from gate.store.sql.schema import projects, runs, stored, traces, verdicts
from gate.store.times import to_text
from gate.store.values import Activity, RunTrace, StoredVerdict, Unjudged

_TEXTS = ("environment", "gate", "commit", "branch", "base_commit", "base_branch", "repository", "url")


class SqlRuns:
    """See `Runs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, run: Run, *, now_ns: int) -> Run:
        """See `Runs.create`."""

        def work(connection: Connection) -> Run:
            project = project_key(connection, run.project)
            values = {
                "project": project,
                "id": stored(run.id),
                **{name: stored(getattr(run, name)) for name in _TEXTS},
                "pull_request": run.pull_request,
                "attempt": run.attempt,
                "state": RunState.OPEN.value,
                "created_ns": now_ns,
            }
            statement = upsert(connection.dialect, runs).values(values).on_conflict_do_nothing().returning(runs)
            row = connection.execute(statement).one_or_none()
            return _run(run.project, row if row is not None else _filled_in(connection, project, values))

        return await self._database.write(work)

    async def one(self, project: str, run_id: str) -> Run:
        """See `Runs.one`."""

        def work(connection: Connection) -> Run:
            return _run(project, _row(connection, project_key(connection, project), run_id))

        return await self._database.read(work)

    async def page(self, project: str, *, branch: str, limit: int, after: str) -> tuple[tuple[Run, ...], str]:
        """See `Runs.page`."""
        limit = min(max(limit, 1), 1000)
        if after and not (after.isascii() and after.isdigit() and len(after) < 19):
            raise BadRequest(f"{after[:80]!r} is not a cursor.", hint="Use the `next` of the last page as it is, or none.")

        def work(connection: Connection) -> tuple[tuple[Run, ...], str]:
            query = select(runs).where(runs.c.project == project_key(connection, project)).order_by(runs.c.key.desc())
            if branch:
                query = query.where(runs.c.branch == stored(branch))
            if after:
                query = query.where(runs.c.key < int(after))
            rows = connection.execute(query.limit(limit + 1)).all()
            following = str(rows[limit - 1].key) if len(rows) > limit else ""
            return tuple(_run(project, row) for row in rows[:limit]), following

        return await self._database.read(work)

    async def is_first(self, project: str, run_id: str) -> bool:
        """See `Runs.is_first`."""

        def work(connection: Connection) -> bool:
            row = _row(connection, project_key(connection, project), run_id)
            earlier = select(runs.c.key).where(runs.c.project == row.project, runs.c.gate == row.gate, runs.c.key < row.key)
            return connection.execute(earlier.limit(1)).one_or_none() is None

        return await self._database.read(work)

    async def finish(self, project: str, run_id: str, *, expect_traces: int, now_ns: int) -> tuple[Run, bool]:
        """See `Runs.finish`."""

        def work(connection: Connection) -> tuple[Run, bool]:
            key = run_key(connection, project_key(connection, project), run_id)
            # The condition decides between two finishers, also of two servers on one database.
            first = connection.execute(
                update(runs)
                .where(runs.c.key == key, runs.c.state == RunState.OPEN.value)
                .values(state=RunState.FINISHED.value, finished_ns=now_ns, expect_traces=expect_traces)
            ).rowcount
            return _run(project, connection.execute(select(runs).where(runs.c.key == key)).one()), bool(first)

        return await self._database.write(work)

    async def expected(self, project: str, run_id: str) -> tuple[int, int]:
        """See `Runs.expected`."""

        def work(connection: Connection) -> tuple[int, int]:
            row = _row(connection, project_key(connection, project), run_id)
            return row.expect_traces, row.finished_ns

        return await self._database.read(work)

    async def activity(self, project: str, run_id: str) -> Activity:
        """See `Runs.activity`."""

        def work(connection: Connection) -> Activity:
            run = _row(connection, project_key(connection, project), run_id)
            query = select(
                func.count(), func.coalesce(func.sum(traces.c.spans), 0), func.coalesce(func.max(traces.c.received_ns), 0)
            )
            return Activity(*connection.execute(query.where(traces.c.run == run.key)).one(), revision=run.revision)

        return await self._database.read(work)

    async def traces(self, project: str, run_id: str) -> tuple[RunTrace, ...]:
        """See `Runs.traces`."""

        def work(connection: Connection) -> tuple[RunTrace, ...]:
            key = run_key(connection, project_key(connection, project), run_id)
            query = select(traces.c.trace_id, traces.c.spans).where(traces.c.run == key).order_by(traces.c.key)
            return tuple(RunTrace(trace_id.hex(), spans) for trace_id, spans in connection.execute(query))

        return await self._database.read(work)

    async def save_verdict(self, project: str, run_id: str, verdict: StoredVerdict, *, conclusion: str, now_ns: int) -> None:
        """See `Runs.save_verdict`."""

        def work(connection: Connection) -> None:
            key = run_key(connection, project_key(connection, project), run_id)
            values: dict[str, Any] = {
                "conclusion": conclusion,
                "traces": verdict.activity.traces,
                "spans": verdict.activity.spans,
                "last_ns": verdict.activity.last_ns,
                "verdict": verdict.verdict,
                "comparisons": verdict.comparisons,
                "revision": verdict.activity.revision,
            }
            statement = upsert(connection.dialect, verdicts).values(run=key, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["run"], set_=values))
            connection.execute(update(runs).where(runs.c.key == key).values(judged_ns=now_ns))

        await self._database.write(work)

    async def verdict(self, project: str, run_id: str) -> StoredVerdict | None:
        """See `Runs.verdict`."""

        def work(connection: Connection) -> StoredVerdict | None:
            key = run_key(connection, project_key(connection, project), run_id)
            row = connection.execute(select(verdicts).where(verdicts.c.run == key)).one_or_none()
            if row is None:
                return None
            return StoredVerdict(Activity(row.traces, row.spans, row.last_ns, row.revision), row.verdict, row.comparisons)

        return await self._database.read(work)

    async def conclusions(self, project: str, run_ids: Sequence[str]) -> dict[str, Conclusion]:
        """See `Runs.conclusions`."""

        def work(connection: Connection) -> dict[str, Conclusion]:
            key = project_key(connection, project)
            wanted = [stored(run_id) for run_id in run_ids]
            query = select(runs.c.id, verdicts.c.conclusion).join(verdicts, verdicts.c.run == runs.c.key)
            rows = connection.execute(query.where(runs.c.project == key, runs.c.id.in_(wanted)))
            return {run_id: Conclusion(conclusion) for run_id, conclusion in rows}

        return await self._database.read(work)

    async def make_stale(self, project: str, run_id: str, *, by: str, now_ns: int) -> None:
        """See `Runs.make_stale`."""

        def work(connection: Connection) -> None:
            owner = project_key(connection, project)
            key = run_key(connection, owner, run_id)
            if connection.scalar(select(verdicts.c.run).where(verdicts.c.run == key)) is None:
                raise Conflict(f"Run {run_id!r} has no verdict yet, so there is nothing to judge again.")
            connection.execute(next_revision(runs.c.key == key))
            write_audit(connection, owner, by=by, action="judge again", subject=run_id, now_ns=now_ns, run=run_id)

        await self._database.write(work)

    async def unjudged(self) -> tuple[Unjudged, ...]:
        """See `Runs.unjudged`."""
        query = (
            select(projects.c.name, runs.c.id)
            .join(projects, projects.c.key == runs.c.project)
            .where(runs.c.finished_ns > 0, runs.c.judged_ns == 0)
            .order_by(runs.c.key)
        )
        return await self._database.read(lambda connection: tuple(Unjudged(*row) for row in connection.execute(query)))


def _row(connection: Connection, project: int, run_id: str) -> Row[Any]:
    row = connection.execute(select(runs).where(runs.c.project == project, runs.c.id == stored(run_id))).one_or_none()
    if row is None:
        raise no_run(run_id)
    return row


def _filled_in(connection: Connection, project: int, values: dict[str, Any]) -> Row[Any]:
    """The existing run with what it did not know yet: it may have been made by the first span that named it."""
    row = _row(connection, project, values["id"])
    for name in ("commit", "environment"):
        if getattr(row, name) and values[name] and getattr(row, name) != values[name]:
            raise Conflict(
                f"Run {row.id!r} exists with {name} {getattr(row, name)!r}, not {values[name]!r}.",
                hint="Give each run of each commit and environment an id of its own, or none.",
            )
    unknown = {name: values[name] for name in (*_TEXTS, "pull_request") if not getattr(row, name) and values[name]}
    if unknown:
        connection.execute(update(runs).where(runs.c.key == row.key).values(unknown))
    return _row(connection, project, values["id"])


def _run(project: str, row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        project=project,
        **{name: getattr(row, name) for name in _TEXTS},
        pull_request=row.pull_request,
        attempt=row.attempt,
        state=RunState(row.state),
        created_at=to_text(row.created_ns),
        finished_at=to_text(row.finished_ns),
    )
