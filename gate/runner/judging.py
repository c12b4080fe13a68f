"""A run against golden files: the same engine as the server's, on what lies in the repository."""

from collections.abc import Mapping, Sequence

import msgspec

from gate import __version__
from gate.compare import compare, judge, learn, settled
from gate.errors import BaselineRequired, NoTraces
from gate.model.flow import Flow, FlowKey, RunFlows
from gate.model.policy import Policy
from gate.model.run import Report, Run
from gate.model.verdict import Approval, Comparison, Conclusion, Finding, Verdict
from gate.runner.confirming import contradicted
from gate.runner.goldens import Sample, runs_of

BASELINE = "golden files"


class Baseline(msgspec.Struct, frozen=True):
    """All that a repository says about what should be."""

    samples: tuple[Sample, ...] = ()
    policy: Policy = Policy()
    approvals: Mapping[str, Approval] = {}


def judge_run(run: Run, flows: Sequence[Flow], baseline: Baseline, *, reasons: tuple[str, ...] = ()) -> Report:
    """The report on a run. Raises NoTraces when it has no flow: an empty run is never green."""
    if not flows:
        raise NoTraces("No traces to judge.", hint="Is the application instrumented, and are these its traces?")
    comparisons = compare(learn(runs_of(baseline.samples)), RunFlows(run.id, tuple(flows)), baseline.policy)
    return report_of(run, comparisons, baseline, reasons=reasons)


def report_of(run: Run, comparisons: tuple[Comparison, ...], baseline: Baseline, *, reasons: tuple[str, ...] = ()) -> Report:
    """The report on comparisons that were made."""
    chosen: dict[FlowKey, str] = {sample.flow.key: BASELINE for sample in baseline.samples}
    verdict = judge(comparisons, policy=baseline.policy, approvals=baseline.approvals, baseline_reasons=chosen, reasons=reasons)
    return Report(run, verdict, comparisons, version=__version__)


def confirmed(first: Report, second: Report, baseline: Baseline) -> Report:
    """The first report without the failing findings that the second contradicts; it says which those are."""
    dropped = contradicted(first.verdict, second.verdict)
    if not dropped:
        return first
    gone = {finding.fingerprint for finding in dropped}
    comparisons = tuple(
        msgspec.structs.replace(each, findings=tuple(one for one in each.findings if one.fingerprint not in gone))
        for each in first.comparisons
    )
    reasons = tuple(f"not seen again when the command was repeated: {finding.sentence}" for finding in dropped)
    return report_of(first.run, comparisons, baseline, reasons=(*first.verdict.reasons, *reasons))


def unsettled(baseline: Baseline, flows: Sequence[Flow]) -> str:
    """Why it is too early to judge; empty when it is not. A flow without baseline is never known to be complete."""
    known = {sample.flow.key for sample in baseline.samples}
    new = [flow.key for flow in flows if flow.key not in known]
    if new:
        return f"{new[0]} has no golden trace that says what belongs to it"
    return settled(learn(runs_of(baseline.samples)), RunFlows("", tuple(flows)))


def exit_code(verdict: Verdict) -> int:
    """0 pass or new · 1 changes need a decision · 5 only a required baseline is missing · 7 inconclusive."""
    match verdict.conclusion:
        case Conclusion.PASS | Conclusion.NEW:
            return 0
        case Conclusion.INCONCLUSIVE:
            return 7
        case Conclusion.FAIL:
            failing = [flow for flow in verdict.flows if flow.conclusion == Conclusion.FAIL]
            required = all(flow.samples == 0 for flow in failing) and not verdict.undecided
            return BaselineRequired.exit_code if failing and required else 1


def exit_code_without(verdict: Verdict, gone: Sequence[Finding]) -> int:
    """The exit code of a failing verdict when these of its undecided findings do not count."""
    if len(gone) < len(verdict.undecided):
        return 1
    if any(flow.conclusion == Conclusion.FAIL and not flow.samples for flow in verdict.flows):
        return BaselineRequired.exit_code
    return 7 if any(flow.conclusion == Conclusion.INCONCLUSIVE for flow in verdict.flows) else 0
