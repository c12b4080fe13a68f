"""Golden samples in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from gate.model.flow import FlowKey
from gate.store.sql.database import Database
from gate.store.sql.lookup import audits, no_trace, project_key, trace_bytes
from gate.store.sql.persistence import set_persistence, write_keeping
from gate.store.sql.schema import samples, stored, traces
from gate.store.sql.writes import Write, raised
from gate.store.values import NOTHING_TO_KEEP, Copied, Keeping, Sample


class SqlBaselines:
    """See `Baselines`. `beside`: spans lie in the same database."""

    def __init__(self, database: Database, *, beside: bool) -> None:
        self._database = database
        self._beside = beside

    async def samples(self, project: str) -> tuple[Sample, ...]:
        """See `Baselines.samples`."""

        def work(connection: Connection) -> tuple[Sample, ...]:
            key = project_key(connection, project)
            query = select(samples).where(samples.c.project == key).order_by(samples.c.promoted_ns.desc(), samples.c.key.desc())
            return tuple(_sample(row) for row in connection.execute(query))

        return await self._database.read(work)

    async def promote(
        self,
        project: str,
        new: Mapping[str, Sequence[Sample]],
        *,
        by: str,
        reason: str,
        now_ns: int,
        keeping: Keeping = NOTHING_TO_KEEP,
    ) -> frozenset[str]:
        """See `Baselines.promote`."""

        def work(connection: Connection, copied: Sequence[Copied]) -> frozenset[str]:
            key = project_key(connection, project)
            added = _added(key, [sample for of_trace in new.values() for sample in of_trace])
            audit = audits(key, by=by, action="promote", subjects=list(new), now_ns=now_ns, detail=reason)
            return set_persistence(
                connection, key, list(new), persistent=True, beside=self._beside, copied=copied, also=(added, audit)
            )

        return await write_keeping(self._database, work, keeping)

    async def demote(self, project: str, trace_id: str, *, by: str, now_ns: int) -> tuple[tuple[Sample, ...], bool]:
        """See `Baselines.demote`."""

        def work(connection: Connection) -> tuple[tuple[Sample, ...], bool]:
            key = project_key(connection, project)
            mine = (samples.c.project == key) & (samples.c.trace_id == trace_bytes(trace_id))
            removed = tuple(_sample(row) for row in connection.execute(select(samples).where(mine)))
            if not removed:
                known = select(traces.c.key).where(traces.c.project == key, traces.c.trace_id == trace_bytes(trace_id))
                if connection.scalar(known) is None:
                    raise no_trace(trace_id)
                return (), False
            connection.execute(delete(samples).where(mine))
            audit = audits(key, by=by, action="demote", subjects=[trace_id], now_ns=now_ns)
            behind = set_persistence(connection, key, [trace_id], persistent=False, beside=self._beside, also=[audit])
            return removed, bool(behind)

        return await self._database.write(work)


def _added(project: int, new: Sequence[Sample]) -> Write:
    """Samples that are not there yet; those that are become pinned."""
    return raised(samples, [_values(project, sample) for sample in new], "pinned", ("project", "baseline_id", "trace_id"))


def _values(project: int, sample: Sample) -> dict[str, Any]:
    return {
        "project": project,
        "baseline_id": sample.baseline_id,
        "gate": stored(sample.gate),
        "environment": stored(sample.environment),
        "test_case": stored(sample.key.test_case),
        "service": stored(sample.key.service),
        "operation": stored(sample.key.operation),
        "trace_id": trace_bytes(sample.trace_id),
        "run": stored(sample.run),
        "commit": stored(sample.commit),
        "pinned": sample.pinned,
        "promoted_ns": sample.promoted_ns,
        "promoted_by": stored(sample.promoted_by),
        "reason": stored(sample.reason),
    }


def _sample(row: Row[Any]) -> Sample:
    return Sample(
        baseline_id=row.baseline_id,
        gate=row.gate,
        environment=row.environment,
        key=FlowKey(row.test_case, row.service, row.operation),
        trace_id=row.trace_id.hex(),
        run=row.run,
        commit=row.commit,
        pinned=row.pinned,
        promoted_ns=row.promoted_ns,
        promoted_by=row.promoted_by,
        reason=row.reason,
    )
