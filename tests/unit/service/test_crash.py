"""A server that is killed while it promotes, demotes and prunes: nothing is half done, nothing acknowledged is lost."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from gate.errors import NotFound
from gate.service import TraceQuery
from tests.contract.made import trace_id
from tests.unit.service.conftest import Open

_SERVER = """
import asyncio, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from gate.codec.encode import to_batch
from gate.errors import NotFound
from gate.store.sql.stores import open_sqlite
from gate.usecases.completion import Patience
from gate.usecases.gate import Options, StoreGate
from tests.unit.service.story import persist_trace

DAY = 24 * 3600 * 10**9

async def main():
    options = Options(Patience(10**9, 10**9), retention_days=30)
    gate = StoreGate(await open_sqlite(Path(sys.argv[1])), options, clock=time.time_ns)
    await gate.start()
    async def worker(offset):
        for number in range(offset, 10**6, 4):
            await gate.receive("default", to_batch(persist_trace(number)))
            print("stored", number, flush=True)
            try:
                await gate.promote("default", f"{number:032x}", by="eve")
            except NotFound:  # another worker's prune was first
                continue
            print("promoted", number, flush=True)
            if number % 3 == 0:
                print("demoting", number, flush=True)
                await gate.demote("default", f"{number:032x}", by="eve")
                print("demoted", number, flush=True)
            if number % 7 == 0:
                await gate.prune("default", now_ns=time.time_ns() + 31 * DAY)
    await asyncio.gather(*[worker(offset) for offset in range(1, 5)])

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [3, 20, 57, 90])
async def test_a_killed_server_leaves_nothing_half_done(reopen: Open, tmp_path: Path, lines: int):
    """After SIGKILL and a restart both stores agree: golden traces have spans and marks, acknowledged promotions are there."""
    root = Path(__file__).parent.parent.parent.parent
    path = tmp_path / "data" / "spangate.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, str(path), str(root), stdout=asyncio.subprocess.PIPE, cwd=root
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    said += [line for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()
    told: dict[str, set[int]] = {"stored": set(), "promoted": set(), "demoting": set(), "demoted": set()}
    for word, number in (line.decode().split() for line in said):
        told[word].add(int(number))

    gate = await reopen()
    while await gate._stores.outbox.pending(limit=1):  # noqa: ASYNC110  # the follower gives no other sign
        await asyncio.sleep(0.01)
    golden = {sample.trace_id for baseline in await gate.baselines("default") for sample in baseline.samples}
    assert {trace_id(number) for number in told["promoted"] - told["demoting"]} <= golden
    assert not {trace_id(number) for number in told["demoted"]} & golden
    persistent = {row.trace_id for row in (await gate.search("default", TraceQuery(persistent=True, limit=500))).traces}
    assert golden == persistent == await gate._stores.spans.marked("default")
    for one in golden:
        assert len((await gate.trace("default", one)).spans) == 4
    listed = {row.trace_id for row in (await gate.search("default", TraceQuery(limit=500))).traces}
    stored = await gate._stores.spans.read("default", [trace_id(number) for number in range(1, max(told["stored"]) + 10)])
    assert set(stored) == listed
    for number in told["stored"]:
        try:
            assert (await gate.summary("default", trace_id(number))).spans == 4
        except NotFound:  # pruned, as it was not (yet, or no longer) golden
            assert number not in told["promoted"] - told["demoting"]
