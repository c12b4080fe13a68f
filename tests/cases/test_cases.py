"""Runs every case file: golden traces, a candidate, and exactly the findings that it names."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gate.compare import DEFAULT_LEVELS, Baselines, compare, judge, learn
from gate.model.change import kind_of
from gate.model.flow import RunFlows
from gate.model.policy import Policy
from gate.model.verdict import Approval, Conclusion, Finding, Verdict
from tests.cases.draw import draw_run

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.yaml"))


def case_of(file: Path) -> dict[str, Any]:
    """A case file's content."""
    return yaml.safe_load(file.read_text())


@cache
def golden_runs(file: Path) -> tuple[RunFlows, ...]:
    """The golden runs of a case, `samples` of them; fewer drawn runs are repeated in turn."""
    case = case_of(file)
    drawn = case["baseline"] if isinstance(case["baseline"], list) else [case["baseline"]]
    number = max(case.get("samples", 1), len(drawn))
    return tuple(draw_run(drawn[at % len(drawn)], f"golden-{at}", clock=case.get("clock", "")) for at in range(number))


@cache
def baselines(file: Path) -> Baselines:
    """What the golden runs of a case teach."""
    return learn(golden_runs(file))


def judged(file: Path, run: RunFlows, approved: Verdict | None = None) -> tuple[Verdict, set[str]]:
    """The verdict on a run by a case's baseline and policy, and the notes of all comparisons."""
    policy = msgspec.convert(case_of(file).get("policy", {}), Policy)
    comparisons = compare(baselines(file), run, policy)
    decided = approved.undecided if approved else ()
    approvals = {one.fingerprint: Approval(one.fingerprint, "ada", "as intended", "2026-11-24T10:00:00Z") for one in decided}
    verdict = judge(comparisons, policy=policy, approvals=approvals)
    return verdict, {note for comparison in comparisons for note in comparison.notes}


def _parameters() -> list[Any]:
    marked: list[Any] = []
    for file in FILES:
        reason = case_of(file).get("wrong")
        marks = (pytest.mark.xfail(strict=True, reason=reason),) if reason else ()
        marked.append(pytest.param(file, marks=marks, id=f"{file.parent.name}/{file.stem}"))
    return marked


@pytest.mark.parametrize("file", _parameters())
def test_case(file: Path):
    """The comparison finds what the case says, at its place, and nothing else."""
    case = case_of(file)
    approved = judged(file, draw_run(case["approved"], "approved"))[0] if "approved" in case else None
    verdict, notes = judged(file, draw_run(case["candidate"], "candidate", case.get("limit"), case.get("clock", "")), approved)
    expected = case["expect"]
    said = "\n".join(_describe(finding) for finding in verdict.findings)
    assert verdict.conclusion == expected["conclusion"], said or verdict.reasons
    found = list(verdict.findings)
    for wanted in expected.get("findings", []):
        match = next((finding for finding in found if _fits(finding, wanted)), None)
        assert match, f"{wanted} is not among\n{said}"
        found.remove(match)
    assert not found, "also found:\n" + "\n".join(map(_describe, found))
    for reason in expected.get("reasons", []):
        assert any(reason in text for text in verdict.reasons), verdict.reasons
    for note in expected.get("notes", []):
        assert any(note in text for text in notes), notes


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_golden_runs_pass_their_own_baseline(file: Path):
    """Whatever the golden runs are, a run that is one of them has no finding but those that the policy demands."""
    for run in golden_runs(file):
        again = msgspec.structs.replace(run, run_id="again")
        verdict, _ = judged(file, again)
        assert verdict.conclusion in {Conclusion.PASS, Conclusion.NEW, Conclusion.INCONCLUSIVE} or _only_by_rule(verdict)
        assert all(finding.rule for finding in verdict.findings if kind_of(finding.change) != "flow-missing")


def test_every_kind_of_change_has_a_case():
    """Each kind of change that a comparison can find is named by at least one case."""
    named = {wanted["kind"] for file in FILES for wanted in case_of(file)["expect"].get("findings", [])}
    assert set(DEFAULT_LEVELS) <= named


def _only_by_rule(verdict: Verdict) -> bool:
    return all(finding.rule for finding in verdict.undecided)


def _fits(finding: Finding, wanted: dict[str, Any]) -> bool:
    consequences = wanted.get("consequences", len(finding.consequences))
    if isinstance(consequences, list):
        sentences = [consequence.sentence for consequence in finding.consequences]
        if len(sentences) != len(consequences) or not all(any(text in said for said in sentences) for text in consequences):
            return False
    elif len(finding.consequences) != consequences:
        return False
    return (
        kind_of(finding.change) == wanted["kind"]
        and " > ".join(finding.place.path).endswith(wanted.get("at", ""))
        and wanted.get("says", "") in finding.sentence
        and finding.level == wanted.get("level", "failure")
        and len(finding.flows) == wanted.get("flows", 1)
        and finding.rule == wanted.get("rule", finding.rule)
        and (finding.approval is not None) == wanted.get("approved", False)
    )


def _describe(finding: Finding) -> str:
    below = "".join(f"\n    · {consequence.sentence}" for consequence in finding.consequences)
    place = " > ".join(finding.place.path)
    rule = f" ({finding.rule})" if finding.rule else ""
    return f"{finding.level} {kind_of(finding.change)} ×{len(finding.flows)}: {finding.sentence}{rule}\n    at {place}{below}"
