"""Statements about the rows of named traces, made once: to make a statement and its cache key costs more than to run it."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Executable, Table, bindparam

Condition = Callable[[Table], ColumnElement[bool]]
"""That a row of the table is of one of the traces."""


class OfTraces:
    """A statement that `make` makes with a condition. There are two of it, for to name many traces costs one trace as much again."""

    def __init__(self, make: Callable[[Condition], Executable]) -> None:
        self._one = make(_of_one)
        self._many = make(_of_many)

    def run(self, connection: Connection, project: int, trace_ids: Sequence[bytes], **values: Any) -> CursorResult[Any]:
        """For these traces (one part of `by_project`) of the project with this key, and the values of other parameters."""
        if len(trace_ids) == 1:
            return connection.execute(self._one, {"owner": project, "id": trace_ids[0], **values})
        return connection.execute(self._many, {"owner": project, "ids": trace_ids, **values})


def _of_one(table: Table) -> ColumnElement[bool]:
    return (table.c.project == bindparam("owner")) & (table.c.trace_id == bindparam("id"))


def _of_many(table: Table) -> ColumnElement[bool]:
    return (table.c.project == bindparam("owner")) & table.c.trace_id.in_(bindparam("ids", expanding=True))
