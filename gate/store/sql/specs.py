"""Specs that the server keeps, in SQL, each with the last result of every environment."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from gate.errors import Conflict, NotFound
from gate.service import SavedSpec, SpecOutcome
from gate.spec import Check
from gate.spec.spec import Value
from gate.store.sql.database import Database
from gate.store.sql.lookup import project_key, trace_bytes, upsert, write_audit
from gate.store.sql.schema import indexed, spec_results, specs, stored
from gate.store.times import to_text

_Environments = dict[str, dict[str, Value]]


class SqlSpecs:
    """See `Specs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, project: str, spec_id: str, name: str, text: str, *, by: str, now_ns: int) -> SavedSpec:
        """See `Specs.add`."""

        def work(connection: Connection) -> SavedSpec:
            key = project_key(connection, project)
            values = {"name": stored(name), "text": stored(text), "version": 1, "environments": b"{}"}
            connection.execute(specs.insert().values(project=key, id=spec_id, **values, changed_ns=now_ns, changed_by=stored(by)))
            write_audit(connection, key, by=by, action="spec created", subject=spec_id, now_ns=now_ns, detail=name)
            return _spec(connection, _row(connection, key, spec_id))

        return await self._database.write(work)

    async def all(self, project: str) -> tuple[SavedSpec, ...]:
        """See `Specs.all`."""

        def work(connection: Connection) -> tuple[SavedSpec, ...]:
            key = project_key(connection, project)
            rows = connection.execute(select(specs).where(specs.c.project == key).order_by(specs.c.name, specs.c.key)).all()
            return tuple(_spec(connection, row) for row in rows)

        return await self._database.read(work)

    async def one(self, project: str, spec_id: str) -> SavedSpec:
        """See `Specs.one`."""

        def work(connection: Connection) -> SavedSpec:
            return _spec(connection, _row(connection, project_key(connection, project), spec_id))

        return await self._database.read(work)

    async def change(
        self,
        project: str,
        spec_id: str,
        *,
        version: int,
        name: str,
        text: str,
        environments: Mapping[str, Mapping[str, Value]],
        by: str,
        now_ns: int,
    ) -> SavedSpec:
        """See `Specs.change`."""

        def work(connection: Connection) -> SavedSpec:
            key = project_key(connection, project)
            row = _row(connection, key, spec_id)
            mine = (specs.c.key == row.key) & (specs.c.version == version)
            values = {
                "name": stored(name),
                "text": stored(text),
                "environments": msgspec.json.encode(environments),
                "version": version + 1,
                "changed_ns": now_ns,
                "changed_by": stored(by),
            }
            # The condition decides between two people who save at once.
            if not connection.execute(update(specs).where(mine).values(values)).rowcount:
                row = _row(connection, key, spec_id)
                raise Conflict(
                    f"{row.changed_by or 'Somebody'} saved this spec at {to_text(row.changed_ns)}, after you opened it. "
                    "Nothing of yours was written.",
                    hint="Copy your text, open the spec again, and put in what is still missing.",
                )
            write_audit(connection, key, by=by, action="spec changed", subject=spec_id, now_ns=now_ns, detail=name)
            return _spec(connection, _row(connection, key, spec_id))

        return await self._database.write(work)

    async def delete(self, project: str, spec_id: str, *, by: str, now_ns: int) -> None:
        """See `Specs.delete`."""

        def work(connection: Connection) -> None:
            key = project_key(connection, project)
            row = _row(connection, key, spec_id)
            connection.execute(delete(spec_results).where(spec_results.c.spec == row.key))
            connection.execute(delete(specs).where(specs.c.key == row.key))
            write_audit(connection, key, by=by, action="spec deleted", subject=spec_id, now_ns=now_ns, detail=row.name)

        await self._database.write(work)

    async def save_result(self, project: str, spec_id: str, outcome: SpecOutcome, *, now_ns: int) -> None:
        """See `Specs.save_result`."""

        def work(connection: Connection) -> None:
            row = _row(connection, project_key(connection, project), spec_id)
            values = {
                "version": outcome.version,
                "trace_id": trace_bytes(outcome.trace_id),
                "at_ns": now_ns,
                "by": stored(outcome.by),
                "checks": msgspec.json.encode(outcome.checks),
            }
            statement = upsert(connection.dialect, spec_results).values(
                spec=row.key, environment=indexed(outcome.environment), **values
            )
            connection.execute(statement.on_conflict_do_update(index_elements=["spec", "environment"], set_=values))

        await self._database.write(work)


def _row(connection: Connection, project: int, spec_id: str) -> Row[Any]:
    row = connection.execute(select(specs).where(specs.c.project == project, specs.c.id == stored(spec_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no spec {spec_id[:80]!r} in this project.", hint="GET /api/v1/specs lists them.")
    return row


def _spec(connection: Connection, row: Row[Any]) -> SavedSpec:
    results = connection.execute(
        select(spec_results).where(spec_results.c.spec == row.key).order_by(spec_results.c.environment)
    ).all()
    return SavedSpec(
        id=row.id,
        name=row.name,
        text=row.text,
        version=row.version,
        environments=msgspec.json.decode(row.environments, type=_Environments),
        changed_at=to_text(row.changed_ns),
        changed_by=row.changed_by,
        results=tuple(
            SpecOutcome(
                each.environment,
                each.trace_id.hex(),
                msgspec.json.decode(each.checks, type=tuple[Check, ...]),
                each.version,
                to_text(each.at_ns),
                each.by,
            )
            for each in results
        ),
    )
