"""JUnit XML, as Jenkins, GitLab, CircleCI, Azure and Buildkite read it: a suite is a gate, a test case a flow.

Element order and attributes follow the schema of Jenkins' xunit plugin; `tests/unit/report` validates against it.
"""

from typing import assert_never
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gate.model.change import kind_of
from gate.model.run import Report
from gate.model.verdict import Conclusion, Finding, Level
from gate.report.address import run_page
from gate.report.clean import clean, xml
from gate.report.rows import rows
from gate.report.tree_diff import diff_lines
from gate.report.view import FlowView, flow_views

_LINES_AT_MOST = 200
_NAME_AT_MOST = 500


def junit(report: Report) -> str:
    """The report as one XML document. Failing flows are failures, undecidable ones errors, flows that did not run are skipped."""
    flows = flow_views(report)
    suite = Element("testsuite", {"name": _text(f"spangate {report.run.gate}")})
    properties = SubElement(suite, "properties")
    for name in ("id", "project", "environment", "gate", "commit", "branch", "base_commit", "base_branch", "url"):
        SubElement(properties, "property", {"name": f"run.{name}", "value": _text(str(getattr(report.run, name)))})
    if page := run_page(report):
        SubElement(properties, "property", {"name": "run.page", "value": xml(page)})
    SubElement(properties, "property", {"name": "conclusion", "value": report.verdict.conclusion.value})
    for flow in flows:
        _case(suite, flow)
    if not flows and report.verdict.conclusion in (Conclusion.FAIL, Conclusion.INCONCLUSIVE):
        case = SubElement(suite, "testcase", {"name": "run", "classname": "spangate"})
        reasons = "; ".join(report.verdict.reasons) or "nothing could be judged"
        SubElement(case, "error", {"type": report.verdict.conclusion.value, "message": _text(reasons)})
    totals = {
        "tests": str(len(suite.findall("testcase"))),
        "failures": str(len(suite.findall("testcase[failure]"))),
        "errors": str(len(suite.findall("testcase[error]"))),
    }
    for name, value in totals.items():
        suite.set(name, value)
    suite.set("skipped", str(len(suite.findall("testcase[skipped]"))))
    suites = Element("testsuites", {"name": "spangate", **totals})
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _case(suite: Element, flow: FlowView) -> None:
    name = flow.key.test_case or flow.key.operation
    entry = f"{flow.key.service}: {flow.key.operation}" if flow.key.test_case else flow.key.service
    case = SubElement(suite, "testcase", {"name": _text(name) or "(unnamed)", "classname": _text(entry) or "spangate"})
    failures = [each for each in flow.comparison.findings if each.level == Level.FAILURE and each.approval is None]
    rest = [each for each in flow.comparison.findings if each not in failures]
    if flow.comparison.flow is None and not failures and flow.judged.conclusion != Conclusion.FAIL:
        SubElement(case, "skipped").text = "the flow did not run"
    match flow.judged.conclusion:
        case Conclusion.FAIL:
            tree = "\n".join(diff_lines(rows(flow.comparison), _LINES_AT_MOST))
            for number, finding in enumerate(failures):
                failure = SubElement(case, "failure", {"type": kind_of(finding.change), "message": _text(finding.sentence)})
                failure.text = xml(_body(finding, tree if number == 0 else ""))
            if not failures:
                SubElement(case, "failure", {"type": "gate", "message": _text(flow.judged.reason)})
        case Conclusion.INCONCLUSIVE:
            message = _text(flow.judged.reason or flow.comparison.incomplete)
            SubElement(case, "error", {"type": "inconclusive", "message": message})
        case Conclusion.PASS | Conclusion.NEW:
            pass
        case _:
            assert_never(flow.judged.conclusion)
    notes = [f"{_word(each)}: {clean(each.sentence, _NAME_AT_MOST)}" for each in rest]
    notes += [clean(note, _NAME_AT_MOST) for note in flow.judged.notes]
    if flow.judged.conclusion == Conclusion.NEW:
        notes.append("no baseline yet")
    if notes:
        SubElement(case, "system-out").text = xml("\n".join(notes))


def _body(finding: Finding, tree: str) -> str:
    lines = [f"at {clean(' › '.join(finding.place.path), 2000)}", f"fingerprint {clean(finding.fingerprint, 60)}"]
    lines += [f"so {clean(each.sentence, _NAME_AT_MOST)}" for each in finding.consequences]
    return "\n".join((*lines, "", tree)).rstrip() + "\n"


def _word(finding: Finding) -> str:
    return "approved" if finding.approval is not None else finding.level.value


def _text(value: str) -> str:
    return xml(clean(value, _NAME_AT_MOST))
