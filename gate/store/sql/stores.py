"""Records in one SQL database; spans beside them, or in Elasticsearch."""

from pathlib import Path

from sqlalchemy import Connection, func, select, update

from gate.errors import BadRequest, GateError
from gate.service import Stats
from gate.store.elasticsearch.cluster import Access
from gate.store.elasticsearch.spans import ElasticsearchSpans, open_elasticsearch
from gate.store.migrations import migrate
from gate.store.protocols import SECONDS, SpanStore
from gate.store.sql.baselines import SqlBaselines
from gate.store.sql.database import Database
from gate.store.sql.decisions import SqlDecisions
from gate.store.sql.history import SqlHistory
from gate.store.sql.intake import SqlIntake
from gate.store.sql.lookup import upsert
from gate.store.sql.manifest import SqlManifest
from gate.store.sql.outbox import SqlOutbox
from gate.store.sql.postgres import PostgresDatabase
from gate.store.sql.projects import SqlProjects, SqlTokens
from gate.store.sql.runs import SqlRuns
from gate.store.sql.schema import chunks, counters, manifest, operations, runs, samples, traces
from gate.store.sql.separate import SeparateChunks
from gate.store.sql.spans import SqlChunks, SqlSpans
from gate.store.sql.specs import SqlSpecs
from gate.store.sql.sqlite import SqliteDatabase, give_back_pages
from gate.store.sql.traces import SqlTraces
from gate.store.sql.words import shrink

_PAGES = 10_000
"""Free pages given back at once at most, so that the writer is not kept from its work."""
_DICTIONARY = 100_000
"""Operations in the dictionary above which unused ones are looked for: only hostile or careless span names lead there."""


class SqlStores:
    """See `Stores`; open with `open_sqlite`."""

    def __init__(self, database: Database, spans: ElasticsearchSpans | None = None) -> None:
        self.database = database
        self.projects = SqlProjects(database)
        self.tokens = SqlTokens(database)
        self.runs = SqlRuns(database)
        self.traces = SqlTraces(database, beside=spans is None)
        self.baselines = SqlBaselines(database, beside=spans is None)
        self.decisions = SqlDecisions(database)
        self.history = SqlHistory(database)
        self.specs = SqlSpecs(database)
        self.outbox = SqlOutbox(database)
        self.spans: SpanStore = spans or SqlSpans(database)
        self.intake = SqlIntake(database, SeparateChunks(database, spans) if spans else SqlChunks())
        self._separate = spans

    async def stats(self) -> Stats:
        """See `Stores.stats`."""

        def work(connection: Connection) -> Stats:
            spans, count = connection.execute(
                select(func.coalesce(func.sum(traces.c.spans), 0), func.count()).select_from(traces)
            ).one()
            baselines = connection.scalar(select(func.count(func.distinct(samples.c.baseline_id))))
            return Stats(spans, count, connection.scalar(select(func.count()).select_from(runs)) or 0, baselines or 0)

        return await self.database.read(work)

    async def take_turn(self, job: str, *, now_ns: int, every_ns: int) -> bool:
        """See `Stores.take_turn`."""

        def work(connection: Connection) -> bool:
            row = {"name": f"turn of {job}", "value": 0}
            connection.execute(upsert(connection.dialect, counters).values(row).on_conflict_do_nothing())
            due = (counters.c.name == row["name"]) & (counters.c.value <= now_ns)
            return connection.execute(update(counters).where(due).values(value=now_ns + every_ns)).rowcount == 1

        return await self.database.write(work)

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
        found: dict[str, str] = {}
        try:
            await self.database.check()
            found["database"] = "ok"
        except GateError as error:
            found["database"] = str(error)
        if self._separate is not None:
            try:
                found["elasticsearch"] = await self._separate.check()
            except GateError as error:
                found["elasticsearch"] = str(error)
        return found

    async def close(self) -> None:
        """See `Stores.close`."""
        await self.database.close()
        if self._separate is not None:
            await self._separate.close()


async def open_postgres(url: str, elasticsearch: Access | None = None, *, seconds: float = SECONDS) -> SqlStores:
    """Connect to the database that the URL names and bring its schema to the newest version; spans go to Elasticsearch when it
    is given. A store that does not answer for `seconds` is away. Raises Unavailable, BadRequest."""
    return await _open(PostgresDatabase(url, seconds=seconds), elasticsearch, seconds)


async def open_sqlite(path: Path, elasticsearch: Access | None = None, *, seconds: float = SECONDS) -> SqlStores:
    """Open (or make) the database file, likewise."""
    return await _open(SqliteDatabase(path, seconds=seconds), elasticsearch, seconds)


async def _open(database: PostgresDatabase | SqliteDatabase, elasticsearch: Access | None, seconds: float) -> SqlStores:
    try:
        await database.open(migrate)
        await database.read(lambda connection: _must_fit(connection, separate=elasticsearch is not None))
        spans = await open_elasticsearch(elasticsearch, SqlManifest(database), seconds=seconds) if elasticsearch else None
    except BaseException:
        await database.close()
        raise
    return SqlStores(database, spans)


def _must_fit(connection: Connection, *, separate: bool) -> None:
    """Spans that were stored before must be where they are looked for."""
    if separate and connection.execute(select(chunks.c.key).limit(1)).first():
        raise BadRequest(
            "This database holds spans itself, but SPANGATE_ELASTICSEARCH_URL is set.",
            hint="Unset it, or set SPANGATE_DATABASE_URL to a new database.",
        )
    if not separate and connection.execute(select(manifest.c.digest).limit(1)).first():
        raise BadRequest(
            "The spans of this database are in Elasticsearch, but SPANGATE_ELASTICSEARCH_URL is not set.", hint="Set it."
        )
