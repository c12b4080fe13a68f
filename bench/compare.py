"""`python -m bench.compare`: ms of one comparison with attributes and cause, beside the plainest structural diff there is.

The yardstick is the multiset of call paths of both traces and its difference, without attributes, alignment or explanation,
measured in the same run: absolute figures of a machine say little, the ratio does. Where the shared pairs and differs lie beside the
repository, pairs and yardstick are theirs. Times are CPU milliseconds; `compare` begins with normalised flows and a learned baseline, whose
own times stand beside it.
"""

import gc
import importlib
import json
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.tracegen import again, changed, from_folder, trace
from gate.codec.assemble import build_traces
from gate.compare import compare, judge, learn
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Span
from gate.normalize import normalize

SIZES = (200, 2_000, 10_000)
ROUNDS = {200: 40, 2_000: 12, 10_000: 5}
RUN_FLOWS = (40, 400)
"""Flows of a whole run: half of them a suite's, half repetitions of one background request."""
LEARN_SAMPLES, LEARN_SPANS = 20, 200
SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench"
JAEGER_UI = {200: (6.5, 0.45), 2_000: (99.0, 11.0), 10_000: (512.0, 65.0)}
"""Reference: ms of the Jaeger UI's diff, and of the yardstick on the same machine, which tells how fast this one is."""
GOALS = (
    "goals: ≤ 4 × multiset, ≤ 0.3 × Jaeger UI (reference, scaled by the multiset of this run), growth ≤ 1.2, learning ≤ 100 ms"
)


def main() -> int:
    """Print the table; `--out FILE` writes it as JSON."""
    rows = [row for size in SIZES for row in _rows(size)]
    print("| spans | pair | compare ms | normalise ms | learn one ms | call-path multiset ms | / multiset | / Jaeger UI |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['spans']:,} | {row['pair']} | {row['compare_ms']:.2f} | {row['normalize_ms']:.2f} | {row['learn_ms']:.2f} "
            f"| {row['multiset_ms']:.2f} | {row['ratio']:.1f} | {row['jaeger_ratio']:.2f} |"
        )
    growth = {pair: _growth([row for row in rows if row["pair"] == pair]) for pair in ("same", "changed")}
    print("\ngrowth exponent, 2,000 → 10,000 spans: " + ", ".join(f"{pair} {value:.2f}" for pair, value in growth.items()))
    whole = {flows: _whole_run(flows) for flows in RUN_FLOWS}
    small, large = RUN_FLOWS
    run_growth = math.log(whole[large] / whole[small]) / math.log(large / small)
    print(f"whole run, {small} → {large} flows: {whole[small]:.0f} → {whole[large]:.0f} ms, growth exponent {run_growth:.2f}")
    learned = _learning()
    print(f"learning {LEARN_SAMPLES} samples of {LEARN_SPANS} spans: {learned:.1f} ms\n{GOALS}")
    if "--out" in sys.argv:
        out = Path(sys.argv[sys.argv.index("--out") + 1])
        out.write_text(
            json.dumps(
                {"pairs": rows, "growth": growth, "run_ms": whole, "run_growth": run_growth, "learn_20x200_ms": learned}, indent=1
            )
            + "\n"
        )
    return 0


def _rows(size: int) -> list[dict[str, Any]]:
    golden, same, other = _pairs(size)
    sample = _run("golden", golden)
    rows: list[dict[str, Any]] = []
    for pair, candidate in (("same", same), ("changed", other)):
        baselines = learn([sample])
        run = _run("run", candidate)
        assembled = build_traces(candidate)
        times = _interleaved(
            ROUNDS[size],
            lambda run=run, baselines=baselines: judge(compare(baselines, run)),
            lambda assembled=assembled: [normalize(each) for each in assembled],
            lambda: learn([sample]),
            _yardstick(size, pair, golden, candidate),
        )
        compared, normalized, learned, multiset = times
        jaeger, reference = JAEGER_UI[size]
        rows.append({
            "spans": size, "pair": pair, "compare_ms": compared, "normalize_ms": normalized, "learn_ms": learned,
            "multiset_ms": multiset, "ratio": compared / multiset, "jaeger_ratio": compared / (jaeger * multiset / reference),
        })  # fmt: skip
    return rows


def _pairs(size: int) -> tuple[list[Span], list[Span], list[Span]]:
    """Golden, same and changed trace: of the shared generator when it lies beside the repository, else of our own."""
    if (SHARED / "tracepairs.py").is_file():
        return from_folder(SHARED, size)
    golden = trace(size, seed=5)
    same = again(golden, seed=6)
    return golden, same, changed(same, seed=7)


def _yardstick(size: int, pair: str, golden: Sequence[Span], candidate: Sequence[Span]) -> Callable[[], object]:
    """The shared one on the shared pair, else the same of our own."""
    if (SHARED / "bench_diff.py").is_file():
        sys.path.insert(0, str(SHARED))
        kind = "identical" if pair == "same" else "mutated"
        return importlib.import_module("bench_diff").c_path_counter(*importlib.import_module("tracepairs").pair(size, kind))
    return lambda: _multiset_difference(golden, candidate)


def _growth(rows: Sequence[dict[str, Any]]) -> float:
    before, after = rows[-2:]
    return math.log(after["compare_ms"] / before["compare_ms"]) / math.log(after["spans"] / before["spans"])


def _whole_run(flows: int) -> float:
    """Milliseconds to judge a run in which every flow of the suite changed."""
    golden = trace(LEARN_SPANS, seed=5)
    before, after = again(golden, seed=6), changed(again(golden, seed=6), seed=7)
    suite = _run("suite", after).flows[0]
    background = _run("background", before).flows[0]

    def repeated(run: str, tested: Flow) -> RunFlows:
        cases = [replace(tested, key=replace(tested.key, test_case=f"case {number}")) for number in range(flows // 2)]
        return RunFlows(run, (*cases, *[background] * (flows - len(cases))))

    baselines = learn([repeated("golden-1", background), repeated("golden-2", background)])
    run = repeated("run", suite)
    return _interleaved(3, lambda: judge(compare(baselines, run)))[0]


def _learning() -> float:
    golden = trace(LEARN_SPANS, seed=5)
    runs = [_run(f"golden-{number}", again(golden, seed=number)) for number in range(LEARN_SAMPLES)]
    return _interleaved(10, lambda: learn(runs))[0]


def _run(name: str, spans: Sequence[Span]) -> RunFlows:
    return RunFlows(name, tuple(flow for each in build_traces(spans) for flow in normalize(each)))


def _interleaved(rounds: int, *functions: Callable[[], object]) -> list[float]:
    """Median CPU milliseconds of each function, the functions taking turns so that a slow moment meets all of them."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds + 1):
        for measured, function in zip(times, functions, strict=True):
            gc.collect()
            gc.disable()
            started = time.process_time()
            function()
            measured.append((time.process_time() - started) * 1000)
            gc.enable()
    return [statistics.median(measured[1:]) for measured in times]


def _multiset_difference(before: Sequence[Span], after: Sequence[Span]) -> tuple[Counter[int], Counter[int]]:
    table: dict[tuple[int, str, str, int], int] = {}
    first, second = _paths(before, table), _paths(after, table)
    return first - second, second - first


def _paths(spans: Sequence[Span], table: dict[tuple[int, str, str, int], int]) -> Counter[int]:
    children: dict[str, list[Span]] = {}
    for span in spans:
        children.setdefault(span.parent_span_id, []).append(span)
    counts: Counter[int] = Counter()
    stack = [(span, 0) for span in children.get("", ())]
    while stack:
        span, parent = stack.pop()
        number = table.setdefault((parent, span.resource.service, span.name, span.kind), len(table) + 1)
        counts[number] += 1
        stack.extend((child, number) for child in children.get(span.span_id, ()))
    return counts


if __name__ == "__main__":
    sys.exit(main())
