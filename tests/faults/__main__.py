"""The long run: `python -m tests.faults --kills 200`, shared out over the combinations of stores."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.faults.kills import STORES, run_kills


def main() -> None:
    """Prints a line for each combination; the first broken promise ends it with its message, and the seed repeats it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="in all")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--stores", action="append", choices=STORES, help="only these")
    arguments = parser.parse_args()
    names = arguments.stores or STORES
    each = -(-arguments.kills // len(names))
    print(f"seed {arguments.seed}: {each} kills on each of {', '.join(names)}", flush=True)
    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="spangate-kills-") as folder:
            try:
                outcome = asyncio.run(run_kills(name, Path(folder), kills=each, seed=arguments.seed))
            except AssertionError as broken:
                print(f"{name}: BROKEN (seed {arguments.seed}): {broken}", flush=True)
                sys.exit(1)
        print(f"{name}: {_said(outcome)}; {time.monotonic() - began:.0f} s", flush=True)


def _said(outcome: NamedTuple) -> str:
    return ", ".join(f"{value} {name}" for name, value in outcome._asdict().items())


if __name__ == "__main__":
    main()
