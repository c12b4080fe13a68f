"""`spangate judge`: judges a run of the server again."""

import asyncio
from pathlib import Path

import click
import rich_click

from gate.cli.options import client_of, report_options, server_options
from gate.cli.output import print_server_report
from gate.errors import BadRequest
from gate.runner.client import ServerClient
from gate.runner.judging import exit_code


@rich_click.command()
@server_options
@report_options
@click.argument("run")
def judge(run: str, server: str, token: str, project: str, format_: str, out: Path | None) -> int:
    """Compare and judge RUN, a run of the server, anew: with the baselines and the policy of now.

    \b
      spangate judge 42 --server http://gate:4318

    Exit code: 0 pass or new, 1 changes need a decision, 5 required baseline missing, 7 inconclusive.
    """
    if run == "last" and not server:
        hint = "Without a server the last traces are judged by `spangate check .spangate/last/traces.jsonl`."
        raise BadRequest("Runs are judged again on a server.", hint=hint)
    return asyncio.run(_on_server(run, client_of(server, token, project), format_, out))


async def _on_server(run: str, client: ServerClient, format: str, out: Path | None) -> int:
    async with client:
        await client.judge_again(run)
        verdict = await client.verdict(run)
        await print_server_report(client, run, format, out)
        return exit_code(verdict)
