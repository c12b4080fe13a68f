"""`spangate doctor`, beside an open store."""

import asyncio
from pathlib import Path

import pytest

from gate.cli import main
from gate.model.run import Run
from gate.usecases.gate import StoreGate
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
