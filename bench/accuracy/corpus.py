"""A set of whole traces by flow: `normal/[<build>/]<flow>.jsonl.gz`, `fault/<case>/<flow>.jsonl.gz`, `labels.json`.

Each line of a file is one trace in OTLP/JSON; a file is one flow, as if it were one scripted test case.
"""

import gzip
import itertools
import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from bench.accuracy.figures import ByK, MutationFigures, RegressionFigures, SetFigures, complete, share
from bench.accuracy.language import Language, exact
from bench.accuracy.mutations import KINDS, Mutation, mutate
from bench.accuracy.options import Options
from bench.accuracy.place import is_at
from bench.accuracy.product import Judged, flow_of, judge_run, learned
from bench.accuracy.worst import Example
from gate.codec.otlp_json import decode_spans
from gate.compare import Baselines
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Span
from gate.model.verdict import Conclusion

DETECTED_ABOVE = 0.30
"""A fault case is detected when its best flow is flagged this much more often than fault-free traces of the flow."""


class Recorded(msgspec.Struct, frozen=True):
    """One trace of the set: its spans (for mutations) and its flow."""

    spans: tuple[Span, ...]
    flow: Flow


class CorpusFlow(msgspec.Struct, frozen=True):
    """The fault-free traces of one flow."""

    name: str
    traces: tuple[Recorded, ...]


def is_corpus(folder: Path) -> bool:
    """Whether the folder is laid out like this."""
    return (folder / "normal").is_dir()


def measure(folder: Path, options: Options) -> tuple[SetFigures, list[Example]]:
    """All figures of the set, and examples of what went wrong."""
    flows = _read_normal(folder, options)
    held = {flow.name: flow for flow in flows}
    examples: list[Example] = []
    by_k: list[ByK] = []
    times: list[float] = []
    worst: dict[str, float] = {}
    for k in options.ks:
        figures, rates = _false_alarms(flows, k, options, times, examples if k == options.corpus_k else [])
        if figures.held_out:
            by_k.append(figures)
            if k == options.corpus_k:
                worst = rates
    headline = next((each for each in by_k if each.k == options.corpus_k), by_k[-1] if by_k else _none(options.corpus_k))
    mutations = _mutations(flows, options, examples, times) if options.mutations else {}
    return complete(
        SetFigures(
            set=folder.name,
            kind="corpus",
            k=headline.k,
            goldens=f"{headline.k} random fault-free traces a flow, disjoint from the held-out ones",
            held_out=headline.held_out,
            false_alarms=headline.false_alarms,
            false_alarm_rate=headline.false_alarm_rate,
            worst_flow_false_alarm_rate=headline.worst_flow_false_alarm_rate,
            confirmed_false_alarm_rate=headline.confirmed_false_alarm_rate,
            mutations=mutations,
            regressions=_faults(folder, held, options, examples) if options.faults else {},
            not_stable_rate=headline.not_stable_rate,
            ms_per_comparison=fmean(times) if times else 0.0,
            by_k=by_k,
            worst_flows=sorted(((name, rate) for name, rate in worst.items() if rate), key=lambda each: -each[1])[:10],
            flows=len(flows),
            seeds=list(options.seeds),
            split=options.split,
        )
    ), examples


def _none(k: int) -> ByK:
    return ByK(k, 0, 0, 0.0, "", 0.0, 0.0, 0.0)


def _read_normal(folder: Path, options: Options) -> list[CorpusFlow]:
    flows: list[CorpusFlow] = []
    for path in sorted((folder / "normal").rglob("*.jsonl.gz")):
        name = str(path.relative_to(folder / "normal")).removesuffix(".jsonl.gz")
        half = "tune" if zlib.crc32(name.encode()) % 2 else "report"
        if options.split in ("all", half):
            flows.append(CorpusFlow(name, _read(path, name, options.max_traces)))
    return flows


def _read(path: Path, name: str, limit: int) -> tuple[Recorded, ...]:
    recorded: list[Recorded] = []
    with gzip.open(path, "rb") as lines:
        for line in lines:
            if len(recorded) >= limit:
                break
            if line.strip():
                spans = tuple(decode_spans(line))
                recorded.append(Recorded(spans, flow_of(spans, name)))
    return tuple(recorded)


def _split(flow: CorpusFlow, k: int, seed: int, held_out: int) -> tuple[list[int], list[int]]:
    """Golden and held-out traces by index, disjoint; nothing when there are too few."""
    order = list(range(len(flow.traces)))
    random.Random(f"{seed}/{flow.name}").shuffle(order)
    if len(order) < k + 2:
        return [], []
    return order[:k], order[k : k + held_out]


def _learn(flow: CorpusFlow, goldens: Sequence[int]) -> Baselines:
    return learned([RunFlows(f"golden-{number}", (flow.traces[number].flow,)) for number in goldens])


def _judge(baselines: Baselines, flow: Flow, run: str) -> Judged:
    return judge_run(baselines, RunFlows(run, (flow,)))


def _false_alarms(
    flows: Sequence[CorpusFlow], k: int, options: Options, times: list[float], examples: list[Example]
) -> tuple[ByK, dict[str, float]]:
    alarms: dict[str, list[bool]] = {}
    confirmed: list[bool] = []
    unstable: list[bool] = []
    inconclusive = 0
    for flow in flows:
        for seed in options.seeds:
            goldens, held_out = _split(flow, k, seed, options.held_out)
            if not goldens:
                continue
            baselines = _learn(flow, goldens)
            prints: list[set[str]] = []
            for number in held_out:
                judged = _judge(baselines, flow.traces[number].flow, f"held-out-{number}")
                times.append(judged.milliseconds)
                flagged = bool(judged.flagged)
                inconclusive += judged.verdict.conclusion == Conclusion.INCONCLUSIVE
                alarms.setdefault(flow.name, []).append(flagged)
                prints.append({finding.fingerprint for finding in judged.reported})
                unstable.append(any("not stable" in note for each in judged.comparisons for note in each.notes))
                if flagged:
                    examples.append(Example("false alarm", f"{flow.name} seed {seed} trace {number} k {k}", judged))
            confirmed += [bool(first & second) for first, second in itertools.pairwise(prints)]
    rates = {name: share(sum(flags), len(flags)) for name, flags in alarms.items()}
    worst = max(rates, key=lambda name: rates[name], default="")
    total = sum(map(len, alarms.values()))
    count = sum(map(sum, alarms.values()))
    figures = ByK(
        k, total, count, share(count, total), worst if rates.get(worst) else "", rates.get(worst, 0.0),
        share(sum(confirmed), len(confirmed)), share(sum(unstable), len(unstable)), inconclusive,
    )  # fmt: skip
    return figures, rates


def _mutations(
    flows: Sequence[CorpusFlow], options: Options, examples: list[Example], times: list[float]
) -> dict[str, MutationFigures]:
    figures = {kind: MutationFigures() for kind in KINDS}
    for flow in flows:
        language = Language(recorded.flow for recorded in flow.traces)
        for seed in options.seeds:
            goldens, held_out = _split(flow, options.corpus_k, seed, options.held_out)
            if not goldens:
                continue
            baselines = _learn(flow, goldens)
            clean = [number for number in held_out if not _judge(baselines, flow.traces[number].flow, "clean").flagged]
            for kind in KINDS:
                made = 0
                for number in clean:
                    if made >= options.per_kind:
                        break
                    recorded = flow.traces[number]
                    mutation = mutate(recorded.spans, kind, f"{seed}-{number}")
                    if mutation is None:
                        continue
                    made += 1
                    name = f"{flow.name} {kind} seed {seed} trace {number}"
                    _one_mutation(
                        figures[kind],
                        mutation,
                        recorded.flow,
                        flow_of(mutation.spans, flow.name),
                        baselines,
                        language,
                        name,
                        examples,
                        times,
                    )
    return {kind: each for kind, each in figures.items() if each.n}


def _one_mutation(
    figures: MutationFigures,
    mutation: Mutation,
    before: Flow,
    after: Flow,
    baselines: Baselines,
    language: Language,
    name: str,
    examples: list[Example],
    times: list[float],
) -> None:
    figures.n += 1
    judged = _judge(baselines, after, "mutated")
    times.append(judged.milliseconds)
    hidden = exact(before) == exact(after)
    legitimate = hidden or (language.has(after) and (mutation.kind != "swap_siblings" or language.has_order(after)))
    if judged.flagged and not legitimate:
        figures.detected += 1
        figures.inconclusive += not judged.failing
        figures.findings += len(judged.reported)
        correct = is_at(judged.reported[0], mutation.sites)
        figures.place_correct += correct
        if not correct:
            examples.append(Example("wrong place", f"{name}; expected {mutation.sites}", judged))
    elif legitimate:
        figures.another_legitimate_variant += 1
        figures.hidden_by_rule += hidden
    else:
        examples.append(Example("missed mutation", f"{name}; at {mutation.sites}", judged))


def _faults(
    folder: Path, normal: dict[str, CorpusFlow], options: Options, examples: list[Example]
) -> dict[str, RegressionFigures]:
    labels_file = folder / "labels.json"
    if not (folder / "fault").is_dir() or not labels_file.is_file():
        return {}
    labels = json.loads(labels_file.read_text())
    figures: dict[str, RegressionFigures] = {}
    cache: dict[str, tuple[Baselines, float]] = {}
    for case in sorted(path for path in (folder / "fault").iterdir() if path.is_dir()):
        label = labels.get(case.name)
        if label is None:
            continue
        best: tuple[float, RegressionFigures] | None = None
        for path in sorted(case.rglob("*.jsonl.gz")):
            one = _fault_flow(folder, case, path, normal, options, cache)
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
    folder: Path,
    case: Path,
    path: Path,
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
        goldens, held_out = _split(flow, min(options.fault_k, max(1, len(flow.traces) - 4)), options.seeds[0], options.held_out)
        if not goldens:
            return None
        baselines = _learn(flow, goldens)
        alarms = [bool(_judge(baselines, flow.traces[number].flow, "held-out").flagged) for number in held_out]
        cache[flow.name] = baselines, share(sum(alarms), len(alarms))
    baselines, false_alarms = cache[flow.name]
    figures = RegressionFigures()
    example: Example | None = None
    findings: list[int] = []
    service = json.loads((folder / "labels.json").read_text())[case.name].get("injected_service")
    for recorded in _read(path, flow.name, options.held_out):
        judged = _judge(baselines, recorded.flow, "fault")
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
