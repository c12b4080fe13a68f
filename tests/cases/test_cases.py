"""Runs every case file: golden traces, a candidate, and exactly the findings that it names."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gate.compare import DEFAULT_LEVELS, compare, judge, learn
from gate.model.change import kind_of
from gate.model.policy import Policy
from gate.model.verdict import Finding
from tests.cases.draw import draw_run

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_case(file: Path):
    """The comparison finds what the case says, at its place, and nothing else."""
    case = yaml.safe_load(file.read_text())
    golden = case["baseline"] if isinstance(case["baseline"], list) else [case["baseline"]] * case.get("samples", 1)
    runs = [draw_run(drawn, f"golden-{number}") for number, drawn in enumerate(golden)]
    policy = msgspec.convert(case.get("policy", {}), Policy)
    verdict = judge(compare(learn(runs), draw_run(case["candidate"], "candidate"), policy), policy=policy)
    expected = case["expect"]
    said = "\n".join(f"{finding.level} {kind_of(finding.change)}: {finding.sentence}" for finding in verdict.findings)
    assert verdict.conclusion == expected["conclusion"], said or verdict.reasons
    found = list(verdict.findings)
    for wanted in expected.get("findings", []):
        match = next((finding for finding in found if _fits(finding, wanted)), None)
        assert match, f"{wanted} is not among\n{said}"
        found.remove(match)
    assert not found, f"also found: {[finding.sentence for finding in found]}"


def test_every_kind_of_change_has_a_case():
    """Each kind of change that a comparison can find is named by at least one case."""
    named = {wanted["kind"] for file in FILES for wanted in yaml.safe_load(file.read_text())["expect"].get("findings", [])}
    assert set(DEFAULT_LEVELS) <= named


def _fits(finding: Finding, wanted: dict[str, Any]) -> bool:
    return (
        kind_of(finding.change) == wanted["kind"]
        and " > ".join(finding.place.path).endswith(wanted.get("at", ""))
        and wanted.get("says", "") in finding.sentence
        and finding.level == wanted.get("level", finding.level)
        and len(finding.flows) == wanted.get("flows", len(finding.flows))
        and len(finding.consequences) == wanted.get("consequences", len(finding.consequences))
        and finding.rule == wanted.get("rule", finding.rule)
    )
