"""A disk that is full, and a file that somebody else keeps locked: the embedded database, and PostgreSQL with the spans in it."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from gate.model.trace import Span
from tests.contract.made import span
from tests.faults.client import Client
from tests.faults.servers import Server, postgresql_server
from tests.faults.spangate import Spangate, spangate
from tests.faults.within import within
from tests.faults.workload import Workload, check_doctor

pytestmark = [pytest.mark.xdist_group("faults-stores"), pytest.mark.timeout(900)]
_FULL = 2 * 1024 * 1024
"""Bytes of the largest file."""
_LARGE = 300_000
"""Characters that do not compress well, in each large trace."""
_HELD = 120


class Place(NamedTuple):
    """A server, and what writes its files."""

    gate: Spangate
    writer: Server


@asynccontextmanager
async def place(name: str, folder: Path) -> AsyncIterator[Place]:
    """On SQLite, or on a PostgreSQL of its own."""
    if name == "sqlite":
        async with spangate(folder, SPANGATE_STORE_SECONDS="2") as gate:
            yield Place(gate, gate)
        return
    async with postgresql_server() as server, spangate(folder, SPANGATE_DATABASE_URL=server.url) as gate:
        yield Place(gate, server)


@asynccontextmanager
async def full(where: Place) -> AsyncIterator[None]:
    """No file grows beyond a size."""
    where.writer.largest_file(_FULL)
    yield
    where.writer.largest_file()


@asynccontextmanager
async def locked(where: Place) -> AsyncIterator[None]:
    """Another process writes, and does not end."""
    path = where.gate.folder / "data" / "spangate.db"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


@pytest.mark.parametrize(
    ("stores", "fault"),
    [("sqlite", full), ("sqlite", locked), ("postgresql", full)],
    ids=["sqlite-full", "sqlite-locked", "postgresql-full"],
)
async def test_nothing_is_lost_without_space(
    stores: str, fault: Callable[[Place], AbstractAsyncContextManager[None]], tmp_path: Path
) -> None:
    """Refused with 503 and Retry-After until there is space (or the lock) again; then it goes on by itself, and all is there."""
    async with place(stores, tmp_path) as where, Client(where.gate.url, "full") as client:
        await where.gate.start()
        work = Workload(client, where.gate)
        await work.begin()
        await work.learn_clean_verdicts()
        good, promoted = await work.record(True), await work.keep()
        tasks: list[asyncio.Task[object]] = []
        async with fault(where):
            for number in range(1, 31):
                tasks.append(asyncio.create_task(_object(work.deliver(large(number)))))
                tasks.append(asyncio.create_task(_object(client.once("GET", "/", headers={"accept": "text/html"}))))
            tasks.append(asyncio.create_task(_object(work.judge(good, True))))
            tasks.append(asyncio.create_task(_object(work.promote(promoted))))
            async with within(_HELD, lambda: f"a refusal: {dict(client.answers)}"):
                while not client.refused:  # noqa: ASYNC110  # httpx gives no other sign
                    await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)
        await work.check()
        await check_doctor(where.gate)
        assert where.gate.mistake() == ""


async def _object(work: Awaitable[object]) -> object:
    return await work


def large(number: int) -> list[Span]:
    """A trace of two spans; ids that nothing else has."""
    text = random.Random(number).randbytes(_LARGE // 2).hex()
    return [span(10**6 + number, 1, note=text), span(10**6 + number, 2, 1, note=text[::-1])]
