"""The command `spangate`. Each command lives in the module of its name and is imported when it is called."""

import importlib
from collections.abc import Sequence
from typing import Any

import click
import rich_click

from gate import __version__
from gate.errors import GateError

COMMANDS = {
    "serve": "gate.cli.serve:serve",
    "exec": "gate.cli.exec:exec_command",
    "diff": "gate.cli.diff:diff",
    "check": "gate.cli.check:check",
    "promote": "gate.cli.promote:promote",
    "approve": "gate.cli.approve:approve",
    "reject": "gate.cli.reject:reject",
    "withdraw": "gate.cli.withdraw:withdraw",
    "judge": "gate.cli.judge:judge",
    "show": "gate.cli.show:show",
    "spec": "gate.cli.spec:spec",
    "token": "gate.cli.token:token",
    "prune": "gate.cli.prune:prune",
    "doctor": "gate.cli.doctor:doctor",
}
"""Command → `module:attribute`, in the order of the help page."""


class _LazyGroup(rich_click.RichGroup):
    """Imports a command only when it is used, so that `spangate diff` does not pay for the server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@rich_click.group(cls=_LazyGroup)
@click.version_option(__version__, prog_name="spangate")
def cli() -> None:
    """A regression gate for distributed traces.

    Exit codes: 0 pass, approved, new or skipped · 1 changes need a decision · 2 usage · 3 server unreachable or
    timed out · 4 no traces · 5 required baseline missing · 6 authentication · 7 inconclusive · 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code; a `GateError` is one line on stderr, never a stack trace."""
    try:
        result: Any = cli.main(args=None if arguments is None else list(arguments), prog_name="spangate", standalone_mode=False)
    except click.exceptions.Abort:
        raise SystemExit(130) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except GateError as error:
        click.echo(f"spangate: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    raise SystemExit(result if isinstance(result, int) else 0)
