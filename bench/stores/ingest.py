"""Ingest through `spangate serve` on each backend, against floors of the same requests, by turns."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from bench.ingest import WARM_SPANS, load, running, serve
from bench.stores.floors import copy_alone, encoded_bulk, plain_bulk, postgres_over_http, sqlite_over_http
from bench.stores.servers import Backend, Servers, backend
from gate.demo.processes import free_port


class _Floor(NamedTuple):
    name: str
    measure: Callable[[Servers, int, int], Awaitable[float]]
    """Spans a second, of so many spans made from this seed."""
    goal: float | None = None


_FLOORS = {
    "sqlite": (_Floor("blobs into SQLite over HTTP", sqlite_over_http, 0.7),),
    "postgresql": (
        _Floor("blobs by COPY over HTTP", postgres_over_http, 0.3),
        _Floor("COPY alone: nothing received, parsed or compressed", copy_alone),
    ),
    "elasticsearch": (
        _Floor("plain bulk: the client encodes, one at a time", plain_bulk, 0.5),
        _Floor("bulk alone: encoded before, four at once", encoded_bulk),
    ),
}


class Row(NamedTuple):
    """Medians of the rounds."""

    backend: str
    spans_per_s: float
    cpu_us_per_span: float
    """Of Spangate's own process."""
    floor: str
    floor_spans_per_s: float
    ratio: float
    """The median of each round's."""
    goal: float | None


async def measure(kind: str, servers: Servers, folder: Path, spans: int, rounds: int) -> list[Row]:
    """By turns, each round with another seed; a row for each floor."""
    ours: list[tuple[float, float]] = []
    floors: dict[_Floor, list[float]] = {floor: [] for floor in _FLOORS[kind]}
    for seed in range(1, rounds + 1):
        async with backend(kind, servers, folder) as made:
            ours.append(await asyncio.to_thread(_served, made, folder, spans, seed))
        for floor, rates in floors.items():
            rates.append(await floor.measure(servers, spans, seed))
    rate, cpu = (statistics.median(column) for column in zip(*ours, strict=True))
    return [
        Row(
            kind,
            rate,
            cpu,
            floor.name,
            statistics.median(rates),
            statistics.median(mine / of_floor for (mine, _), of_floor in zip(ours, rates, strict=True)),
            floor.goal,
        )
        for floor, rates in floors.items()
    ]


def _served(made: Backend, folder: Path, spans: int, seed: int) -> tuple[float, float]:
    port = str(free_port())
    command = serve(port, made.settings["SPANGATE_DATA"])
    with running(command, f"http://127.0.0.1:{port}/health", made.settings) as watched:
        url = f"http://127.0.0.1:{port}/v1/traces"
        load(url, WARM_SPANS, 0)
        before = watched.cpu_seconds()
        seconds = load(url, spans, seed)["seconds"]
        cpu = watched.cpu_seconds() - before
    return spans / seconds, cpu / spans * 1e6
