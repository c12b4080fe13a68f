"""`python -m gate.demo`: the story, told by a real service, its suite and the gate. Exit 0 when it came out as told."""

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console

from gate.demo.processes import DemoFailed
from gate.demo.recording import Stores
from gate.demo.story import Story, empty_directory


def main() -> int:
    """Tell the story; 0 when it came out as told, 1 when not, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m gate.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("spangate-demo"), help="where reports, spec and data go")
    parser.add_argument("--runs", type=int, default=3, help="how many golden runs are recorded")
    parser.add_argument("--keep", action="store_true", help="leave the server up at the end, until Ctrl-C")
    parser.add_argument(
        "--stores",
        choices=("embedded", "servers"),
        default="embedded",
        help="servers: a PostgreSQL and an Elasticsearch, those of SPANGATE_DEMO_DATABASE_URL and "
        "SPANGATE_DEMO_ELASTICSEARCH_URL or of its own",
    )
    options = parser.parse_args()
    console = Console(highlight=False)
    try:
        empty_directory(options.out)
        with _stores(options.stores, options.out.resolve() / "logs") as stores:
            return Story(options.out, stores, console).tell(golden_runs=options.runs, keep=options.keep)
    except DemoFailed as error:
        console.print(f"[red]The demo could not go on:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _stores(kind: str, logs: Path) -> AbstractContextManager[Stores]:
    if kind == "embedded":
        return nullcontext(Stores())
    from gate.demo.servers import servers

    environ = os.environ
    return servers(logs, environ.get("SPANGATE_DEMO_DATABASE_URL", ""), environ.get("SPANGATE_DEMO_ELASTICSEARCH_URL", ""))


if __name__ == "__main__":
    sys.exit(main())
