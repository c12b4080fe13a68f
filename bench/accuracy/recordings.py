"""Recorded applications: `good|env/<variant>|bad/<regression>|ok/<refactoring>/run-NN/traces.jsonl.gz`, `labels.json`.

Each line is one export request as received: a run is all flows of all its traces. Goldens are the first good runs.
"""

import itertools
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.accuracy.figures import (
    ByK,
    EnvironmentFigures,
    MutationFigures,
    RefactoringFigures,
    RegressionFigures,
    SetFigures,
    complete,
    share,
)
from bench.accuracy.language import Language, exact
from bench.accuracy.mutations import KINDS, mutate
from bench.accuracy.options import EmptySet, Options
from bench.accuracy.place import is_at, is_root, names_of
from bench.accuracy.product import Judged, judge_run, learned, read_run, run_of
from bench.accuracy.worst import Example
from gate.codec.files import read_spans
from gate.compare import Baselines
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Span
from gate.model.verdict import Conclusion, Level

_WORST = {Conclusion.PASS: 0, Conclusion.NEW: 1, Conclusion.INCONCLUSIVE: 2, Conclusion.FAIL: 3}


def is_recordings(folder: Path) -> bool:
    """Whether the folder is laid out like this."""
    return (folder / "good").is_dir()


def measure(folder: Path, options: Options) -> tuple[SetFigures, list[Example]]:
    """All figures of the application, and examples of what went wrong."""
    good = {path.parent.name: read_run(path, path.parent.name) for path in sorted((folder / "good").glob("*/traces.jsonl.gz"))}
    labels: dict[str, Any] = json.loads((folder / "labels.json").read_text()) if (folder / "labels.json").is_file() else {}
    examples: list[Example] = []
    times: list[float] = []
    names = list(good)
    if not names:
        raise EmptySet(f"{folder / 'good'} has no run-NN/traces.jsonl.gz: there is nothing to learn from.")
    goldens = names[: max(1, min(options.recording_goldens, len(names) - 1))]
    baselines = learned([good[name] for name in goldens])
    many, rates = _false_alarms(baselines, good, goldens, times, examples)
    one, _ = _false_alarms(learned([good[names[0]]]), good, names[:1], times, [])
    fresh = _fresh(folder, names)
    single, _ = _false_alarms(
        learned([good[names[0]]]), {name: good[name] for name in names if name in fresh or name == names[0]}, names[:1], times, []
    )
    single.goldens = f"{names[0]}; held-out: fresh runs of the same order"
    return complete(
        SetFigures(
            set=folder.name,
            kind="recordings",
            k=len(goldens),
            goldens=f"good runs {', '.join(goldens)}",
            held_out=many.held_out,
            false_alarms=many.false_alarms,
            false_alarm_rate=many.false_alarm_rate,
            worst_flow_false_alarm_rate=many.worst_flow_false_alarm_rate,
            confirmed_false_alarm_rate=many.confirmed_false_alarm_rate,
            mutations=_mutations(folder, names[len(goldens) :], good, baselines, options, examples) if options.mutations else {},
            regressions=_regressions(folder, labels, baselines, times, examples),
            environments=_environments(folder, labels, baselines, times, examples),
            refactorings=_refactorings(folder, baselines, times, examples),
            not_stable_rate=many.not_stable_rate,
            ms_per_comparison=fmean(times) if times else 0.0,
            by_k=[one, *([single] if single.held_out else []), many],
            worst_flows=sorted(((name, rate) for name, rate in rates.items() if rate), key=lambda each: -each[1])[:10],
            flows=len({flow.key for run in good.values() for flow in run.flows}),
            seeds=list(options.seeds),
            split=options.split,
        )
    ), examples


def _judge(baselines: Baselines, run: RunFlows, times: list[float]) -> Judged:
    judged = judge_run(baselines, run)
    times.append(judged.milliseconds / max(1, len(run.flows)))
    return judged


def _false_alarms(
    baselines: Baselines, good: dict[str, RunFlows], goldens: Sequence[str], times: list[float], examples: list[Example]
) -> tuple[ByK, dict[str, float]]:
    flagged: dict[str, int] = {}
    seen: dict[str, int] = {}
    prints: list[set[tuple[str, str]]] = []
    unstable: list[bool] = []
    inconclusive = 0
    for name, run in good.items():
        if name in goldens:
            continue
        judged = _judge(baselines, run, times)
        for key in {str(flow.key) for flow in judged.verdict.flows}:
            seen[key] = seen.get(key, 0) + 1
        for key in judged.flagged:
            flagged[key] = flagged.get(key, 0) + 1
        prints.append({(finding.fingerprint, str(key)) for finding in judged.reported for key in finding.flows})
        unstable += [any("not stable" in note for note in each.notes) for each in judged.comparisons]
        inconclusive += judged.verdict.conclusion == Conclusion.INCONCLUSIVE
        if judged.flagged:
            examples.append(Example("false alarm", f"good/{name} with {len(goldens)} goldens", judged))
    rates = {key: flagged.get(key, 0) / count for key, count in seen.items()}
    total, count = sum(seen.values()), sum(flagged.values())
    twice = sum(len({key for _, key in first & second}) for first, second in itertools.pairwise(prints))
    pairs = sum(seen.values()) * max(0, len(prints) - 1) / max(1, len(prints))
    worst = max(rates, key=lambda key: rates[key], default="")
    figures = ByK(
        len(goldens), total, count, share(count, total), worst if rates.get(worst) else "", rates.get(worst, 0.0),
        share(twice, pairs), share(sum(unstable), len(unstable)), inconclusive, ", ".join(goldens),
    )  # fmt: skip
    return figures, rates


def _fresh(folder: Path, names: Sequence[str]) -> set[str]:
    """Good runs on a fresh database in the usual order, as the recording says."""
    fresh: set[str] = set()
    for name in names:
        meta_file = folder / "good" / name / "meta.json"
        if meta_file.is_file():
            variant = json.loads(meta_file.read_text()).get("variant", {})
            if variant.get("fresh") and not variant.get("shuffle") and variant.get("workers", 1) == 1:
                fresh.add(name)
    return fresh


def _runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/traces.jsonl.gz"))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _regressions(
    folder: Path, labels: dict[str, Any], baselines: Baselines, times: list[float], examples: list[Example]
) -> dict[str, RegressionFigures]:
    figures: dict[str, RegressionFigures] = {}
    for case in _folders(folder / "bad"):
        root = labels.get("bad", {}).get(case.name, {}).get("root", {})
        one = figures[case.name] = RegressionFigures(labelled=bool(root))
        findings: list[int] = []
        for path in _runs(case):
            judged = _judge(baselines, read_run(path, path.parent.name), times)
            one.runs += 1
            name = f"bad/{case.name}/{path.parent.name}; root {root}"
            if judged.verdict.conclusion != Conclusion.FAIL:
                examples.append(Example("missed regression", name, judged))
                continue
            one.detected += 1
            one.case_detected = True
            findings.append(len(judged.failures))
            one.top = one.top or judged.failures[0].sentence
            correct = bool(root) and is_root(judged.failures[0], root)
            one.root_correct += correct
            if not correct:
                examples.append(Example("wrong root", name, judged))
            elif len(judged.failures) > 1:
                examples.append(Example("several findings for one cause", name, judged))
        one.findings = fmean(findings) if findings else 0.0
    return figures


def _environments(
    folder: Path, labels: dict[str, Any], baselines: Baselines, times: list[float], examples: list[Example]
) -> dict[str, EnvironmentFigures]:
    figures: dict[str, EnvironmentFigures] = {}
    for variant in _folders(folder / "env"):
        expect = str(labels.get("env", {}).get(variant.name, {}).get("expect", "pass"))
        verdicts: list[Conclusion] = []
        failing = notices = 0
        for path in _runs(variant):
            judged = _judge(baselines, read_run(path, path.parent.name), times)
            verdicts.append(judged.verdict.conclusion)
            failing += len(judged.failing)
            notices = max(notices, sum(finding.level == Level.NOTICE for finding in judged.verdict.findings))
            wanted = judged.verdict.conclusion == Conclusion.INCONCLUSIVE if expect == "incomplete" else not judged.failing
            if not wanted:
                examples.append(Example("environment", f"env/{variant.name}/{path.parent.name}: expected {expect}", judged))
        worst = max(verdicts, key=lambda verdict: _WORST[verdict], default=Conclusion.NEW)
        figures[variant.name] = EnvironmentFigures(expect, worst.value, failing, notices, [verdict.value for verdict in verdicts])
    return figures


def _refactorings(
    folder: Path, baselines: Baselines, times: list[float], examples: list[Example]
) -> dict[str, RefactoringFigures]:
    figures: dict[str, RefactoringFigures] = {}
    for case in _folders(folder / "ok"):
        one = figures[case.name] = RefactoringFigures(0)
        for path in _runs(case):
            judged = _judge(baselines, read_run(path, path.parent.name), times)
            one.failing_flows += len(judged.failing)
            one.verdicts.append(judged.verdict.conclusion.value)
            if judged.failing:
                examples.append(Example("refactoring", f"ok/{case.name}/{path.parent.name}", judged))
    return figures


def _mutations(
    folder: Path,
    held_out: Sequence[str],
    good: dict[str, RunFlows],
    baselines: Baselines,
    options: Options,
    examples: list[Example],
) -> dict[str, MutationFigures]:
    """Single-site mutations of test-case traces in held-out runs that are clean; the rest of the run stays."""
    figures = {kind: MutationFigures() for kind in KINDS}
    by_key: dict[str, list[Flow]] = {}
    for run in good.values():
        for flow in run.flows:
            by_key.setdefault(str(flow.key), []).append(flow)
    languages: dict[str, Language] = {}
    clean = [name for name in held_out if not judge_run(baselines, good[name]).flagged][: len(options.seeds) + 1]
    for number, name in enumerate(clean):
        spans = _by_trace(read_spans((folder / "good" / name / "traces.jsonl.gz").read_bytes(), source=name))
        tested = sorted(
            (flow for flow in good[name].flows if flow.key.test_case and len(flow.operations) > 2),
            key=lambda flow: zlib.crc32(f"{name}{flow.key}".encode()),
        )
        for position, kind in enumerate(KINDS):
            for offset in range(2 * options.per_kind):
                flow = tested[(2 * position * options.per_kind + offset + number) % len(tested)]
                mutation = mutate(spans[flow.trace_id], kind, f"{options.seeds[0]}-{name}-{offset}", _layers(flow))
                if mutation is None:
                    continue
                key = str(flow.key)
                language = languages.setdefault(key, Language(by_key[key]))
                after = run_of(name, mutation.spans).flows[0]
                others = tuple(each for each in good[name].flows if each.trace_id != flow.trace_id)
                judged = judge_run(baselines, RunFlows(name, (*others, after)))
                _count(figures[kind], judged, flow, after, mutation, language, f"good/{name} {key} {kind}", examples)
    return {kind: each for kind, each in figures.items() if each.n}


def _count(
    figures: MutationFigures, judged: Judged, before: Flow, after: Flow, mutation: Any, language: Language, name: str,
    examples: list[Example],
) -> None:  # fmt: skip
    figures.n += 1
    hidden = exact(before) == exact(after)
    legitimate = hidden or (language.has(after) and (mutation.kind != "swap_siblings" or language.has_order(after)))
    if judged.flagged and not legitimate:
        figures.detected += 1
        figures.inconclusive += not judged.failing
        figures.findings += len(judged.reported)
        sites = {*mutation.sites, *names_of(before, mutation.at), *names_of(after, mutation.at)}
        correct = is_at(judged.reported[0], sites)
        figures.place_correct += correct
        if not correct:
            examples.append(Example("wrong place", f"{name}; expected {mutation.sites}", judged, str(after.key)))
    elif legitimate:
        figures.another_legitimate_variant += 1
        figures.hidden_by_rule += hidden
    else:
        examples.append(Example("missed mutation", f"{name}; at {mutation.sites}", judged, str(after.key)))


def _layers(flow: Flow) -> dict[str, tuple[str, ...]]:
    return {
        operation.span_id: tuple(each.span_id for each in operation.folded) for operation in flow.operations if operation.folded
    }


def _by_trace(spans: Sequence[Span]) -> dict[str, list[Span]]:
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return traces
