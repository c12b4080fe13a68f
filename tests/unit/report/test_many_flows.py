"""The page of a suite with very many calls."""

import msgspec

from gate.model.flow import FlowKey
from gate.model.run import Report
from gate.model.verdict import Conclusion
from gate.report import render
from gate.report.html import UNFOLDED_AT_MOST, html
from gate.report.view import count_up, flow_views
from tests import report_examples

FLOWS, CALLS = 60, 500


def suite() -> Report:
    """One flow that lost calls, and many that are as they were: more rows than a file holds."""
    story = report_examples.story()
    entry = report_examples.Node("api", "GET /list", [report_examples.Node("api", f"call {number}") for number in range(CALLS)])
    same = [report_examples.matching(FlowKey(f"case {number}", "api", "GET /list"), entry, number) for number in range(FLOWS)]
    return report_examples.report(Conclusion.FAIL, (*story.comparisons, *same))


def test_a_file_has_a_bounded_number_of_unchanged_calls_and_every_flow() -> None:
    """Beyond the limit unchanged calls are counted and not listed; no flow is left out, and small reports are whole."""
    assert FLOWS * CALLS > UNFOLDED_AT_MOST
    page = html(suite())
    assert page.count("call 499<") == 2 * (UNFOLDED_AT_MOST // (CALLS + 1))
    assert all(f" case {number} · api: GET /list" in page for number in range(FLOWS))
    assert page.count("500 unchanged calls, not in this file") == FLOWS - UNFOLDED_AT_MOST // (CALLS + 1)
    assert "not in this file" not in html(report_examples.story())


def test_changes_are_in_the_file_however_large_it_is() -> None:
    """What changed stands in the page with its row and its link, behind as many calls as there may be."""
    report = suite()
    behind = msgspec.structs.replace(
        report, comparisons=(report_examples.large(UNFOLDED_AT_MOST + 20).comparisons[0], *report.comparisons)
    )
    whole, limited = html(report_examples.story()), html(behind)
    assert whole.count("Began here") == 1
    assert limited.count("Began here") > 1
    for row in [line for line in whole.splitlines() if "Began here" in line]:
        assert row in limited


def test_a_flow_that_is_unchanged_shows_nothing_of_its_namesake() -> None:
    """Without test cases a route is several flows of one key: the request that changed is one, the others stay as they are."""
    story = report_examples.story()
    changed = story.comparisons[0]
    alike = msgspec.structs.replace(changed, flow=changed.sample, pairs=((0, 0),), findings=())
    report = report_examples.report(Conclusion.FAIL, (changed, alike))
    assert count_up(report, flow_views(report)).changed == 1
    assert "changes 1 of 2 traced flows" in render(report, "text")
    assert [bool(view.comparison.findings) for view in flow_views(report)] == [True, False]
