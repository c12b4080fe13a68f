"""A set of whole traces by flow: `normal/[<build>/]<flow>.jsonl.gz`, `fault/<case>/<flow>.jsonl.gz`, `labels.json`.

Each line of a file is one trace in OTLP/JSON; a file is one flow, as if it were one scripted test case.
"""

import itertools
import zlib
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bench.accuracy.faults import fault_cases
from bench.accuracy.figures import ByK, MutationFigures, SetFigures, complete, share
from bench.accuracy.language import Language, exact
from bench.accuracy.mutations import KINDS, Mutation, mutate
from bench.accuracy.options import EmptySet, Options
from bench.accuracy.place import is_at, names_of
from bench.accuracy.product import flow_of
from bench.accuracy.samples import CorpusFlow, judge_flow, learn_from, read_traces, split_traces
from bench.accuracy.worst import Example
from gate.compare import Baselines
from gate.model.flow import Flow
from gate.model.verdict import Conclusion


def is_corpus(folder: Path) -> bool:
    """Whether the folder is laid out like this."""
    return (folder / "normal").is_dir()


def measure(folder: Path, options: Options) -> tuple[SetFigures, list[Example]]:
    """All figures of the set, and examples of what went wrong."""
    flows = _read_normal(folder, options)
    if not flows:
        raise EmptySet(f"{folder / 'normal'} has no FLOW.jsonl.gz: there is nothing to learn from.")
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
            regressions=fault_cases(folder, held, options, examples) if options.faults else {},
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
            flows.append(CorpusFlow(name, read_traces(path, name, options.max_traces)))
    return flows


def _false_alarms(
    flows: Sequence[CorpusFlow], k: int, options: Options, times: list[float], examples: list[Example]
) -> tuple[ByK, dict[str, float]]:
    alarms: dict[str, list[bool]] = {}
    confirmed: list[bool] = []
    unstable: list[bool] = []
    inconclusive = 0
    for flow in flows:
        for seed in options.seeds:
            goldens, held_out = split_traces(flow, k, seed, options.held_out)
            if not goldens:
                continue
            baselines = learn_from(flow, goldens)
            prints: list[set[str]] = []
            for number in held_out:
                judged = judge_flow(baselines, flow.traces[number].flow, f"held-out-{number}")
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
            goldens, held_out = split_traces(flow, options.corpus_k, seed, options.held_out)
            if not goldens:
                continue
            baselines = learn_from(flow, goldens)
            clean = [number for number in held_out if not judge_flow(baselines, flow.traces[number].flow, "clean").flagged]
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
    judged = judge_flow(baselines, after, "mutated")
    times.append(judged.milliseconds)
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
            examples.append(Example("wrong place", f"{name}; expected {mutation.sites}", judged))
    elif legitimate:
        figures.another_legitimate_variant += 1
        figures.hidden_by_rule += hidden
    else:
        examples.append(Example("missed mutation", f"{name}; at {mutation.sites}", judged))
