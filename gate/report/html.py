"""The report as one HTML file: side by side, readable without script, loading nothing from anywhere.

Its Content-Security-Policy allows exactly its own style sheet and script, by hash, so that span content can neither
run nor load anything even if an escape were wrong.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256

import msgspec
from markupsafe import Markup

from gate.model.run import Report
from gate.model.verdict import Conclusion, Finding
from gate.report.address import run_page
from gate.report.clean import clean, link
from gate.report.headline import headline, is_run, outcome, sides
from gate.report.row import Row
from gate.report.rows import rows
from gate.report.templates import html_templates, source
from gate.report.view import FlowView, count_up, flow_views, merged
from gate.report.words import Phrase, count, phrase, weight

UNFOLDED_AT_MOST = 10_000
"""Rows of a file up to which unchanged calls can be unfolded: 2 to 4 MB. Those of later flows are only counted."""

_COLOURS = 8
_TITLE_AT_MOST = 300
_STYLES = ("report/base.css", "report/side_by_side.css", "report/report.css")
_SETTLED = ("approved", "ignored")


class FindingCard(msgspec.Struct, frozen=True):
    """One finding at the top of the page."""

    finding: Finding
    phrase: Phrase
    weight: str
    tone: str
    anchor: str
    """Of the row where it began; empty when no row shows it."""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to decide."""
        return self.tone in _SETTLED


class FlowPanel(msgspec.Struct, frozen=True):
    """One flow of the page."""

    anchor: str
    title: str
    conclusion: str
    facts: tuple[str, ...]
    times: int
    """How many flows it stands for."""
    loud: bool
    """Open, and before the other flows."""
    before: str
    after: str
    single: bool
    """There is only one side."""
    incomplete: str
    elsewhere: tuple[Finding, ...]
    """Findings that began in another flow and show here."""
    golden: bool
    """Whether the left side is golden."""
    unmarked: str
    """What is said of a difference that no finding is about."""
    rows: tuple[Row, ...]
    colours: dict[str, int]
    """Service to colour number."""
    more: str = ""
    """Where the rows of a long fold are loaded from, ending in `=`; empty in a file, which holds them."""
    whole: bool = True
    """Whether unchanged calls can be unfolded."""


def html(report: Report) -> str:
    """One self-contained page. Its size grows with the calls: 10,000 of them are about 3 MB, from `UNFOLDED_AT_MOST` rows on
    only what changed is added."""
    flows = flow_views(report)
    counts = count_up(report, flows)
    flows = merged(flows)
    panels = _within_limit([flow_panel(flow, f"f{number}", golden=is_run(report)) for number, flow in enumerate(flows)])
    anchors = anchors_of(flows, panels)
    cards = finding_cards(report, anchors)
    style, script = _inline(*_STYLES), _inline("report/report.js")
    return (
        html_templates()
        .get_template("report/report.html")
        .render(
            report=report,
            conclusion=report.verdict.conclusion,
            headline=headline(report, counts),
            sides=sides(report),
            outcome=outcome(report),
            facts=_facts(report),
            run_link=link(report.run.url),
            page=run_page(report),
            findings=[card for card in cards if not card.settled],
            settled=[card for card in cards if card.settled],
            flows=panels,
            anchors=anchors,
            style=style[0],
            style_hash=style[1],
            script=script[0],
            script_hash=script[1],
        )
    )


def _within_limit(panels: list[FlowPanel]) -> list[FlowPanel]:
    """The panels, those after the limit without what they fold."""
    kept: list[FlowPanel] = []
    rows = 0
    for panel in panels:
        rows += sum(row.count for row in panel.rows)
        kept.append(panel if rows <= UNFOLDED_AT_MOST or not kept else msgspec.structs.replace(panel, whole=False))
    return kept


def flow_panel(flow: FlowView, anchor: str, *, golden: bool = True) -> FlowPanel:
    """What the side-by-side template needs of a flow. `golden`: whether what it was compared with is golden."""
    lines = rows(flow.comparison)
    sample, ran = flow.comparison.sample, flow.comparison.flow
    services: dict[str, int] = {}
    for side in (sample, ran):
        for operation in side.operations if side is not None else ():
            services.setdefault(operation.service, len(services) % _COLOURS)
    facts: list[str] = [f"{flow.times:,} times"] if flow.times > 1 else []
    if ran is not None:
        facts.append(count(len(ran.operations), "call"))
    else:
        facts.append("did not run")
    if golden and (flow.judged.samples or flow.comparison.samples):
        facts.append(count(flow.judged.samples or flow.comparison.samples, "golden trace"))
    if flow.judged.baseline:
        facts.append(f"baseline: {flow.judged.baseline}")
    facts += [note for note in flow.judged.notes or flow.comparison.notes if note != "1 sample"]
    return FlowPanel(
        anchor=anchor,
        title=clean(str(flow.key), _TITLE_AT_MOST),
        conclusion=flow.judged.conclusion.value,
        facts=tuple(clean(fact, _TITLE_AT_MOST) for fact in facts),
        times=flow.times,
        loud=flow.changed or flow.judged.conclusion in (Conclusion.FAIL, Conclusion.INCONCLUSIVE),
        before=f"trace {sample.trace_id}" if sample is not None else "",
        after=f"trace {ran.trace_id}" if ran is not None else "",
        single=sample is None or ran is None,
        incomplete=flow.comparison.incomplete,
        elsewhere=tuple(finding for finding in flow.comparison.findings if not flow.began_here(finding)),
        golden=golden,
        unmarked="not judged" if flow.comparison.incomplete else "no finding",
        rows=lines,
        colours=services,
    )


def finding_cards(report: Report, anchors: dict[str, str]) -> list[FindingCard]:
    """What the template needs of every finding, worst first."""
    return [_card(finding, anchors.get(finding.fingerprint, "")) for finding in report.verdict.findings]


def _card(finding: Finding, anchor: str) -> FindingCard:
    tone = "approved" if finding.approval is not None else finding.level.value
    return FindingCard(finding, phrase(finding.change), weight(finding), tone, anchor)


def anchors_of(flows: tuple[FlowView, ...], panels: list[FlowPanel]) -> dict[str, str]:
    """Fingerprint → the row where the finding began."""
    anchors: dict[str, str] = {}
    for flow, panel in zip(flows, panels, strict=True):
        for row in panel.rows:
            for mark in row.marks:
                if mark.root:
                    anchors.setdefault(flow.comparison.findings[mark.finding].fingerprint, f"{panel.anchor}r{row.number}")
    return anchors


def _facts(report: Report) -> list[tuple[str, str]]:
    run = report.run
    if not is_run(report):
        return []
    base = " at ".join(part for part in (run.base_branch, run.base_commit[:7]) if part)
    facts = [
        ("commit", run.commit[:7]),
        ("branch", run.branch),
        ("pull request", str(run.pull_request or "")),
        ("compared with", base),
        ("gate", run.gate),
        ("environment", run.environment),
        ("run", run.id),
        ("finished", run.finished_at),
    ]
    return [(name, clean(value, _TITLE_AT_MOST)) for name, value in facts if clean(value)]


@cache
def _inline(*names: str) -> tuple[Markup, str]:
    """Our own style sheets or script as they stand in the page, and the hash of all together for the policy."""
    text = "".join(map(source, names))
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"  # noqa: S704 - our own file, no span content
