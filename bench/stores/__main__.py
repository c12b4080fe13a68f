"""`make bench-stores`: ingest, search, promote and prune on SQLite, PostgreSQL, and Elasticsearch beside PostgreSQL.

The servers are those that SPANGATE_TEST_DATABASE_URL and SPANGATE_TEST_ELASTICSEARCH_URL name, else real ones of its own.
`--keep DIR` keeps what they are filled with for the next time. Absolute figures hold for one machine and moment; each ratio is to
a floor of the same run.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench.stores import changes, ingest, search
from bench.stores.filling import PROJECT, SPANS_A_TRACE
from bench.stores.servers import Servers, backend, bytes_stored, filled, servers
from gate.service import TraceQuery

KINDS = ("sqlite", "postgresql", "elasticsearch")
PARTS = ("ingest", "search", "promote", "prune")
SEARCH_GOALS = {"sqlite": 100, "postgresql": 100, "elasticsearch": 200}


def main() -> int:
    """Print the tables; JSON and Markdown with `--out FILE`."""
    parser = argparse.ArgumentParser(prog="python -m bench.stores", description=__doc__)
    parser.add_argument("--spans", type=int, default=40_000, help="stored before searches (1000000 for the real thing)")
    parser.add_argument("--times", type=int, default=20, help="how often each search is asked")
    parser.add_argument("--ingest-spans", type=int, default=20_000, help="sent in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of ingest")
    parser.add_argument("--backends", default=",".join(KINDS))
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--keep", type=Path, help="a folder for the filled stores")
    parser.add_argument("--out", type=Path, help="JSON here, and Markdown beside it")
    arguments = parser.parse_args()
    kinds, parts = arguments.backends.split(","), arguments.parts.split(",")
    if unknown := set(kinds) - set(KINDS) | set(parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended, too
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    with nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory(prefix="spangate-bench-") as folder:
        place = Path(folder).resolve()
        needed = set(kinds) - {"sqlite"}
        with servers(place) if needed else nullcontext(Servers("", "")) as started:
            found = asyncio.run(_measured(started, place, kinds, parts, arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")
        arguments.out.with_suffix(".md").write_text("\n".join(_lines) + "\n")
    return 0


_lines: list[str] = []


def _say(line: str = "") -> None:
    _lines.append(line)
    print(line, flush=True)


async def _measured(
    started: Servers, folder: Path, kinds: Sequence[str], parts: Sequence[str], arguments: argparse.Namespace
) -> dict[str, Any]:
    found: dict[str, Any] = {"spans": arguments.spans, "load": os.getloadavg()[0]}
    if "ingest" in parts:
        found["ingest"] = []
        for kind in kinds:
            found["ingest"] += await ingest.measure(kind, started, folder, arguments.ingest_spans, arguments.rounds)
        _say(
            f"\nIngest over HTTP, {arguments.ingest_spans:,} spans in traces of 20, medians of {arguments.rounds} rounds by turns\n"
        )
        _table("backend | spans/s | CPU µs/span | floor | floor spans/s | ratio | goal", found["ingest"])
    traces = arguments.spans // SPANS_A_TRACE
    found["search"], found["promote"], found["disk"] = {}, [], []
    for kind in kinds if {"search", "promote"} & set(parts) else ():
        async with filled(kind, started, folder, traces, keep=bool(arguments.keep)) as (made, stores, seconds):
            if "search" in parts:
                rows = await search.measure(stores, traces, arguments.times)
                found["search"][kind] = rows
                took = f"filled in {seconds:.0f} s" if seconds else "kept"
                _say(f"\nSearch, {kind}: {arguments.spans:,} spans in {traces:,} traces ({took}), each {arguments.times} times\n")
                _table("filter | p50 ms | p95 ms | rows | plan", rows)
                worst = max(rows, key=lambda row: row.p95_ms)
                over = sum(row.p95_ms > SEARCH_GOALS[kind] for row in rows)
                _say(
                    f"\nworst p95 {worst.p95_ms:.0f} ms ({worst.filter}); goal {SEARCH_GOALS[kind]} ms, missed by {over} of {len(rows)}"
                )
            in_database, in_elasticsearch = await bytes_stored(made)
            found["disk"].append((kind, in_database / arguments.spans, in_elasticsearch / arguments.spans))
            if "promote" in parts:
                newest = await stores.traces.page(PROJECT, TraceQuery(limit=arguments.times + 1))
                found["promote"].append(await changes.promoting(kind, stores, newest.trace_ids))
    if found["disk"]:
        _say(f"\nDisk, bytes a span, {arguments.spans:,} spans in traces of 20\n")
        _table("backend | in the database | in Elasticsearch", found["disk"])
    if found["promote"]:
        _say("\nPromote, medians, against one row and one trace's spans written as durably\n")
        _table("backend | promote ms | row ms | spans ms | ratio (goal ≤ 2)", found["promote"])
    if "prune" in parts:
        found["prune"] = []
        sizes = (max(traces // 50, 200), max(traces // 5, 2_000))
        for kind in kinds:
            async with backend(kind, started, folder) as made:
                found["prune"] += await changes.pruning(kind, made, sizes)
        _say("\nPrune of one day\n")
        _table("backend | traces | seconds | of them in Elasticsearch, ms | its requests", found["prune"])
    found["load_after"] = os.getloadavg()[0]
    _say(f"\nload average {found['load']:.1f} at the start, {found['load_after']:.1f} at the end")
    return found


def _table(head: str, rows: Sequence[tuple[Any, ...]]) -> None:
    _say(f"| {head} |")
    _say("|---" * (head.count("|") + 1) + "|")
    for row in rows:
        _say(f"| {' | '.join(_cell(value) for value in row)} |")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
