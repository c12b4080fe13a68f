"""Everything on one SQL database."""

from pathlib import Path

from sqlalchemy import Connection, func, select

from gate.errors import GateError
from gate.service import Stats
from gate.store.migrations import migrate
from gate.store.sql.baselines import SqlBaselines
from gate.store.sql.database import Database
from gate.store.sql.intake import SqlIntake
from gate.store.sql.outbox import SqlOutbox
from gate.store.sql.postgres import PostgresDatabase
from gate.store.sql.projects import SqlProjects, SqlTokens
from gate.store.sql.runs import SqlRuns
from gate.store.sql.schema import operations, runs, samples, traces
from gate.store.sql.spans import SqlSpans
from gate.store.sql.sqlite import SqliteDatabase, give_back_pages
from gate.store.sql.traces import SqlTraces
from gate.store.sql.words import shrink

_PAGES = 10_000
"""Free pages given back at once at most, so that the writer is not kept from its work."""
_DICTIONARY = 100_000
"""Operations in the dictionary above which unused ones are looked for: only hostile or careless span names lead there."""


class SqlStores:
    """See `Stores`; open with `open_sqlite`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.projects = SqlProjects(database)
        self.tokens = SqlTokens(database)
        self.runs = SqlRuns(database)
        self.traces = SqlTraces(database)
        self.baselines = SqlBaselines(database)
        self.outbox = SqlOutbox(database)
        self.spans = SqlSpans(database)
        self.intake = SqlIntake(database)

    async def stats(self) -> Stats:
        """See `Stores.stats`."""

        def work(connection: Connection) -> Stats:
            spans, count = connection.execute(
                select(func.coalesce(func.sum(traces.c.spans), 0), func.count()).select_from(traces)
            ).one()
            baselines = connection.scalar(select(func.count(func.distinct(samples.c.baseline_id))))
            return Stats(spans, count, connection.scalar(select(func.count()).select_from(runs)) or 0, baselines or 0)

        return await self.database.read(work)

    async def tidy(self) -> None:
        """See `Stores.tidy`."""

        def work(connection: Connection) -> None:
            size = connection.scalar(select(func.count()).select_from(operations)) or 0
            if size > _DICTIONARY:
                shrink(connection)
            if connection.dialect.name == "sqlite":
                give_back_pages(connection, _PAGES)

        await self.database.write(work)

    async def check(self) -> dict[str, str]:
        """See `Stores.check`."""
        try:
            await self.database.check()
        except GateError as error:
            return {"database": str(error)}
        return {"database": "ok"}

    async def close(self) -> None:
        """See `Stores.close`."""
        await self.database.close()


async def open_postgres(url: str) -> SqlStores:
    """Connect to the database that the URL names and bring its schema to the newest version. Raises Unavailable, BadRequest."""
    database = PostgresDatabase(url)
    try:
        await database.open(migrate)
    except BaseException:
        await database.close()
        raise
    return SqlStores(database)


async def open_sqlite(path: Path) -> SqlStores:
    """Open (or make) the database file and bring its schema to the newest version. Raises Unavailable."""
    database = SqliteDatabase(path)
    await database.open(migrate)
    return SqlStores(database)
