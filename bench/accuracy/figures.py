"""The figures of one set, as JSON and as a table. Rates are shares (0.004 is 0.4 %)."""

from collections.abc import Sequence
from statistics import fmean

import msgspec


class MutationFigures(msgspec.Struct):
    """One kind of mutation: how many were made, found, and how many are no fault of the comparison.

    `another_legitimate_variant`: the mutated trace is a shape of fault-free traces, or differs only in what is hidden by rule.
    """

    n: int = 0
    detected: int = 0
    another_legitimate_variant: int = 0
    hidden_by_rule: int = 0
    """Part of `another_legitimate_variant`: the trace is the same once normalised."""
    inconclusive: int = 0
    """Part of `detected`: all spans of a callee are gone, reported at the place as a telemetry gap, verdict inconclusive."""
    place_correct: int = 0
    findings: int = 0


class RegressionFigures(msgspec.Struct):
    """One regression or fault case. `detected` counts runs (recordings) or traces of the best flow (corpus) that fail."""

    runs: int = 0
    detected: int = 0
    root_correct: int = 0
    findings: float = 0.0
    """Findings that need a decision, mean over detected runs: 1.0 is one finding for one cause."""
    labelled: bool = True
    """Whether somebody said where the root is; without that `root_correct` says nothing."""
    expected: bool = True
    """False for faults that leave the structure alone (latency): those must not be detected."""
    case_detected: bool = False
    top: str = ""
    """The first finding in words."""


class EnvironmentFigures(msgspec.Struct):
    """The same code in another environment."""

    expect: str
    verdict: str
    failing_flows: int
    notices: int
    runs: list[str] = []


class RefactoringFigures(msgspec.Struct):
    """Another code with the same behaviour."""

    failing_flows: int
    verdicts: list[str] = []


class ByK(msgspec.Struct):
    """False alarms with k golden samples."""

    k: int
    held_out: int
    false_alarms: int
    false_alarm_rate: float
    worst_flow: str
    worst_flow_false_alarm_rate: float
    confirmed_false_alarm_rate: float
    """Share when a finding counts only if another held-out run shows the same one (`exec --confirm`)."""
    not_stable_rate: float
    inconclusive: int = 0
    goldens: str = ""


class SetFigures(msgspec.Struct, kw_only=True):
    """Everything measured on one set."""

    set: str
    kind: str
    k: int
    goldens: str
    held_out: int
    false_alarms: int
    false_alarm_rate: float
    worst_flow_false_alarm_rate: float
    confirmed_false_alarm_rate: float
    mutations: dict[str, MutationFigures] = {}
    detection_rate: float | None = None
    mutation_place_rate: float | None = None
    regressions: dict[str, RegressionFigures] = {}
    regression_detection_rate: float | None = None
    root_correct_rate: float | None = None
    findings_per_cause: float | None = None
    environments: dict[str, EnvironmentFigures] = {}
    refactorings: dict[str, RefactoringFigures] = {}
    not_stable_rate: float = 0.0
    ms_per_comparison: float = 0.0
    by_k: list[ByK] = []
    worst_flows: list[tuple[str, float]] = []
    flows: int = 0
    seeds: list[int] = []
    split: str = "all"


def share(part: float, whole: float) -> float:
    """A share; 0 of nothing is 0."""
    return part / whole if whole else 0.0


def complete(figures: SetFigures) -> SetFigures:
    """Fill the rates that follow from the parts."""
    if figures.mutations:
        made = sum(each.n - each.another_legitimate_variant for each in figures.mutations.values())
        found = sum(each.detected for each in figures.mutations.values())
        figures.detection_rate = share(found, made)
        figures.mutation_place_rate = share(sum(each.place_correct for each in figures.mutations.values()), found)
    cases = [case for case in figures.regressions.values() if case.expected]
    if cases:
        if figures.kind == "recordings":
            detected = sum(case.detected for case in cases)
            figures.regression_detection_rate = share(detected, sum(case.runs for case in cases))
            if found := sum(case.detected for case in cases if case.labelled):
                figures.root_correct_rate = share(sum(case.root_correct for case in cases if case.labelled), found)
        else:
            figures.regression_detection_rate = share(sum(case.case_detected for case in cases), len(cases))
        if found := [case.findings for case in cases if case.detected]:
            figures.findings_per_cause = fmean(found)
    return figures


def markdown(sets: Sequence[SetFigures]) -> str:
    """The figures as Markdown tables."""
    lines = ["# Accuracy of the comparison", "", *_summary(sets), ""]
    for figures in sets:
        lines += [
            f"## {figures.set}",
            "",
            *_false_alarms(figures),
            *_mutations(figures),
            *_regressions(figures),
            *_others(figures),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.2f} %"


def _summary(sets: Sequence[SetFigures]) -> list[str]:
    lines = [
        "| set | k | held-out flows | false alarms | worst flow | confirmed | mutations found | place | regressions found | root "
        "| findings per cause | not stable | ms per comparison |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in sets:
        per_cause = "–" if each.findings_per_cause is None else f"{each.findings_per_cause:.2f}"
        lines.append(
            f"| {each.set} ({each.split}) | {each.k} | {each.held_out} | {each.false_alarms} ({_percent(each.false_alarm_rate)}) "
            f"| {_percent(each.worst_flow_false_alarm_rate)} | {_percent(each.confirmed_false_alarm_rate)} "
            f"| {_percent(each.detection_rate)} | {_percent(each.mutation_place_rate)} "
            f"| {_percent(each.regression_detection_rate)} | {_percent(each.root_correct_rate)} | {per_cause} "
            f"| {_percent(each.not_stable_rate)} | {each.ms_per_comparison:.2f} |"
        )
    return lines


def _false_alarms(figures: SetFigures) -> list[str]:
    lines = [
        f"Goldens: {figures.goldens}. {figures.flows} flows, seeds {', '.join(map(str, figures.seeds)) or '–'}.",
        "",
        "| k | goldens | held-out flows | false alarms | worst flow | confirmed | not stable | inconclusive |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in figures.by_k:
        lines.append(
            f"| {each.k} | {each.goldens or 'random'} | {each.held_out} "
            f"| {each.false_alarms} ({_percent(each.false_alarm_rate)}) "
            f"| {_percent(each.worst_flow_false_alarm_rate)} `{each.worst_flow or '–'}` "
            f"| {_percent(each.confirmed_false_alarm_rate)} | {_percent(each.not_stable_rate)} | {each.inconclusive} |"
        )
    return [*lines, ""]


def _mutations(figures: SetFigures) -> list[str]:
    if not figures.mutations:
        return []
    lines = [
        "| mutation | made | another legitimate variant | (hidden by rule) | detected "
        "| (inconclusive) | of the rest | place | findings |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for kind, each in figures.mutations.items():
        rest = each.n - each.another_legitimate_variant
        place, findings = share(each.place_correct, each.detected), share(each.findings, each.detected)
        lines.append(
            f"| {kind} | {each.n} | {each.another_legitimate_variant} | {each.hidden_by_rule} "
            f"| {each.detected} | {each.inconclusive} "
            f"| {_percent(share(each.detected, rest) if rest else None)} | {_percent(place)} | {findings:.2f} |"
        )
    return [*lines, ""]


def _regressions(figures: SetFigures) -> list[str]:
    if not figures.regressions:
        return []
    lines = ["| regression or fault | structural | runs or traces | flagged | root correct | findings | first finding |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, each in figures.regressions.items():
        lines.append(
            f"| {name} | {'yes' if each.expected else 'no'} | {each.runs} | {each.detected} | {each.root_correct} "
            f"| {each.findings:.2f} | {_cell(each.top)} |"
        )
    return [*lines, ""]


def _others(figures: SetFigures) -> list[str]:
    lines: list[str] = []
    if figures.environments:
        lines += ["| environment | expected | verdict | failing flows | notices |", "|---|---|---|---|---|"]
        for name, each in figures.environments.items():
            lines.append(f"| {name} | {each.expect} | {each.verdict} | {each.failing_flows} | {each.notices} |")
        lines.append("")
    if figures.refactorings:
        lines += ["| refactoring | failing flows |", "|---|---|"]
        lines += [f"| {name} | {each.failing_flows} |" for name, each in figures.refactorings.items()]
        lines.append("")
    return lines


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:160]
