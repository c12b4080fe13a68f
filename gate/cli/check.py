"""`spangate check`: judge traces that are there already."""

import asyncio
import os
import secrets
from pathlib import Path

import click
import msgspec
import rich_click

from gate.cli.options import client_of, golden_option, report_options, repository_of, server_options
from gate.cli.output import print_report, print_server_report, say
from gate.cli.traces import traces_of_files
from gate.errors import Conflict
from gate.model.run import Run
from gate.model.trace import Trace
from gate.normalize import normalize
from gate.runner.checkout import checkout
from gate.runner.client import ServerClient
from gate.runner.judging import exit_code, judge_run
from gate.runner.repository import Repository

_LOOKED_UP = 20
"""So many traces are looked up on the server before they are sent: the same file again is told at once, not at the deadline."""


@rich_click.command()
@server_options
@golden_option
@click.option("--environment", default="ci", show_default=True, help="Name of the environment that the traces are from.")
@report_options
@click.argument("traces", nargs=-1, required=True)
def check(
    traces: tuple[str, ...],
    server: str,
    token: str,
    project: str,
    golden_dir: Path,
    environment: str,
    format_: str,
    out: Path | None,
) -> int:
    """Judge the traces of files as one run.

    Files may be OTLP (JSON, JSON Lines, protobuf), Jaeger, Zipkin v2 or Tempo, also in gzip or zstd; the format is detected.

    \b
      spangate check traces.jsonl
      spangate check traces.jsonl --out reports --format junit
      spangate check traces.jsonl --server http://gate:4318

    A server takes a trace once: the same file again is refused with the run that has it. Exit code: 0 pass or new, 1 changes need a decision, 4 no traces, 5 required baseline missing, 7 inconclusive.
    """
    found = traces_of_files(traces)
    if server:
        return asyncio.run(_on_server(found, client_of(server, token, project), environment, format_, out))
    return asyncio.run(_here(found, repository_of(golden_dir), environment, format_, out))


async def _here(traces: tuple[Trace, ...], repository: Repository, environment: str, format: str, out: Path | None) -> int:
    flows = [flow for trace in traces for flow in normalize(trace)]
    report = judge_run(await _run(f"run-{secrets.token_hex(4)}", environment), flows, repository.baseline())
    repository.remember(report, tuple(span for trace in traces for span in trace.spans))
    print_report(report, format, out)
    return exit_code(report.verdict)


async def _on_server(traces: tuple[Trace, ...], client: ServerClient, environment: str, format: str, out: Path | None) -> int:
    async with client:
        for trace in traces[:_LOOKED_UP]:
            if run_id := await client.run_of(trace.trace_id):
                raise Conflict(
                    f"The server has trace {trace.trace_id} already, in run {run_id}; a trace belongs to one run.",
                    hint=f"`spangate show {run_id} --server {client.server}` has the report on it.",
                )
        run = await client.create_run(await _run("", environment))
        await client.send(run.id, [span for trace in traces for span in trace.spans])
        await client.finish(run.id, expect_traces=len(traces))
        say(f"run {run.id} on {client.server}")
        verdict = await client.verdict(run.id)
        await print_server_report(client, run.id, format, out)
        return exit_code(verdict)


async def _run(run: str, environment: str) -> Run:
    return Run(id=run, project="local", environment=environment, **msgspec.structs.asdict(await checkout(os.environ)))
