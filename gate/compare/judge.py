"""Comparisons → verdict: levels, approvals, and what cannot be judged."""

from collections.abc import Mapping, Sequence

import msgspec

from gate.compare.entries import FEWEST
from gate.compare.levels import severity
from gate.model.change import TelemetryGap
from gate.model.flow import FlowKey
from gate.model.policy import Policy
from gate.model.verdict import Approval, Comparison, Conclusion, Finding, FlowVerdict, Level, Rejection, Verdict

FEWEST_FLOWS = 4
"""Golden test cases from which the share that is missing says something."""


def judge(
    comparisons: Sequence[Comparison],
    *,
    policy: Policy | None = None,
    approvals: Mapping[str, Approval] | None = None,
    rejections: Mapping[str, Rejection] | None = None,
    baseline_reasons: Mapping[FlowKey, str] | None = None,
    reasons: tuple[str, ...] = (),
) -> Verdict:
    """The verdict on a run. `approvals` and `rejections` are by fingerprint, `baseline_reasons` say how each flow's baseline was chosen.

    Failing findings win over what cannot be judged, that over flows without baseline, those over passing; no comparison at all,
    or none that could be judged, is inconclusive, never a pass. Findings are worst first, one a fingerprint.
    """
    policy = policy or Policy()
    approvals = approvals or {}
    baseline_reasons = baseline_reasons or {}
    findings: dict[str, Finding] = {}
    flows: list[FlowVerdict] = []
    counted: list[Conclusion] = []
    said = list(reasons)
    for comparison in comparisons:
        own = [_decided(finding, approvals, rejections or {}) for finding in comparison.findings]
        for finding in own:
            findings[finding.fingerprint] = _joined(findings.get(finding.fingerprint), finding)
        verdict = _flow(comparison, own, policy, baseline_reasons.get(comparison.key, ""))
        flows.append(verdict)
        if comparison.flow or verdict.conclusion is Conclusion.FAIL:  # what did not run neither passes nor fails
            counted.append(verdict.conclusion)
        if verdict.conclusion is Conclusion.INCONCLUSIVE:
            reason = f"{comparison.key}: {verdict.reason}"
            if len(said) < 20 and reason not in said:
                said.append(reason)
    if not counted:
        said.append("no flows arrived: nothing was compared")
    conclusion = _conclusion(counted)
    if (absence := _absence(comparisons)) and not policy.partial_runs:
        said.append(absence)
        conclusion = conclusion if conclusion is Conclusion.FAIL else Conclusion.INCONCLUSIVE
    return Verdict(conclusion, tuple(sorted(findings.values(), key=_worst_first)), tuple(flows), tuple(said))


def _absence(comparisons: Sequence[Comparison]) -> str:
    """Says that too many golden test cases are not in the run; empty when they are."""
    known = {comparison.key for comparison in comparisons if comparison.key.test_case and comparison.sample}
    absent = {comparison.key for comparison in comparisons if comparison.key.test_case and comparison.flow is None}
    if len(known) < FEWEST_FLOWS or len(known) - len(absent) >= FEWEST * len(known):
        return ""
    return (
        f"{len(absent)} of {len(known)} golden test cases are not in the run: they did not run, or their traces were sampled or lost"
        " (where only a part of the suite is meant to run, set `partial_runs: true` in the policy)"
    )


def _worst_first(finding: Finding) -> tuple[int, bool, int, str]:
    return severity(finding.level), finding.approval is not None, -len(finding.flows), finding.fingerprint


def _decided(finding: Finding, approvals: Mapping[str, Approval], rejections: Mapping[str, Rejection]) -> Finding:
    """The finding with what people said about it. A rejected one fails: somebody looked, and it is a regression."""
    if rejection := rejections.get(finding.fingerprint):
        return msgspec.structs.replace(finding, level=Level.FAILURE, rule="rejected", rejection=rejection)
    approval = approvals.get(finding.fingerprint)
    return msgspec.structs.replace(finding, approval=approval) if approval else finding


def _joined(known: Finding | None, finding: Finding) -> Finding:
    if known is None or known.flows == finding.flows:
        return finding
    flows = tuple(dict.fromkeys((*known.flows, *finding.flows)))
    return msgspec.structs.replace(known, flows=flows)


def _flow(comparison: Comparison, findings: list[Finding], policy: Policy, baseline: str) -> FlowVerdict:
    failing = [one for one in findings if one.level is Level.FAILURE and one.approval is None]
    gaps = [one for one in findings if isinstance(one.change, TelemetryGap) and one.level is Level.WARNING and not one.approval]
    if comparison.sample is None:
        conclusion = Conclusion.FAIL if policy.require_baseline else Conclusion.NEW
        reason = "no baseline yet"
        if comparison.incomplete:
            conclusion, reason = Conclusion.INCONCLUSIVE, comparison.incomplete
    elif failing:
        conclusion, reason = Conclusion.FAIL, failing[0].sentence
    elif comparison.incomplete:
        conclusion, reason = Conclusion.INCONCLUSIVE, comparison.incomplete
    elif gaps:
        conclusion, reason = Conclusion.INCONCLUSIVE, gaps[0].sentence
    else:
        conclusion, reason = Conclusion.PASS, _passing(findings)
    return FlowVerdict(
        key=comparison.key,
        conclusion=conclusion,
        reason=reason,
        fingerprints=tuple(one.fingerprint for one in findings),
        trace_id=comparison.flow.trace_id if comparison.flow else "",
        sample_trace_id=comparison.sample.trace_id if comparison.sample else "",
        samples=comparison.samples,
        baseline=baseline,
        notes=comparison.notes,
    )


def _passing(findings: list[Finding]) -> str:
    if any(one.approval for one in findings):
        return "every change is approved"
    seen = [one for one in findings if one.level is not Level.IGNORED]
    return seen[0].sentence if seen else "unchanged"


def _conclusion(conclusions: Sequence[Conclusion]) -> Conclusion:
    seen = set(conclusions)
    for conclusion in (Conclusion.FAIL, Conclusion.INCONCLUSIVE):
        if conclusion in seen:
            return conclusion
    if not seen:
        return Conclusion.INCONCLUSIVE
    return Conclusion.PASS if Conclusion.PASS in seen else Conclusion.NEW
