"""Many rows in one statement: PostgreSQL takes each column as an array, SQLite the rows one after the other.

A statement with a parameter for each value of each row is compiled, sent and planned anew for each number of rows.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, LargeBinary, Table, any_, insert, literal, select

from gate.store.sql.lookup import by_project
from gate.store.sql.writes import as_arrays, insert_of_arrays

Identity = tuple[Any, ...]


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *identity: str) -> frozenset[Identity]:
    """Insert the rows that are not there yet; returns the identities of those that were new.

    `identity` names the columns that no two rows share: `project` and `trace_id` first, then others. It has a unique constraint,
    and no two of `rows` are the same by it. All rows have the same columns."""
    # Every writer in the same order: two that wait for each other would be a deadlock.
    ordered = sorted(rows, key=lambda row: (row["project"], row["trace_id"]))
    if not ordered:
        return frozenset()
    if connection.dialect.name == "postgresql":
        names = tuple(ordered[0])
        arrays = tuple(as_arrays(ordered, names))
        return frozenset(map(tuple, connection.exec_driver_sql(_statement(table, names, identity), arrays)))
    known: set[Identity] = set()
    for project, trace_ids in by_project((row["project"], row["trace_id"]) for row in ordered):
        query = select(*(table.c[name] for name in identity))
        known.update(map(tuple, connection.execute(query.where(table.c.project == project, table.c.trace_id.in_(trace_ids)))))
    new = {of: row for row in ordered if (of := tuple(row[name] for name in identity)) not in known}
    if new:
        connection.execute(insert(table), list(new.values()))
    return frozenset(new)


def among(connection: Connection, column: Column[bytes], values: Collection[bytes]) -> ColumnElement[bool]:
    """The condition that a column of bytes has one of the values."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(LargeBinary)))
    return column.in_(values)


@lru_cache
def _statement(table: Table, names: tuple[str, ...], identity: tuple[str, ...]) -> str:
    returning = ", ".join(identity)
    return f"{insert_of_arrays(table, names)} ON CONFLICT ({returning}) DO NOTHING RETURNING {returning}"
