"""The pull request comment: Markdown in six sizes, chosen by rendering again, never by cutting text."""

from collections.abc import Sequence

import msgspec

from gate.model.run import Report
from gate.model.verdict import Conclusion, Finding, Level
from gate.report.address import finding_anchor, run_page
from gate.report.clean import clean, fence, link, marker
from gate.report.headline import headline, is_run, sides
from gate.report.mermaid import flowchart
from gate.report.row import Row
from gate.report.rows import rows
from gate.report.templates import markdown_templates
from gate.report.tree_diff import diff_lines
from gate.report.view import Counts, FlowView, count_up, flow_views
from gate.report.words import CONCLUSION_ICONS, Phrase, icon, phrase

LIMIT = 60_000
"""Characters; GitHub refuses a comment above 65,536."""
SMALLEST = 1_000
"""The last size fits into this whatever the report holds."""


class Size(msgspec.Struct, frozen=True):
    """How much of a report is shown."""

    rows: int
    """Rows of the table of findings."""
    diagrams: int
    diffs: int
    lines: int
    """Of one diff."""
    frame: bool = True
    """Whether the notes around the table are there: reasons, what next, how the baseline was chosen."""
    flows: int = 50
    """Rows of the list of baselines."""


SIZES = (
    Size(rows=25, diagrams=3, diffs=10, lines=60),
    Size(rows=25, diagrams=1, diffs=5, lines=40),
    Size(rows=25, diagrams=0, diffs=3, lines=25, flows=20),
    Size(rows=15, diagrams=0, diffs=0, lines=0, flows=0),
    Size(rows=5, diagrams=0, diffs=0, lines=0, frame=False, flows=0),
    Size(rows=0, diagrams=0, diffs=0, lines=0, frame=False, flows=0),
)


class TableRow(msgspec.Struct, frozen=True):
    """One finding in the table."""

    icon: str
    finding: Finding
    phrase: Phrase
    more_flows: int


class Detail(msgspec.Struct, frozen=True):
    """One changed flow below the table."""

    flow: FlowView
    diff: str
    """A fenced block, empty when this size has none."""
    diagram: str
    findings: tuple[Finding, ...]
    began_here: bool
    """Whether one of the findings began in this flow."""


def comment(report: Report, *, limit: int | None = None) -> str:
    """The comment, its sticky marker as the first line, in the largest size that has at most `limit` characters.

    The smallest size is at most 1,000 characters and is given even when `limit` is smaller.
    """
    return fitted(report, "report/comment.md", SIZES, LIMIT if limit is None else limit)


def fitted(report: Report, template: str, sizes: Sequence[Size], limit: int, *, in_bytes: bool = False) -> str:
    """The template in the first of the sizes that fits; the last one if none does."""
    page = Page(report)
    text = ""
    for size in sizes:
        text = page.render(template, size)
        if (len(text.encode()) if in_bytes else len(text)) <= limit:
            break
    return text


class Page:
    """What the templates see, worked out once for all sizes."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.flows = flow_views(report)
        self.counts: Counts = count_up(report, self.flows)
        self._rows: dict[int, tuple[Row, ...]] = {}

    def render(self, template: str, size: Size) -> str:
        """The report in one size, without blank lines at its ends."""
        report = self.report
        findings = [finding for finding in report.verdict.findings if finding.level != Level.IGNORED]
        table = [_table_row(finding) for finding in findings[: size.rows]]
        text = (
            markdown_templates()
            .get_template(template)
            .render(
                marker=marker(report.run.project, report.run.gate),
                report=report,
                run=report.run,
                counts=self.counts,
                conclusion=report.verdict.conclusion,
                icon=CONCLUSION_ICONS[report.verdict.conclusion],
                headline=headline(report, self.counts),
                sides=sides(report),
                is_run=is_run(report),
                table=table,
                more=len(findings) - len(table),
                details=self._details(size),
                hidden_details=max(0, sum(flow.changed for flow in self.flows) - size.diffs) if size.diffs else 0,
                flows=self.flows,
                size=size,
                page=run_page(report),
                anchor=finding_anchor,
                run_link=link(report.run.url),
                quiet=report.verdict.conclusion == Conclusion.PASS and not findings and not report.verdict.reasons,
            )
        )
        return text.strip() + "\n"

    def _details(self, size: Size) -> list[Detail]:
        details: list[Detail] = []
        for at, flow in enumerate(flow for flow in self.flows if flow.changed):
            if at >= size.diffs:
                break
            lines = diff_lines(self._rows_of(at, flow), size.lines)
            entry = flow.key.service + ": " if flow.key.service else ""
            head = f"@@ {clean(entry + flow.key.operation, 160)} @@"
            diagram = flowchart(self._rows_of(at, flow)) if at < size.diagrams else ""
            findings = tuple(finding for finding in flow.comparison.findings if finding.level != Level.IGNORED)
            details.append(
                Detail(
                    flow,
                    fence([head, *lines], "diff"),
                    fence(diagram.split("\n"), "mermaid") if diagram else "",
                    findings,
                    any(map(flow.began_here, findings)),
                )
            )
        return details

    def _rows_of(self, at: int, flow: FlowView) -> tuple[Row, ...]:
        if at not in self._rows:
            self._rows[at] = rows(flow.comparison)
        return self._rows[at]


def _table_row(finding: Finding) -> TableRow:
    return TableRow(icon(finding), finding, phrase(finding.change), max(0, len(finding.flows) - 1))
