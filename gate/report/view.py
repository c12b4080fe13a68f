"""A report in reading order: flows worst first, each with its findings as the verdict left them, and the counts."""

import msgspec

from gate.model.flow import FlowKey
from gate.model.run import Report
from gate.model.verdict import Comparison, Conclusion, Finding, FlowVerdict, Level


class FlowView(msgspec.Struct, frozen=True):
    """One flow: what was compared and what became of it."""

    judged: FlowVerdict
    comparison: Comparison
    """Its findings carry the verdict's levels and approvals."""
    times: int = 1
    """How many flows of this key it stands for."""

    @property
    def key(self) -> FlowKey:
        """The flow's name."""
        return self.judged.key

    @property
    def changed(self) -> bool:
        """Whether it has a finding that is not ignored."""
        return any(finding.level != Level.IGNORED for finding in self.comparison.findings)

    def began_here(self, finding: Finding) -> bool:
        """Whether the finding's place is in this flow; otherwise this flow only shows consequences of it."""
        return finding.flows[:1] in ((), (self.key,))


class Counts(msgspec.Struct, frozen=True):
    """Numbers of findings and flows."""

    regressions: int
    review: int
    notices: int
    approved: int
    ignored: int
    flows: int
    changed: int
    """Flows with a finding that is not ignored."""
    unchanged: int
    """Flows that pass without such a finding."""
    new: int
    undecidable: int


def flow_views(report: Report) -> tuple[FlowView, ...]:
    """The report's flows: failing ones first, then undecidable, changed, new, unchanged; among these by their worst finding."""
    judged: dict[FlowKey, list[FlowVerdict]] = {}
    for each in report.verdict.flows:
        judged.setdefault(each.key, []).append(each)
    by_fingerprint = {finding.fingerprint: finding for finding in report.verdict.findings}
    views: list[FlowView] = []
    for comparison in report.comparisons:
        verdicts = judged.get(comparison.key)
        verdict = verdicts.pop(0) if verdicts else FlowVerdict(comparison.key, Conclusion.PASS, "")
        views.append(FlowView(verdict, _settled(comparison, report.verdict.findings, by_fingerprint)))
    views.extend(FlowView(verdict, Comparison(verdict.key, None, None)) for verdicts in judged.values() for verdict in verdicts)
    order = {finding.fingerprint: at for at, finding in enumerate(report.verdict.findings)}

    def place_in_report(flow: FlowView) -> tuple[int, tuple[int, bool]]:
        findings = flow.comparison.findings
        worst = min(
            ((order.get(each.fingerprint, len(order)), not flow.began_here(each)) for each in findings), default=(0, False)
        )
        return _urgency(flow), worst

    return tuple(sorted(views, key=place_in_report))


def merged(flows: tuple[FlowView, ...]) -> tuple[FlowView, ...]:
    """The flows with unchanged ones of one key as one: loops and heartbeats run many times in one run."""
    shown: dict[object, FlowView] = {}
    for at, flow in enumerate(flows):
        quiet = flow.judged.conclusion in (Conclusion.PASS, Conclusion.NEW) and not flow.comparison.findings
        name = (flow.key, flow.judged.conclusion, flow.judged.notes) if quiet and flow.comparison.flow is not None else at
        known = shown.get(name)
        shown[name] = flow if known is None else msgspec.structs.replace(known, times=known.times + 1)
    return tuple(shown.values())


def count_up(report: Report, flows: tuple[FlowView, ...]) -> Counts:
    """The numbers that every surface shows."""
    findings = report.verdict.findings
    open_findings = [finding for finding in findings if finding.approval is None]

    def of(level: Level) -> int:
        return sum(finding.level == level for finding in open_findings)

    return Counts(
        regressions=of(Level.FAILURE),
        review=of(Level.WARNING),
        notices=of(Level.NOTICE),
        approved=len(findings) - len(open_findings),
        ignored=of(Level.IGNORED),
        flows=len(flows),
        changed=sum(flow.changed for flow in flows),
        unchanged=sum(flow.judged.conclusion == Conclusion.PASS and not flow.changed for flow in flows),
        new=sum(flow.judged.conclusion == Conclusion.NEW for flow in flows),
        undecidable=sum(flow.judged.conclusion == Conclusion.INCONCLUSIVE for flow in flows),
    )


def _urgency(flow: FlowView) -> int:
    match flow.judged.conclusion:
        case Conclusion.FAIL:
            return 0
        case Conclusion.INCONCLUSIVE:
            return 1
        case Conclusion.NEW:
            return 3
        case Conclusion.PASS:
            return 2 if flow.changed else 4


def _settled(comparison: Comparison, findings: tuple[Finding, ...], by_fingerprint: dict[str, Finding]) -> Comparison:
    """The comparison with the levels and approvals of the verdict, where one cause may stand for several flows."""
    settled: list[Finding] = []
    for finding in comparison.findings:
        judged = by_fingerprint.get(finding.fingerprint) or next(
            (
                each
                for each in findings
                if comparison.key in each.flows and each.change == finding.change and each.place.path == finding.place.path
            ),
            None,
        )
        if judged is not None:
            finding = msgspec.structs.replace(
                finding, level=judged.level, approval=judged.approval, rejection=judged.rejection, rule=judged.rule
            )
        settled.append(finding)
    return msgspec.structs.replace(comparison, findings=tuple(settled))
