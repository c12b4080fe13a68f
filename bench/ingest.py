"""`python -m bench.ingest`: durable spans a second over HTTP, memory and disk, as ratios to a floor of the same run.

Both servers take the same requests in alternating rounds: `spangate serve` as a user starts it, and `bench.floor`. Where the
shared load generator lies beside the repository, it is used instead of `bench.load`, with its own floor, and OTLP/JSON is measured too.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "bench"
WARM_SPANS = 2_000
GOALS = "goals: spans/s ≥ 0.7 × floor, peak PSS ≤ 150 MB, disk ≤ 400 B/span"
PHOENIX_SHARE = 87 / 50_700
"""arize-phoenix 20.26 on SQLite, durable spans/s, as a share of the floor beside it (docs/benchmarks.md)."""
_Row = dict[str, Any]


def main() -> int:
    """Print the table and the ratio; `--out FILE` writes the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="")
    arguments = parser.parse_args()
    measure = _shared if (SHARED / "bench_ingest.py").is_file() else _own
    rows = measure(arguments.spans, arguments.rounds)
    medians = {
        name: _medians([row for row in rows if row["target"] == name]) for name in dict.fromkeys(row["target"] for row in rows)
    }
    print("| server | durable spans/s | CPU µs/span | p50 ms | peak PSS MB | disk B/span |")
    print("|---|---|---|---|---|---|")
    for name, row in medians.items():
        print(
            f"| {name} | {row['spans_per_s']:,.0f} | {row['cpu_us_per_span']:.1f} | {row['p50_ms']:.0f} "
            f"| {row['peak_pss_mb']:.0f} | {row['bytes_per_span']:.0f} |"
        )
    ratio = medians["spangate"]["spans_per_s"] / medians["floor"]["spans_per_s"]
    cpu = medians["floor"]["cpu_us_per_span"] / medians["spangate"]["cpu_us_per_span"]
    print(f"\nspangate / floor: {ratio:.2f} (by CPU time {cpu:.2f})   ({GOALS})")
    phoenix = PHOENIX_SHARE * medians["floor"]["spans_per_s"]
    print(f"spangate / Phoenix, reference scaled by the floor of this run: {medians['spangate']['spans_per_s'] / phoenix:,.0f}")
    if arguments.out:
        Path(arguments.out).write_text(json.dumps({"rows": rows, "ratio": ratio}, indent=1) + "\n")
    return 0


def _medians(rows: list[_Row]) -> dict[str, float]:
    names = ("spans_per_s", "cpu_us_per_span", "p50_ms", "peak_pss_mb", "bytes_per_span")
    return {name: statistics.median(row[name] for row in rows) for name in names}


def serve(port: str, data: str) -> list[str]:
    """The command of a server as a user starts it."""
    return [sys.executable, "-m", "gate.cli", "serve", "--host", "127.0.0.1", "--port", port, "--data", data]


def _shared(spans: int, rounds: int) -> list[_Row]:
    """With the shared load generator and its floor of the same kind."""
    floor = json.loads((SHARED / "targets.json").read_text())["floor-blob"]
    floor["cmd"] = [sys.executable, "-m", *floor["cmd"]]
    count = {"http": "http://127.0.0.1:{port}/api/v1/stats", "field": "spans"}
    floor["modes"] = ["protobuf"]
    ours = {"cmd": serve("{port}", "{dir}"), "env": {"PYTHONPATH": str(ROOT)}, "ready": "/health", "count": count}
    with tempfile.TemporaryDirectory(prefix="spangate-bench-") as folder:
        targets, out = Path(folder, "targets.json"), Path(folder, "rows.jsonl")
        targets.write_text(json.dumps({"spangate": ours, "floor": floor}))
        command = [sys.executable, str(SHARED / "bench_ingest.py"), "--targets", str(targets), "--modes", "protobuf,json"]
        command += ["--spans", str(spans), "--warm-spans", str(WARM_SPANS), "--rounds", str(rounds)]
        subprocess.run([*command, "--work", folder, "--out", str(out)], check=True, capture_output=True)
        rows: list[_Row] = [json.loads(line) for line in out.read_text().splitlines()]
    for row in rows:
        if row["format"] == "json":
            row["target"] = "spangate, JSON"
        if "error" in row:
            raise SystemExit(f"{row['target']}: {row['error']}")
        row["spans_per_s"] = row["durable_spans_per_s"]
    return rows


def _own(spans: int, rounds: int) -> list[_Row]:
    """With `bench.load` and `bench.floor`, from a checkout alone."""
    return [_round(name, spans, seed) for seed in range(1, rounds + 1) for name in ("spangate", "floor")]


def _round(name: str, spans: int, seed: int) -> _Row:
    with tempfile.TemporaryDirectory(prefix="spangate-bench-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        floor = [sys.executable, "-m", "bench.floor", port, str(Path(folder, "floor.db"))]
        with running(floor if name == "floor" else serve(port, folder), f"http://127.0.0.1:{port}/health") as watched:
            url = f"http://127.0.0.1:{port}/v1/traces"
            load(url, WARM_SPANS, 0)
            before = watched.cpu_seconds()
            result = load(url, spans, seed)
            cpu = watched.cpu_seconds() - before
        disk = sum(file.stat().st_blocks * 512 for file in Path(folder).rglob("*") if file.is_file())
    return {
        "target": name, "spans_per_s": spans / result["seconds"], "p50_ms": result["p50_ms"],
        "cpu_us_per_span": cpu / spans * 1e6, "peak_pss_mb": watched.peak / 2**20, "bytes_per_span": disk / (spans + WARM_SPANS),
    }  # fmt: skip


def load(url: str, spans: int, seed: int) -> dict[str, float]:
    """What `bench.load` says, in a process of its own."""
    command = [sys.executable, "-m", "bench.load", url, str(spans), str(seed)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)


class _Watched:
    """A process and its peak proportional memory, sampled twice a second."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.peak = 0
        self.stop = threading.Event()

    def sample(self) -> None:
        while not self.stop.wait(0.5):
            try:
                self.peak = max(self.peak, self.process.memory_full_info().pss)
            except psutil.Error:
                return

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def running(command: list[str], health: str, settings: Mapping[str, str] | None = None) -> Iterator[_Watched]:
    """The server, once it answers; ended by its pid."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(settings or {})}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        watched = _Watched(process.pid)
        sampler = threading.Thread(target=watched.sample, daemon=True)
        try:
            deadline = time.monotonic() + 60
            while not _answers(health):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"{' '.join(command)} did not start:\n{log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.05)
            sampler.start()
            yield watched
        finally:
            watched.stop.set()
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
