"""`docs/cli.md` names every command, option and exit code that there is, and none that there is not; examples of files are read."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gate import errors
from gate.cli import cli
from gate.codec.written_yaml import decode_yaml
from gate.model.policy import Policy
from gate.spec import parse_spec

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "cli.md").read_text()
EVERYWHERE = TEXT.split("## Options that mean the same everywhere")[1].split("\n## ")[0]


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that can be called, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(commands(cli))


def section(name: str) -> str:
    assert f"\n## {name}\n" in TEXT, f"docs/cli.md has no section {name!r}"
    return TEXT.split(f"\n## {name}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options(name: str) -> None:
    """The section of a command names exactly its options; the overview has it."""
    options = {
        opt for parameter in COMMANDS[name].params for opt in (*parameter.opts, *parameter.secondary_opts) if opt.startswith("--")
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section(name))) == options
    assert f"[`{name}`](#{name.replace(' ', '-')})" in TEXT


def test_the_common_options() -> None:
    """Defaults and variables are as the table says."""
    parameters = {opt: parameter for parameter in COMMANDS["exec"].params for opt in parameter.opts}
    for option, variable, text in re.findall(r"\| `(--[a-z-]+)[^`]*` \| (?:`(\w+)`)? ?\| (.*) \|", EVERYWHERE):
        parameter = parameters[option]
        assert parameter.envvar == (variable or None)
        if isinstance(parameter.default, str | Path) and str(parameter.default):
            assert f"`{parameter.default}`" in text, option


def test_the_exit_codes() -> None:
    """Every code of an error is in the table."""
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", TEXT.split("## Exit codes")[1].split("\n## ")[0], re.MULTILINE)}
    raised = {
        error.exit_code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.GateError)
    }
    assert codes == set(range(8))
    assert raised <= codes


def test_the_examples_are_read() -> None:
    """The policy of `docs/cli.md` and the spec of `docs/specs.md` are what the product takes."""
    (policy,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert decode_yaml(policy, Policy, source="docs/cli.md").require_baseline
    (spec,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "specs.md").read_text(), re.DOTALL)
    assert len(parse_spec(spec, source="docs/specs.md").validations) == 4
