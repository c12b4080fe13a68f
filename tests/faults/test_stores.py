"""A store that is killed, hangs, is slow, is full, refuses, or loses its connections, while clients do everything at once.

The stores are real servers of these tests' own, with a wire in between that can be made bad.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio

from tests.faults.client import Client
from tests.faults.proxy import Wire, wire
from tests.faults.servers import Elasticsearch, Postgresql, elasticsearch_server, postgresql_server
from tests.faults.spangate import Spangate, spangate
from tests.faults.within import within
from tests.faults.workload import RETENTION_DAYS, Judged, Workload, check_doctor

pytestmark = [pytest.mark.xdist_group("faults-stores"), pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]
SEED = int(os.environ.get("SPANGATE_TEST_SEED", "1"))
_HELD = 240
"""Seconds until a fault has shown, at most."""


class Stack(NamedTuple):
    """Spangate between its clients and its stores."""

    gate: Spangate
    postgresql: Postgresql
    elasticsearch: Elasticsearch
    to_postgresql: Wire
    to_elasticsearch: Wire
    old: dict[str, Workload]
    """By fault: a project with traces that retention has to delete."""
    clean: dict[bool, Judged]


Step = Callable[[Stack], Awaitable[None]]


class Fault(NamedTuple):
    """What is done to a store, and what ends it: when a client was refused, or everything is done. Not when it only takes longer."""

    begin: Step
    end: Step
    refuses: bool = True
    surely: bool = False
    """Nothing absorbs it: a client must have been refused."""


async def kill_postgresql(stack: Stack) -> None:
    await stack.postgresql.kill()


async def start_postgresql(stack: Stack) -> None:
    await stack.postgresql.start()


async def pause_postgresql(stack: Stack) -> None:
    stack.postgresql.pause()


async def resume_postgresql(stack: Stack) -> None:
    stack.postgresql.resume()


async def fill_postgresql(stack: Stack) -> None:
    """What the providers of PostgreSQL do before its disk is full; a disk that is full is in `test_full.py`."""
    await stack.postgresql.execute("alter system set default_transaction_read_only = on")
    await stack.postgresql.execute("select pg_reload_conf()")


async def empty_postgresql(stack: Stack) -> None:
    await stack.postgresql.execute("alter system reset default_transaction_read_only")
    await stack.postgresql.execute("select pg_reload_conf()")


async def kill_elasticsearch(stack: Stack) -> None:
    await stack.elasticsearch.kill()


async def start_elasticsearch(stack: Stack) -> None:
    await stack.elasticsearch.start()


async def pause_elasticsearch(stack: Stack) -> None:
    stack.elasticsearch.pause()


async def resume_elasticsearch(stack: Stack) -> None:
    stack.elasticsearch.resume()


async def flood(stack: Stack) -> None:
    """What Elasticsearch does itself when its disk is 95 % full."""
    await _block(stack, "true")


async def drain(stack: Stack) -> None:
    """What it does when there is space again."""
    await _block(stack, "null")


async def _block(stack: Stack, value: str) -> None:
    async with httpx.AsyncClient(base_url=stack.elasticsearch.url, trust_env=False, timeout=60) as client:
        body = f'{{"index.blocks.read_only_allow_delete": {value}}}'
        answer = await client.put("/spangate-*/_settings", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text


async def refuse_items(stack: Stack) -> None:
    """One write at a time, and none may wait: nearly every item of a bulk request is refused with 429, by Elasticsearch itself."""
    await stack.elasticsearch.kill()
    await stack.elasticsearch.start("thread_pool.write.size=1", "thread_pool.write.queue_size=0")


async def accept_items(stack: Stack) -> None:
    await stack.elasticsearch.kill()
    await stack.elasticsearch.start()


def slow(name: str) -> Fault:
    async def begin(stack: Stack) -> None:
        getattr(stack, name).delay = 0.15

    return Fault(begin, mend, refuses=False)


def cut(name: str, likely: float, *, surely: bool = False) -> Fault:
    async def begin(stack: Stack) -> None:
        getattr(stack, name).cut = likely
        getattr(stack, name).reset_all()

    return Fault(begin, mend, surely=surely)


async def mend(stack: Stack) -> None:
    stack.to_postgresql.mend()
    stack.to_elasticsearch.mend()


FAULTS = {
    "postgresql-killed": Fault(kill_postgresql, start_postgresql),
    "postgresql-paused": Fault(pause_postgresql, resume_postgresql),
    "postgresql-slow": slow("to_postgresql"),
    "postgresql-full": Fault(fill_postgresql, empty_postgresql),
    "postgresql-cut": cut("to_postgresql", 0.02),  # a transaction is some twenty pieces
    "elasticsearch-killed": Fault(kill_elasticsearch, start_elasticsearch),
    "elasticsearch-paused": Fault(pause_elasticsearch, resume_elasticsearch),
    "elasticsearch-slow": slow("to_elasticsearch"),
    "elasticsearch-full": Fault(flood, drain),
    "elasticsearch-refusing": Fault(refuse_items, accept_items),
    "elasticsearch-cut": cut("to_elasticsearch", 0.1),  # repetitions absorb nearly all of it
    "elasticsearch-cut-for-long": cut("to_elasticsearch", 1, surely=True),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Both servers, the wires, and Spangate, which has served each fault's project 40 days ago."""
    folder: Path = tmp_path_factory.mktemp("gate")
    async with AsyncExitStack() as opened:
        postgresql = await opened.enter_async_context(postgresql_server())
        elasticsearch = await opened.enter_async_context(elasticsearch_server())
        to_postgresql = await opened.enter_async_context(wire(postgresql.port, SEED))
        to_elasticsearch = await opened.enter_async_context(wire(elasticsearch.port, SEED))
        settings = {
            "SPANGATE_DATABASE_URL": postgresql.url.replace(f":{postgresql.port}/", f":{to_postgresql.port}/"),
            "SPANGATE_ELASTICSEARCH_URL": f"http://127.0.0.1:{to_elasticsearch.port}",
            "SPANGATE_STORE_SECONDS": "5",
        }
        gate = await opened.enter_async_context(spangate(folder, **settings))
        gate.day = -RETENTION_DAYS - 10
        await gate.start()
        old: dict[str, Workload] = {}
        for name in FAULTS:
            old[name] = Workload(await opened.enter_async_context(Client(gate.url, name)), gate)
            await old[name].begin()
            for _ in range(3):
                await old[name].keep()
        await gate.kill()
        gate.day = 0
        await gate.start()
        first = next(iter(old.values()))
        await first.learn_clean_verdicts()
        yield Stack(gate, postgresql, elasticsearch, to_postgresql, to_elasticsearch, old, first.clean)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_store_fails(stack: Stack, name: str) -> None:
    """During ingest, finish, promote, demote and prune, begun before it and while it lasts. Clients get 503 or 429 with Retry-After, or
    the truth; when it is over the server goes on by itself: everything acknowledged is there, whole, and verdicts are right."""
    fault, work = FAULTS[name], stack.old[name]
    work.clean = stack.clean
    client = work.client
    before = [asyncio.create_task(one()) for one in await everything(work)]
    later = await everything(work)
    await asyncio.sleep(random.Random(SEED).random() * 0.05)
    refused = client.refused
    await fault.begin(stack)
    during = [asyncio.create_task(one()) for one in later]
    during += [asyncio.create_task(look(client, path)) for path in ("/health", "/", f"/runs?project={client.project}")]
    try:
        try:
            waited_for = [*before, *during]
            async with within(_HELD, lambda: f"{name} shows: {dict(client.answers)}, {waited_for}"):
                while (client.refused == refused or not fault.refuses) and not all(task.done() for task in waited_for):  # noqa: ASYNC110  # httpx gives no other sign
                    await asyncio.sleep(0.1)
        finally:
            await fault.end(stack)
        assert client.refused > refused or not fault.surely
        await asyncio.gather(*before, *during)
    finally:
        for task in (*before, *during):
            task.cancel()
        await asyncio.gather(*before, *during, return_exceptions=True)
        print(name, dict(client.answers))
    await work.check()
    await check_doctor(stack.gate)
    assert stack.gate.mistake() == ""


async def everything(work: Workload) -> list[Callable[[], Awaitable[object]]]:
    """One of each thing that changes the stores, each with what it needs delivered."""
    good, bad = await work.record(True), await work.record(False)
    to_promote, to_demote = await work.keep(), await work.keep()
    await work.promote(to_demote)
    return [
        work.keep,
        work.keep,
        lambda: work.judge(good, True),
        lambda: work.judge(bad, False),
        lambda: work.promote(to_promote),
        lambda: work.demote(to_demote),
        work.prune,
    ]


async def look(client: Client, path: str) -> None:
    """A page for a person: it is there, or says what is wrong; `once` holds it to that."""
    for _ in range(5):
        await client.once("GET", path, headers={"accept": "text/html"})
