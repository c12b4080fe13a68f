"""The comparison says the same in every process, whatever Python's hash seed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
from tests.cases.test_cases import FILES, case_of, judged
from tests.cases.draw import draw_run
import msgspec
for file in FILES:
    case = case_of(file)
    verdict, notes = judged(file, draw_run(case["candidate"], "candidate", case.get("limit")))
    print(file.stem, msgspec.json.encode(verdict).decode(), sorted(notes))
"""


def test_every_case_is_judged_alike_in_every_process():
    """Findings, places, sentences, consequences and fingerprints of all cases under three hash seeds."""
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
