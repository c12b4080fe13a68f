"""Where a report leads to: the run's page on the server, where there is one."""

from xml.etree import ElementTree

import msgspec
import pytest

from gate.report import render
from tests import report_examples

PAGE = "https://spangate.example.com/projects/acme/runs/r_01j8zqk4"


@pytest.mark.parametrize("example", ["story", "passing", "approved", "new", "inconclusive"])
def test_every_report_of_a_server_leads_to_the_page(example: str) -> None:
    """Whatever the verdict: the terminal ends in the address, the others have it in their place."""
    report = msgspec.structs.replace(report_examples.ALL[example](), server_url="https://spangate.example.com")
    assert render(report, "text").splitlines()[-1] == f"this run's page: {PAGE}"
    properties = ElementTree.fromstring(render(report, "junit").encode()).findall(".//property[@name='run.page']")
    assert [each.attrib["value"] for each in properties] == [PAGE]
    for format in ("md", "summary", "html", "json"):
        assert PAGE in render(report, format), format


def test_without_a_server_there_is_none() -> None:
    """Golden files have no page, two traces beside each other neither, and what is no web address is not shown."""
    pair = msgspec.structs.replace(report_examples.RUN, environment="")
    for report in (
        report_examples.story(),
        report_examples.story(server_url="https://spangate.example.com", run=pair),
        report_examples.story(server_url='javascript:alert("x")'),
    ):
        assert "page:" not in render(report, "text")
        assert "run.page" not in render(report, "junit")
