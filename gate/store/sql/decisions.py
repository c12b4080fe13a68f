"""What people decided about fingerprints, in SQL: one yes or no each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from gate.errors import Conflict
from gate.model.verdict import Approval, Rejection
from gate.store.sql.database import Database
from gate.store.sql.lookup import next_revision, project_key, upsert, write_audit
from gate.store.sql.schema import approvals, runs, stored
from gate.store.times import to_text
from gate.store.values import Decision

_WORDS = {False: "approved", True: "rejected"}


class SqlDecisions:
    """See `Decisions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(
        self,
        project: str,
        run_id: str,
        decision: Decision,
        fingerprints: Sequence[str],
        *,
        by: str,
        reason: str,
        replace: bool,
        now_ns: int,
    ) -> tuple[str, ...]:
        """See `Decisions.decide`."""

        def work(connection: Connection) -> tuple[str, ...]:
            key = project_key(connection, project)
            values = {
                "project": key,
                "run": stored(run_id),
                "approved_by": stored(by),
                "reason": stored(reason),
                "approved_ns": now_ns,
                "rejected": decision == "reject",
            }
            decided: list[str] = []
            # In one order everywhere: two people at once wait, and never for each other.
            for fingerprint in sorted(set(fingerprints)):
                row_values = {**values, "fingerprint": fingerprint}
                done = _withdraw(connection, row_values) if decision == "withdraw" else _decide(connection, row_values, replace)
                if done:
                    decided.append(fingerprint)
                    write_audit(
                        connection, key, by=by, action=decision, subject=fingerprint, now_ns=now_ns, detail=reason, run=run_id
                    )
            if decided:
                connection.execute(next_revision((runs.c.project == key) & (runs.c.id == stored(run_id))))
            return tuple(decided)

        return await self._database.write(work)

    async def approvals(self, project: str) -> dict[str, Approval]:
        """See `Decisions.approvals`."""
        rows = await self._rows(project, rejected=False)
        return {row.fingerprint: Approval(row.fingerprint, row.approved_by, row.reason, to_text(row.approved_ns)) for row in rows}

    async def rejections(self, project: str) -> dict[str, Rejection]:
        """See `Decisions.rejections`."""
        rows = await self._rows(project, rejected=True)
        return {
            row.fingerprint: Rejection(row.fingerprint, row.approved_by, row.reason, to_text(row.approved_ns)) for row in rows
        }

    async def _rows(self, project: str, *, rejected: bool) -> Sequence[Row[Any]]:
        def work(connection: Connection) -> Sequence[Row[Any]]:
            key = project_key(connection, project)
            return connection.execute(
                select(approvals).where(approvals.c.project == key, approvals.c.rejected.is_(rejected))
            ).all()

        return await self._database.read(work)


def _decide(connection: Connection, values: dict[str, Any], replace: bool) -> bool:
    """Whether this changed anything. Raises Conflict when somebody decided otherwise and that is not to be replaced."""
    if connection.execute(upsert(connection.dialect, approvals).values(values).on_conflict_do_nothing()).rowcount:
        return True
    known = connection.execute(select(approvals).where(_one(values)).with_for_update()).one_or_none()
    if known is None:  # withdrawn in between
        return _decide(connection, values, replace)
    if known.rejected == values["rejected"]:
        return False
    if not replace:
        what, by = _WORDS[known.rejected], known.approved_by or "Somebody"
        because = f", saying {known.reason[:200]!r}" if known.reason else ""
        raise Conflict(
            f"{by} has {what} {values['fingerprint']} at {to_text(known.approved_ns)}{because}. Nothing was changed.",
            hint="Look at it again; decide with `replace` if you know better.",
        )
    connection.execute(update(approvals).where(_one(values)).values(values))
    return True


def _withdraw(connection: Connection, values: dict[str, Any]) -> bool:
    return bool(connection.execute(delete(approvals).where(_one(values))).rowcount)


def _one(values: dict[str, Any]) -> Any:
    return (approvals.c.project == values["project"]) & (approvals.c.fingerprint == values["fingerprint"])
