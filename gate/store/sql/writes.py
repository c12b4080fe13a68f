"""Writes of many rows, that know what to do with a row that is there already: on PostgreSQL several of them are one statement.

Each statement of a transaction is a trip to the server, and for a few rows the trips are what it costs. PostgreSQL takes each column
as an array, so that a statement is compiled, sent and planned once for any number of rows; SQLite takes the rows one after the other."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql


class Write(NamedTuple):
    """Rows for a table. All have the same columns, and no two are the same by a unique constraint."""

    table: Table
    rows: Sequence[dict[str, Any]]
    otherwise: str = ""
    """The clause of an INSERT that says what to do with a row that is there already."""
    flag: str = ""
    """When not empty it is an UPDATE, which sets this boolean of the rows that have these values."""


def missing(table: Table, rows: Sequence[dict[str, Any]]) -> Write:
    """Insert rows; those that are there are left as they are."""
    return Write(table, rows, "ON CONFLICT DO NOTHING")


def raised(table: Table, rows: Sequence[dict[str, Any]], flag: str, identity: Sequence[str]) -> Write:
    """Insert rows; those that are there get the boolean `flag` when the new one has it. `identity`: the columns of the constraint."""
    set_flag = f"{flag} = {table.name}.{flag} OR excluded.{flag}"
    return Write(table, rows, f"ON CONFLICT ({', '.join(_quoted(identity))}) DO UPDATE SET {set_flag}")


def flagged(table: Table, rows: Sequence[dict[str, Any]], flag: str) -> Write:
    """Set the boolean `flag` of those rows that are there and have these values."""
    return Write(table, rows, flag=flag)


def write_all(connection: Connection, *writes: Write) -> None:
    """Do all of it. None of them sees what another has written."""
    wanted = [one for one in writes if one.rows]
    shapes = tuple(_Shape(one.table, tuple(one.rows[0]), one.otherwise, one.flag) for one in wanted)
    if connection.dialect.name != "postgresql":
        for one, shape in zip(wanted, shapes, strict=True):
            rows = [tuple(row[name] for name in shape.columns) for row in one.rows]
            connection.exec_driver_sql(_row_by_row(shape), rows)
    elif wanted:
        arrays = [array for one, shape in zip(wanted, shapes, strict=True) for array in as_arrays(one.rows, shape.columns)]
        connection.exec_driver_sql(_together(shapes), tuple(arrays))


def insert_of_arrays(table: Table, columns: Sequence[str], first: int = 1) -> str:
    """An INSERT for PostgreSQL of an array for each column, the parameters from number `first` on."""
    return f"{_into(table, columns)} SELECT * FROM {_arrays(table, columns, first)}"  # noqa: S608 names of the schema


def as_arrays(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """The parameters of such an INSERT."""
    return [[row[name] for row in rows] for name in columns]


class _Shape(NamedTuple):
    """What the text of a write depends on."""

    table: Table
    columns: tuple[str, ...]
    otherwise: str
    flag: str


@lru_cache(maxsize=64)
def _together(shapes: tuple[_Shape, ...]) -> str:
    written: list[str] = []
    first = 1
    for shape in shapes:
        written.append(_of_arrays(shape, first))
        first += len(shape.columns)
    *others, last = written
    named = ", ".join(f"written_{number} AS ({statement})" for number, statement in enumerate(others))
    return f"WITH {named} {last}" if named else last


def _of_arrays(shape: _Shape, first: int) -> str:
    table, columns, otherwise, flag = shape
    if not flag:
        return f"{insert_of_arrays(table, columns, first)} {otherwise}"
    names = _quoted(columns)
    same = " AND ".join(f"{table.name}.{name} = given.{name}" for name in names)
    given = f"{_arrays(table, columns, first)} AS given ({', '.join(names)})"
    return f"UPDATE {table.name} SET {flag} = true FROM {given} WHERE {same}"  # noqa: S608 likewise


@lru_cache(maxsize=64)
def _row_by_row(shape: _Shape) -> str:
    table, columns, otherwise, flag = shape
    if flag:
        same = " AND ".join(f"{name} = ?" for name in _quoted(columns))
        return f"UPDATE {table.name} SET {flag} = true WHERE {same}"  # noqa: S608 likewise
    return f"{_into(table, columns)} VALUES ({', '.join('?' * len(columns))}) {otherwise}"


_POSTGRESQL: Dialect = postgresql.dialect()


def _arrays(table: Table, columns: Sequence[str], first: int) -> str:
    types = [table.c[name].type.compile(_POSTGRESQL) for name in columns]
    return f"unnest({', '.join(f'${place}::{type_}[]' for place, type_ in enumerate(types, first))})"


def _into(table: Table, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(_quoted(columns))})"


def _quoted(names: Sequence[str]) -> list[str]:
    return [_POSTGRESQL.identifier_preparer.quote_identifier(name) for name in names]
