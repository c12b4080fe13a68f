"""The report as a tree in the terminal: the verdict, failing flows with their root divergence, then the rest."""

from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from gate.model.run import Report
from gate.model.verdict import Conclusion, Finding, Level
from gate.report.address import run_page
from gate.report.clean import clean
from gate.report.headline import headline, is_run, outcome, sides
from gate.report.rows import rows
from gate.report.tree_diff import diff_lines
from gate.report.view import FlowView, count_up, flow_views, merged
from gate.report.words import count

_STYLES = {Conclusion.PASS: "green", Conclusion.FAIL: "red", Conclusion.INCONCLUSIVE: "yellow", Conclusion.NEW: "blue"}
_LEVELS = {Level.FAILURE: "red", Level.WARNING: "yellow", Level.NOTICE: "blue", Level.IGNORED: "dim"}
_DIFF = {"-": "red", "+": "green", "!": "yellow"}
_LINES_AT_MOST = 60
_TEXT_AT_MOST = 400
_QUIET_AT_MOST = 25
_CONSEQUENCES_AT_MOST = 10


def tree(report: Report) -> RenderableType:
    """A rich renderable. Span content goes in as plain text: no markup, no control sequences."""
    flows = flow_views(report)
    counts = count_up(report, flows)
    conclusion = report.verdict.conclusion
    word = f" {outcome(report).upper()} "
    title = Text.assemble((word, f"bold reverse {_STYLES[conclusion]}"), " ", (headline(report, counts), "bold"))
    parts: list[RenderableType] = [title]
    parts += [Text(f"  {clean(reason, _TEXT_AT_MOST)}", "yellow") for reason in report.verdict.reasons]
    quiet: list[FlowView] = []
    for flow in merged(flows):
        if flow.judged.conclusion in (Conclusion.FAIL, Conclusion.INCONCLUSIVE) or flow.changed:
            parts += [Text(""), _flow(flow, report)]
        else:
            quiet.append(flow)
    if quiet:
        many = sum(flow.times for flow in quiet)
        rest = Tree(Text(count(many, "other flow" if many < len(flows) else "flow"), "bold"), guide_style="dim")
        for flow in quiet[:_QUIET_AT_MOST]:
            rest.add(_title(flow, golden=is_run(report)))
        if len(quiet) > _QUIET_AT_MOST:
            more = sum(flow.times for flow in quiet[_QUIET_AT_MOST:])
            rest.add(Text(f"and {count(more, 'more flow')}", "dim"))
        parts += [Text(""), rest]
    if page := run_page(report):
        parts += [Text(""), Text(f"this run's page: {page}")]
    return Group(*parts)


def text(report: Report) -> str:
    """The tree without colour, lines as long as they need to be."""
    out = StringIO()
    console = Console(file=out, color_system=None, force_terminal=False, width=4096, legacy_windows=False)
    console.print(tree(report), crop=False, overflow="ignore", no_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _title(flow: FlowView, *, golden: bool) -> Text:
    conclusion = flow.judged.conclusion
    line = Text.assemble((conclusion.value.upper(), _STYLES[conclusion]), "  ", clean(str(flow.key), _TEXT_AT_MOST))
    operations = len(flow.comparison.flow.operations) if flow.comparison.flow is not None else 0
    facts = [f"{flow.times:,} times"] if flow.times > 1 else []
    facts += [count(operations, "call") if flow.comparison.flow is not None else "did not run"]
    if golden and flow.judged.samples:
        facts.append(count(flow.judged.samples, "golden trace"))
    facts += [clean(note, _TEXT_AT_MOST) for note in flow.judged.notes if note != "1 sample"]
    line.append(f"  {', '.join(facts)}", "dim")
    return line


def _flow(flow: FlowView, report: Report) -> Tree:
    branch = Tree(_title(flow, golden=is_run(report)), guide_style="dim")
    if flow.comparison.incomplete:
        branch.add(Text(clean(flow.comparison.incomplete, _TEXT_AT_MOST), "yellow"))
    for finding in flow.comparison.findings:
        if finding.level == Level.IGNORED:
            continue
        if flow.began_here(finding):
            branch.add(_finding(finding))
        else:
            line = Text.assemble(("began elsewhere", "bold"), "  ", clean(finding.sentence, _TEXT_AT_MOST))
            branch.add(line.append(f"  in {clean(str(finding.flows[0]), _TEXT_AT_MOST)}", "dim"))
    ignored = sum(finding.level == Level.IGNORED for finding in flow.comparison.findings)
    if ignored:
        branch.add(Text(f"{count(ignored, 'finding')} ignored by rule", "dim"))
    if flow.comparison.findings:
        branch.add(_calls(flow, sides(report)))
    return branch


def _finding(finding: Finding) -> Tree:
    style = "dim" if finding.approval is not None else _LEVELS[finding.level]
    word = "root divergence" if finding.level == Level.FAILURE else finding.level.value
    line = Text.assemble((word, f"bold {style}"), "  ", clean(finding.sentence, _TEXT_AT_MOST))
    if finding.approval is not None:
        line.append(f"  approved by {clean(finding.approval.by, 80)}", "green")
    if len(finding.flows) > 1:
        line.append(f"  and in {count(len(finding.flows) - 1, 'other flow')}", "dim")
    branch = Tree(line, guide_style="dim")
    branch.add(Text(f"at {clean(' › '.join(finding.place.path), _TEXT_AT_MOST)}", "dim"))
    for consequence in finding.consequences[:_CONSEQUENCES_AT_MOST]:
        branch.add(Text.assemble(("consequence", style), "  ", clean(consequence.sentence, _TEXT_AT_MOST)))
    if len(finding.consequences) > _CONSEQUENCES_AT_MOST:
        branch.add(Text(f"and {count(len(finding.consequences) - _CONSEQUENCES_AT_MOST, 'more consequence')}", "dim"))
    branch.add(Text(f"fingerprint {clean(finding.fingerprint, 60)}", "dim"))
    return branch


def _calls(flow: FlowView, names: tuple[str, str]) -> Tree:
    branch = Tree(Text(f"calls, {' → '.join(names).lower()}", "bold"), guide_style="dim", hide_root=False)
    lines = diff_lines(rows(flow.comparison), _LINES_AT_MOST)
    branch.add(Text("\n").join(Text(line, _DIFF.get(line[:1], "")) for line in lines))
    return branch
