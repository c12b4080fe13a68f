"""`spangate doctor`, beside an open store."""

import asyncio
from pathlib import Path

import pytest

from gate.cli import main
from gate.model.run import Run
from gate.usecases.gate import StoreGate
from gate.usecases.outbox import Follower
from gate.usecases.retention import Retention
from tests.contract.made import lose, trace_id
from tests.unit.service.story import persist_trace, record


async def test_the_command(gate: StoreGate, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`spangate doctor` says what is wrong and exits with 1; with 0 when the stores agree."""
    await record(gate, Run("r1", "default"), persist_trace(1))

    async def doctor(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, ["doctor", "--data", str(tmp_path / "data"), *options])
        return int(str(ended.value.code)), capsys.readouterr().out

    assert await doctor() == (0, "The stores agree on 1 traces.\n")
    await lose(gate._stores, 1, "default")
    code, said = await doctor("--repair")
    assert (code, f"default  {trace_id(1)}  its spans are lost" in said) == (1, True)


async def test_it_changes_nothing_by_itself(gate: StoreGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However long it takes: what a server does in the background, judging and retention, is not its business."""
    began: list[str] = []
    for work in (Retention, Follower):
        monkeypatch.setattr(work, "start", lambda self: began.append(type(self).__name__))
    with pytest.raises(SystemExit):
        await asyncio.to_thread(main, ["doctor", "--data", str(tmp_path / "data")])
    assert began == []
