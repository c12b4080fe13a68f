"""`spangate reject`: a person's no to findings."""

import asyncio

import click
import rich_click

from gate.cli.decisions import check_fingerprints, decided, replace_option
from gate.cli.options import client_of, server_options
from gate.errors import BadRequest
from gate.runner.client import ServerClient


@rich_click.command()
@server_options
@replace_option
@click.option("--reason", default="", help="Why it is a regression.")
@click.argument("run")
@click.argument("fingerprints", nargs=-1, required=True)
def reject(run: str, fingerprints: tuple[str, ...], server: str, token: str, project: str, reason: str, replace: bool) -> int:
    """Say that findings of RUN, a run of the server, are regressions, whatever their level.

    The run fails until they are gone, and so does every run that shows them, until they are withdrawn.

    \b
      spangate reject 42 sg1:0123456789abcdef --reason "the ledger must be written" --server http://gate:4318
    """
    check_fingerprints(fingerprints)
    if run == "last" and not server:
        hint = "Without a server policy.yaml says what fails: give the kind of change, or a rule, the level failure."
        raise BadRequest("Findings are rejected on a server.", hint=hint)
    return asyncio.run(_on_server(run, fingerprints, reason, replace, client_of(server, token, project)))


async def _on_server(run: str, fingerprints: tuple[str, ...], reason: str, replace: bool, client: ServerClient) -> int:
    async with client:
        rejections = await client.reject(run, fingerprints, reason, replace=replace)
        return await decided(client, run, "rejected", [rejection.fingerprint for rejection in rejections])
