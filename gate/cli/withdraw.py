"""`spangate withdraw`: takes back what was decided about findings."""

import asyncio
from pathlib import Path

import click
import rich_click

from gate.cli.decisions import check_fingerprints, decided
from gate.cli.options import client_of, golden_option, repository_of, server_options
from gate.cli.output import print_text, say
from gate.errors import BadRequest
from gate.report.words import count
from gate.runner.client import ServerClient
from gate.runner.repository import Repository


@rich_click.command()
@server_options
@golden_option
@click.argument("run")
@click.argument("fingerprints", nargs=-1, required=True)
def withdraw(run: str, fingerprints: tuple[str, ...], server: str, token: str, project: str, golden_dir: Path) -> int:
    """Take back approvals or rejections of findings: they are undecided again, in RUN and everywhere else.

    RUN is a run of the server; without a server it is `last`, and the approvals go from approvals.json in --golden-dir.

    \b
      spangate withdraw 42 sg1:0123456789abcdef --server http://gate:4318
      spangate withdraw last sg1:0123456789abcdef
    """
    check_fingerprints(fingerprints)
    if server:
        return asyncio.run(_on_server(run, fingerprints, client_of(server, token, project)))
    if run != "last":
        raise BadRequest(f"Run {run!r} can only be on a server.", hint="Give --server, or `last` for the approvals here.")
    return _here(repository_of(golden_dir), fingerprints)


async def _on_server(run: str, fingerprints: tuple[str, ...], client: ServerClient) -> int:
    async with client:
        return await decided(client, run, "withdrew the decision on", await client.withdraw(run, fingerprints))


def _here(repository: Repository, fingerprints: tuple[str, ...]) -> int:
    withdrawn = repository.withdraw(fingerprints)
    for fingerprint in withdrawn:
        print_text(fingerprint)
    say(
        f"withdrew {count(len(withdrawn), 'approval')}; commit {repository.approvals_file}"
        if withdrawn
        else "nothing was approved"
    )
    return 0
