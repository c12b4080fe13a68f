"""`spangate approve`: a person's yes to findings."""

import asyncio
import datetime
import getpass
import os
from pathlib import Path

import click
import rich_click

from gate.cli.decisions import check_fingerprints, decided, replace_option
from gate.cli.options import client_of, golden_option, repository_of, server_options
from gate.cli.output import print_text, say
from gate.errors import BadRequest, NotFound
from gate.model.verdict import Approval
from gate.report.clean import clean
from gate.report.words import count
from gate.runner.client import ServerClient
from gate.runner.repository import Repository


@rich_click.command()
@server_options
@golden_option
@replace_option
@click.option("--reason", default="", help="Why it is meant to be so.")
@click.option("--by", default="", help="Who says so, for approvals in files. Default: GITHUB_ACTOR, else the user's name.")
@click.argument("run")
@click.argument("fingerprints", nargs=-1)
def approve(
    run: str,
    fingerprints: tuple[str, ...],
    server: str,
    token: str,
    project: str,
    golden_dir: Path,
    replace: bool,
    reason: str,
    by: str,
) -> int:
    """Accept findings of RUN: those named by FINGERPRINTS, else all that are undecided.

    RUN is a run of the server; without a server it is `last`, and the approvals go to approvals.json in --golden-dir. An approval
    holds for the finding, not for the run: it survives pushes, rebases and squash merges.

    \b
      spangate approve last sg1:0123456789abcdef --reason "batching is meant"
      spangate approve 42 --server http://gate:4318
    """
    check_fingerprints(fingerprints)
    if server:
        return asyncio.run(_on_server(run, fingerprints, reason, replace, client_of(server, token, project)))
    if run != "last":
        raise BadRequest(f"Run {run!r} can only be on a server.", hint="Give --server, or `last` for the last run here.")
    return _here(repository_of(golden_dir), fingerprints, by or os.environ.get("GITHUB_ACTOR") or getpass.getuser(), reason)


async def _on_server(run: str, fingerprints: tuple[str, ...], reason: str, replace: bool, client: ServerClient) -> int:
    async with client:
        approvals = await client.approve(run, fingerprints, reason, replace=replace)
        return await decided(client, run, "approved", [approval.fingerprint for approval in approvals])


def _here(repository: Repository, fingerprints: tuple[str, ...], by: str, reason: str) -> int:
    undecided = repository.last().undecided
    unknown = [fingerprint for fingerprint in fingerprints if fingerprint not in undecided]
    if unknown:
        raise NotFound(f"The last run has no undecided finding {unknown[0]}.", hint="`spangate show last` lists them.")
    chosen = fingerprints or tuple(undecided)
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    repository.approve({fingerprint: Approval(fingerprint, by, reason, at) for fingerprint in chosen})
    for fingerprint in chosen:
        print_text(f"{fingerprint}  {clean(undecided[fingerprint])}")
    say(f"approved {count(len(chosen), 'finding')}; commit {repository.approvals_file}" if chosen else "nothing is undecided")
    return 0
