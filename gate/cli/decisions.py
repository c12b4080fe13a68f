"""What the commands that decide about findings have in common."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from gate.cli.output import print_text, say
from gate.errors import BadRequest
from gate.report.words import count
from gate.runner.client import ServerClient
from gate.runner.repository import is_fingerprint

F = TypeVar("F", bound=Callable[..., Any])


def replace_option(function: F) -> F:
    """`--replace`."""
    return click.option("--replace", is_flag=True, help="Server: also where somebody decided otherwise.")(function)


def check_fingerprints(fingerprints: Sequence[str]) -> None:
    """Raises BadRequest for a word that cannot be one."""
    for fingerprint in fingerprints:
        if not is_fingerprint(fingerprint):
            raise BadRequest(f"{fingerprint!r} is no fingerprint.", hint="It looks like sg1:0123456789abcdef; reports show it.")


async def decided(client: ServerClient, run: str, word: str, fingerprints: Sequence[str]) -> int:
    """Prints what was decided about, and what the run says now."""
    for fingerprint in fingerprints:
        print_text(fingerprint)
    verdict = await client.verdict(run)
    say(f"{word} {count(len(fingerprints), 'finding')} of run {run}, which now says {verdict.conclusion.value}")
    return 0
