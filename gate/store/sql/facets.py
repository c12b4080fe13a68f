"""What a search can ask for: the values that the newest traces of a project have."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, select

from gate.errors import BadRequest
from gate.store.sql.schema import runs, traces
from gate.store.sql.words import names_in

_OF_TRACE = {
    "route": traces.c.route,
    "status": cast(traces.c.status, String),
    "test_case": traces.c.test_case,
    "environment": traces.c.environment,
}
_OF_RUN = {"run": runs.c.id, "commit": runs.c.commit, "branch": runs.c.branch}


def facet_values(connection: Connection, project: int, facet: str, *, text: str, newest: int) -> dict[str, int]:
    """Value → how many of the newest traces have it. Raises BadRequest for a facet that is none."""
    recent = (
        select(traces.c.key, traces.c.run, traces.c.words)
        .where(traces.c.project == project)
        .order_by(traces.c.start_ns.desc(), traces.c.key.desc())
        .limit(newest)
        .subquery()
    )
    if facet in ("service", "operation"):
        found = names_in(connection, connection.scalars(select(recent.c.words)), of=facet)
    elif facet in _OF_TRACE:
        found = _counted(connection, _OF_TRACE[facet], select().join_from(recent, traces, traces.c.key == recent.c.key))
    elif facet in _OF_RUN:
        found = _counted(connection, _OF_RUN[facet], select().join_from(recent, runs, runs.c.key == recent.c.run))
    else:
        raise BadRequest(f"There is no facet {facet[:80]!r}.", hint="The API's description lists them.")
    wanted = text.casefold()
    return {value: count for value, count in found.items() if value not in ("", "0") and wanted in value.casefold()}


def _counted(connection: Connection, column: ColumnElement[Any], source: Select[Any]) -> dict[str, int]:
    query = source.with_only_columns(column, func.count(), maintain_column_froms=True).group_by(column)
    return dict(connection.execute(query).tuples().all())
