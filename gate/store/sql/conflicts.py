"""Inserts that know what to do with a row that is there already, compiled once for each engine.

SQLAlchemy caches other statements, but compiles an INSERT with ON CONFLICT anew each time: ten times what it then takes to run."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table, or_
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.sql.compiler import SQLCompiler

from gate.store.sql.lookup import upsert


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those that a unique constraint has already are left as they are. All have the same columns."""
    if rows:
        _run(connection, _missing(connection.dialect, table, tuple(rows[0])), rows)


def insert_raised(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], flag: str, identity: Sequence[str]
) -> None:
    """Likewise, but a row that is there gets the boolean `flag` when the new one has it. `identity`: the columns of the constraint."""
    if rows:
        _run(connection, _raised(connection.dialect, table, tuple(rows[0]), flag, tuple(identity)), rows)


class _Compiled(NamedTuple):
    sql: str
    columns: tuple[str, ...]
    """In the order of the parameters."""


def _run(connection: Connection, statement: _Compiled, rows: Sequence[dict[str, Any]]) -> None:
    connection.exec_driver_sql(statement.sql, [tuple(row[column] for column in statement.columns) for row in rows])


@lru_cache(maxsize=64)
def _missing(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> _Compiled:
    return _compiled(upsert(dialect, table).on_conflict_do_nothing(), dialect, columns)


@lru_cache(maxsize=64)
def _raised(dialect: Dialect, table: Table, columns: tuple[str, ...], flag: str, identity: tuple[str, ...]) -> _Compiled:
    statement = upsert(dialect, table)
    raised = {flag: or_(table.c[flag], statement.excluded[flag])}
    return _compiled(statement.on_conflict_do_update(index_elements=identity, set_=raised), dialect, columns)


def _compiled(statement: PostgresInsert | SqliteInsert, dialect: Dialect, columns: tuple[str, ...]) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)
    return _Compiled(compiled.string, tuple(compiled.positiontup or ()))
