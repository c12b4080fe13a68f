"""Spangate killed at random points: clients go on, and nothing that was acknowledged is lost.

Each life of the server is some days after the one before, so that retention always has something to delete, and days of
Elasticsearch go whole.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.contract.backends import elasticsearch, postgresql
from tests.faults.client import Client
from tests.faults.spangate import Spangate, spangate
from tests.faults.within import within
from tests.faults.workload import Expired, Workload, check_doctor

STORES = ("sqlite", "postgresql", "sqlite+elasticsearch", "postgresql+elasticsearch")
_DAYS = 72
"""From the first life to the last, but at least three between two."""
_LIFE = 1.5
"""Seconds of one life, at most, once it has given"""
_ANSWERS = 5
"""answers, so that clients get somewhere on a slow machine, too."""
_PATIENCE = 300
_STARTING = 0.2
"""How many lives end before the server answers: it is killed while it migrates, resumes, follows."""


class Outcome(NamedTuple):
    """What a run of kills did."""

    kills: int
    traces: int
    golden: int
    pruned: int
    verdicts: int
    inconclusive: int


@asynccontextmanager
async def stores(name: str) -> AsyncIterator[dict[str, str]]:
    """The settings of real stores that nobody else uses."""
    settings: dict[str, str] = {}
    if not name.startswith("postgresql"):
        async with _spans(name, settings):
            yield settings
        return
    async with postgresql() as url, _spans(name, settings):
        settings["SPANGATE_DATABASE_URL"] = url
        yield settings


@asynccontextmanager
async def _spans(name: str, settings: dict[str, str]) -> AsyncIterator[None]:
    if not name.endswith("elasticsearch"):
        yield
        return
    async with elasticsearch() as access:
        settings["SPANGATE_ELASTICSEARCH_URL"] = access.url
        settings["SPANGATE_ELASTICSEARCH_PREFIX"] = access.prefix
        yield


async def run_kills(name: str, folder: Path, *, kills: int, seed: int) -> Outcome:
    """Kill a server on these stores so often, under load; raises AssertionError when a promise was broken."""
    chance = random.Random(seed)
    async with stores(name) as settings, spangate(folder, **settings) as server, Client(server.url, "kills") as client:
        days = max(_DAYS // kills, 3)
        server.day = -days * kills
        await server.start()
        work = Workload(client, server)
        await work.begin()
        await work.learn_clean_verdicts()
        ended = asyncio.Event()
        clients = [asyncio.create_task(_repeat(one, ended)) for one in _clients(work, chance)]
        try:
            for _ in range(kills):
                await _life(server, client, chance, clients)
                await server.kill()
                server.day += days
                await server.spawn()
            assert await server.until_it_answers(), server.said()
            ended.set()
            await asyncio.gather(*clients)
        finally:
            for one in clients:
                one.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
        await work.check()
        await check_doctor(server)
        mistake = server.mistake()
        assert mistake == "", mistake
        return work_outcome(work, kills)


def work_outcome(work: Workload, kills: int) -> Outcome:
    """Counted."""
    return Outcome(kills, *work.counts(), len(work.verdicts), work.inconclusive)


async def _life(server: Spangate, client: Client, chance: random.Random, clients: list[asyncio.Task[None]]) -> None:
    """Return at the moment to kill the server."""
    if chance.random() >= _STARTING:
        assert await server.until_it_answers(), server.said()
        done = client.answers[200] + _ANSWERS
        async with within(_PATIENCE, lambda: f"{_ANSWERS} answers: {dict(client.answers)}; {server.said()}"):
            while client.answers[200] < done and not any(one.done() for one in clients):  # noqa: ASYNC110  # httpx gives no other sign
                await asyncio.sleep(0.01)
    await asyncio.sleep(chance.random() * _LIFE)
    for one in clients:
        if one.done():
            one.result()


def _clients(work: Workload, chance: random.Random) -> list[Callable[[], Awaitable[object]]]:
    async def runs() -> None:
        good = chance.random() < 0.5
        await work.judge(await work.record(good), good)

    async def baselines() -> None:
        trace = await work.keep()
        await work.promote(trace)
        if chance.random() < 0.6 and work.is_golden(trace):
            await work.demote(trace)

    async def retention() -> None:
        await work.prune()
        await asyncio.sleep(0.3)

    return [runs, runs, baselines, work.keep, retention]


async def _repeat(work: Callable[[], Awaitable[object]], ended: asyncio.Event) -> None:
    while not ended.is_set():
        with suppress(Expired):
            await work()
