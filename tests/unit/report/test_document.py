"""The JSON document and its published schema."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from gate.report import render
from gate.report.document import schema
from tests import report_examples

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"
HOW = "write it anew: python -m tests.unit.report.test_document"


def test_the_published_schema_is_current() -> None:
    """docs/report.schema.json is what the Structs say today."""
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(schema())), HOW


@pytest.mark.parametrize("example", [each for each in report_examples.ALL if each not in ("large", "wide")])
def test_output_is_valid(example: str) -> None:
    """Every report's document is valid against the published schema."""
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    validator.validate(json.loads(render(report_examples.ALL[example](), "json")))


def test_the_schema_refuses_what_is_wrong() -> None:
    """The schema is one that can fail: a missing field, another version, an unknown conclusion."""
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    for change in ({"schema_version": 2}, {"conclusion": "green"}, {"flows": None}):
        document = json.loads(render(report_examples.story(), "json")) | change
        assert not validator.is_valid(document)


def test_the_document_says_what_changed() -> None:
    """The verdict, the finding with its consequences, and the rows of the flow are there for a program to read."""
    document = json.loads(render(report_examples.story(), "json"))
    assert document["conclusion"] == "fail"
    assert document["counts"]["regressions"] == 1
    [finding] = document["findings"]
    assert finding["change"]["type"] == "rows-changed"
    assert len(finding["consequences"]) == 2
    assert {row["state"] for row in document["flows"][0]["rows"]} == {"same", "folded", "changed", "missing"}


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
