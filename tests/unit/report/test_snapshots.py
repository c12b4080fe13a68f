"""Every surface, for every conclusion and every size, as reviewed by a person."""

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from gate.report import FORMATS, render
from gate.report.comment import SIZES, Page
from tests import report_examples

CONCLUSIONS = ("story", "n_plus_one", "passing", "approved", "new", "inconclusive", "spread", "heartbeats")


@pytest.mark.parametrize("format", [each for each in FORMATS if each not in ("html", "json")])
@pytest.mark.parametrize("example", CONCLUSIONS)
def test_every_surface_of_every_conclusion(example: str, format: str, report_snapshot: SnapshotAssertion) -> None:
    """Each surface says what the last reviewed version said."""
    assert render(report_examples.ALL[example](), format) == report_snapshot


@pytest.mark.parametrize("format", ["html"])
@pytest.mark.parametrize("example", ["story", "n_plus_one"])
def test_the_page(example: str, format: str, report_snapshot: SnapshotAssertion) -> None:
    """The page says what the last reviewed version said, style and script aside."""
    page = render(report_examples.ALL[example](), format)
    assert page[page.index("<body>") : page.index("<script>")] == report_snapshot


@pytest.mark.parametrize("format", ["json"])
def test_the_document(format: str, report_snapshot: SnapshotAssertion) -> None:
    """The document of the story says what the last reviewed version said."""
    assert msgspec.json.format(render(report_examples.story(), format), indent=2) == report_snapshot


@pytest.mark.parametrize("level", range(6))
def test_every_size_of_the_comment(level: int, report_snapshot: SnapshotAssertion) -> None:
    """Each size of the comment says what the last reviewed version said."""
    assert Page(report_examples.n_plus_one()).render("report/comment.md", SIZES[level]) == report_snapshot


def test_a_report_of_two_traces(report_snapshot: SnapshotAssertion) -> None:
    """Two traces without a run, as `spangate diff` compares them, are not called a pull request."""
    run = report_examples.Run(id="after.json", project="local", environment="")
    assert render(report_examples.story(run=run), "md") == report_snapshot
