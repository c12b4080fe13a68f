"""Spangate killed at random points, on each combination of stores. `python -m tests.faults` does it at length."""

import os
import random
from pathlib import Path

import pytest

from tests.faults.kills import STORES, run_kills

KILLS = 6


@pytest.mark.parametrize("stores", STORES)
@pytest.mark.xdist_group("faults-kills")
@pytest.mark.timeout(900)
async def test_a_killed_server_keeps_its_promises(stores: str, tmp_path: Path) -> None:
    """Of six kills: every acknowledged span is there, no promotion is half done, verdicts are those of undisturbed runs or
    inconclusive, and both stores agree."""
    seed = int(os.environ.get("SPANGATE_TEST_SEED", random.randrange(10**6)))
    print(f"SPANGATE_TEST_SEED={seed}")
    outcome = await run_kills(stores, tmp_path, kills=KILLS, seed=seed)
    print(outcome)
    assert min(outcome.traces, outcome.golden, outcome.pruned, outcome.verdicts) > 0, outcome
