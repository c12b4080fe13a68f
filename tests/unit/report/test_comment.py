"""The pull request comment: sizes, marker, and that nothing is ever cut."""

import re

import msgspec
import pytest

from gate.model.verdict import Level
from gate.report import render
from gate.report.address import finding_anchor
from gate.report.comment import LIMIT, SIZES, SMALLEST, Page
from tests import report_examples
from tests.unit.report.markdown import read

REPORTS = ("story", "n_plus_one", "passing", "approved", "new", "inconclusive", "hostile", "large", "wide")


@pytest.mark.parametrize("example", REPORTS)
def test_the_first_line_is_the_sticky_marker(example: str) -> None:
    """The comment is found again by its first line, which no span can change or end."""
    first = render(report_examples.ALL[example](), "md").split("\n", 1)[0]
    assert re.fullmatch(r"<!-- spangate:[A-Za-z0-9._-]+/[A-Za-z0-9._-]+ v1 -->", first)
    assert "--" not in first.removeprefix("<!--").removesuffix("-->")
    if example != "hostile":
        assert first == "<!-- spangate:acme/default v1 -->"


@pytest.mark.parametrize("example", REPORTS)
def test_a_comment_is_never_above_its_limit(example: str) -> None:
    """Every report fits into what GitHub takes."""
    assert len(render(report_examples.ALL[example](), "md")) <= LIMIT


@pytest.mark.parametrize("example", REPORTS)
def test_the_smallest_size_always_fits(example: str) -> None:
    """The last size is at most 1,000 characters, whatever the report holds and however small the limit is."""
    assert len(Page(report_examples.ALL[example]()).render("report/comment.md", SIZES[-1])) <= SMALLEST
    assert len(render(report_examples.ALL[example](), "md", limit=1)) <= SMALLEST


@pytest.mark.parametrize("limit", [60_000, 30_000, 12_000, 6_000, 2_500, 1_000])
def test_a_smaller_limit_renders_again_and_cuts_nothing(limit: int) -> None:
    """At every limit the comment is whole Markdown: fences closed, details closed, the numbers all there."""
    text = render(report_examples.wide(), "md", limit=limit)
    assert len(text) <= limit
    assert text.count("<details") == text.count("</details>")
    assert len(re.findall(r"^```", text, re.MULTILINE)) % 2 == 0
    assert "900 look like regressions" in text


def test_sizes_only_get_smaller() -> None:
    """Each size is no longer than the one before."""
    page = Page(report_examples.wide())
    lengths = [len(page.render("report/comment.md", size)) for size in SIZES]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == len(SIZES)


def test_what_is_left_out_is_counted() -> None:
    """A table that does not show every finding says how many more there are."""
    text = render(report_examples.wide(), "md")
    shown = len(read(text).rows[0]) - 1
    left = re.search(r"([\d,]+) more findings in the full report", text)
    assert left is not None
    assert shown + int(left[1].replace(",", "")) == 1500


def test_a_pass_is_two_lines() -> None:
    """Nothing to say is said in a headline and a line."""
    lines = [line for line in render(report_examples.passing(), "md").splitlines() if line]
    assert lines[1] == "### ✅ No unexpected trace changes: 3 flows match"
    assert len(lines) == 3


def test_no_conclusion_but_pass_looks_green() -> None:
    """Only a pass has the green sign; what could not be decided never has."""
    for example in REPORTS:
        report = report_examples.ALL[example]()
        assert ("✅" in render(report, "md").splitlines()[1]) == (report.verdict.conclusion.value == "pass")


def test_a_first_run_is_called_so_only_when_it_is() -> None:
    """A later run without a baseline is not the gate's first one; neither was compared with anything."""
    first = render(report_examples.new(), "md")
    later = render(msgspec.structs.replace(report_examples.new(), first=False), "md")
    assert "First run for this gate: 4 flows recorded" in first
    assert "Nothing to compare with yet: 4 flows without a baseline" in later and "First run" not in later
    assert "Compared" not in first + later


def test_worst_first() -> None:
    """The table begins with regressions, then what is to review, then what is approved; ignored findings are only counted."""
    table = read(render(report_examples.n_plus_one(), "md")).rows[0]
    assert [row[0] for row in table[1:]] == ["🔴", "🔴", "🟡", "👁"]
    assert "💤 **1** ignored" in render(report_examples.n_plus_one(), "md")


def test_with_a_server_there_are_links_and_without_there_are_commands() -> None:
    """A report knows whether there is a page to look at."""
    report = report_examples.story(server_url="https://spangate.example.com/")
    with_server = render(report, "md")
    page = "https://spangate.example.com/projects/acme/runs/r_01j8zqk4"
    places = {f"{page}#{finding_anchor(finding.fingerprint)}" for finding in report.verdict.findings}
    assert set(read(with_server).links) == {page, *places}
    assert "spangate approve r_01j8zqk4" in with_server
    without = render(report_examples.story(), "md")
    assert "spangate exec --update" in without
    assert "/projects/" not in without


def test_every_finding_in_the_comment_leads_to_its_place_on_the_page() -> None:
    """Each row of the table, and each fingerprint below, is a link to that finding's card, in every size."""
    report = report_examples.n_plus_one()
    shown = [finding_anchor(each.fingerprint) for each in report.verdict.findings if each.level != Level.IGNORED]
    for size in SIZES:
        text = Page(report).render("report/comment.md", size)
        rows = read(text).rows[0][1:] if read(text).rows else []
        anchors = [link.partition("#")[2] for link in read(text).links if "#" in link]
        assert anchors[: len(rows)] == shown[: len(rows)]
    odd = msgspec.structs.replace(report_examples.RUN, id="A.b_c:d@e+f-9", project="a.b")
    text = render(report_examples.story(server_url="https://spangate.example.com", run=odd), "md")
    assert "https://spangate.example.com/projects/a.b/runs/A.b_c%3Ad%40e%2Bf-9" in read(text).links


def test_the_summary_has_more_and_stays_below_a_mebibyte() -> None:
    """The job summary of a very large report is measured in bytes."""
    text = render(report_examples.wide(), "summary")
    assert len(text.encode()) <= 900_000
    assert len(text) > len(render(report_examples.wide(), "md"))
    assert len(render(report_examples.wide(), "summary", limit=20_000).encode()) <= 20_000
