"""`docs/github-action.md` has exactly the inputs and outputs of `action.yml`, with their defaults."""

import re

import yaml

from tests.action.actions_runner import ACTION, REPOSITORY

TEXT = (REPOSITORY / "docs" / "github-action.md").read_text()
DECLARED = yaml.safe_load((ACTION / "action.yml").read_text())


def rows(heading: str) -> dict[str, str]:
    """The first column's names, with the rest of their row."""
    table = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {
        name: rest
        for names, rest in re.findall(r"^\| (`.*?`) \|(.*)$", table, re.MULTILINE)
        for name in re.findall(r"`([\w-]+)`", names)
    }


def test_inputs() -> None:
    """Every input but the internal one, and its default."""
    documented = rows("Inputs")
    inputs = {name: spec["default"] for name, spec in DECLARED["inputs"].items() if name != "job-status"}
    assert documented.keys() == inputs.keys()
    for name, default in inputs.items():
        shown = documented[name].split("|")[0].strip()
        assert shown == ("the job's" if name == "github-token" else f"`{default}`" if default else ""), name


def test_outputs() -> None:
    """Every output; the runtime is Node 24."""
    assert rows("Outputs").keys() == DECLARED["outputs"].keys()
    assert DECLARED["runs"]["using"] == "node24"
