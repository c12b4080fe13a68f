"""Recorded fault cases of a corpus: how much more often the traces of a fault window are flagged than fault-free ones."""

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.accuracy.figures import RegressionFigures, share
from bench.accuracy.options import Options
from bench.accuracy.samples import CorpusFlow, judge_flow, learn_from, read_traces, split_traces
from bench.accuracy.worst import Example
from gate.compare import Baselines

DETECTED_ABOVE = 0.30
"""A fault case is detected when its best flow is flagged this much more often than fault-free traces of the flow."""


def fault_cases(
    folder: Path, normal: dict[str, CorpusFlow], options: Options, examples: list[Example]
) -> dict[str, RegressionFigures]:
    """By case: the figures of the flow that is flagged most above its fault-free traces. Cases without a label are left out."""
    labels_file = folder / "labels.json"
    if not (folder / "fault").is_dir() or not labels_file.is_file():
        return {}
    labels: dict[str, dict[str, Any]] = json.loads(labels_file.read_text())
    figures: dict[str, RegressionFigures] = {}
    cache: dict[str, tuple[Baselines, float]] = {}
    for case in sorted(path for path in (folder / "fault").iterdir() if path.is_dir()):
        label = labels.get(case.name)
        if label is None:
            continue
        best: tuple[float, RegressionFigures] | None = None
        for path in sorted(case.rglob("*.jsonl.gz")):
            one = _fault_flow(case, path, str(label.get("injected_service") or ""), normal, options, cache)
            if one is None:
                continue
            above, found, example = one
            found.expected = bool(label.get("structure_expected_to_change", True))
            found.case_detected = above >= DETECTED_ABOVE
            if example is not None and found.case_detected != found.expected:
                examples.append(example)
            if best is None or above > best[0]:
                best = above, found
        if best is not None:
            figures[case.name] = best[1]
    return figures


def _fault_flow(
    case: Path,
    path: Path,
    service: str,
    normal: dict[str, CorpusFlow],
    options: Options,
    cache: dict[str, tuple[Baselines, float]],
) -> tuple[float, RegressionFigures, Example | None] | None:
    """How much more often the traces of one flow in a fault window are flagged than fault-free ones."""
    name = path.relative_to(case).name.removesuffix(".jsonl.gz")
    flow = normal.get(name) or next(
        (each for each in normal.values() if each.name in (f"{part}/{name}" for part in _builds(case.name))), None
    )
    if flow is None:
        return None
    if flow.name not in cache:
        goldens, held_out = split_traces(
            flow, min(options.fault_k, max(1, len(flow.traces) - 4)), options.seeds[0], options.held_out
        )
        if not goldens:
            return None
        baselines = learn_from(flow, goldens)
        alarms = [bool(judge_flow(baselines, flow.traces[number].flow, "held-out").flagged) for number in held_out]
        cache[flow.name] = baselines, share(sum(alarms), len(alarms))
    baselines, false_alarms = cache[flow.name]
    figures = RegressionFigures()
    example: Example | None = None
    findings: list[int] = []
    for recorded in read_traces(path, flow.name, options.held_out):
        judged = judge_flow(baselines, recorded.flow, "fault")
        figures.runs += 1
        if judged.flagged:
            figures.detected += 1
            findings.append(len(judged.reported))
            figures.top = figures.top or judged.reported[0].sentence
            figures.root_correct += any(service and part.startswith(f"{service}:") for part in judged.reported[0].place.path[-2:])
        example = example or Example("fault case", f"{case.name} {flow.name}", judged)
    figures.findings = fmean(findings) if findings else 0.0
    return share(figures.detected, figures.runs) - false_alarms, figures, example


def _builds(case: str) -> tuple[str, ...]:
    return case, case.split("_")[0], case.split("-")[0]
