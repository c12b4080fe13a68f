"""`spangate promote`: make traces golden."""

import asyncio
from pathlib import Path

import click
import rich_click

from gate.cli.options import client_of, compress_option, golden_option, repository_of, server_options
from gate.cli.output import print_text, say
from gate.cli.traces import traces_of_files
from gate.errors import BadRequest, NoTraces
from gate.report.words import count
from gate.runner.client import ServerClient
from gate.runner.goldens import is_closed, samples_of
from gate.runner.repository import Repository
from gate.service import Promotion


@rich_click.command()
@server_options
@golden_option
@click.option("--run", default="", help="Promote every trace of this run of the server.")
@click.option("--reason", default="", help="Why, for those who look at the baseline later.")
@click.option("--replace", is_flag=True, help="Files: forget the flow's older golden traces.")
@compress_option
@click.argument("traces", nargs=-1)
def promote(
    traces: tuple[str, ...],
    server: str,
    token: str,
    project: str,
    golden_dir: Path,
    run: str,
    reason: str,
    replace: bool,
    compress: bool | None,
) -> int:
    """Make traces golden: by id on the server, or from files into --golden-dir.

    \b
      spangate promote 4bf92f3577b34da6a3ce929d0e0e4736 --server http://gate:4318
      spangate promote --run 42 --server http://gate:4318
      spangate promote traces.jsonl
      spangate promote --replace .spangate/last/traces.jsonl      what the last exec or check saw

    Incomplete traces are left out, which is said. Exit code: 0, or 4 when nothing could be promoted.
    """
    if run and traces:
        raise BadRequest("--run promotes the whole run.", hint="Name either a run or traces.")
    if not run and not traces:
        raise BadRequest("Nothing is named.", hint="Give trace ids or --run with --server, or files.")
    if run or server:
        return asyncio.run(_on_server(traces, run, reason, client_of(server, token, project)))
    return _here(traces, repository_of(golden_dir), replace, compress)


async def _on_server(trace_ids: tuple[str, ...], run: str, reason: str, client: ServerClient) -> int:
    async with client:
        if run:
            promotions = await client.promote_run(run, reason)
        else:
            promotions = tuple([await client.promote(trace_id.lower(), reason) for trace_id in trace_ids])
    for promotion in promotions:
        print_text(_line(promotion))
    done = [promotion for promotion in promotions if promotion.state != "skipped"]
    say(f"promoted {len(done)} of {count(len(promotions), 'trace')}")
    return 0 if done else NoTraces.exit_code


def _here(files: tuple[str, ...], repository: Repository, replace: bool, compress: bool | None) -> int:
    samples = [sample for trace in traces_of_files(files) for sample in samples_of(trace)]
    for sample in samples:
        if not is_closed(sample):
            say(f"left out, it is incomplete: {sample.flow.key} (trace {sample.flow.trace_id})")
    closed = [sample for sample in samples if is_closed(sample)]
    if not closed:
        raise NoTraces("Every trace is incomplete: nothing was promoted.", hint="Spans name parents that never came.")
    for path in repository.goldens.write(closed, add=not replace, compress=compress):
        print_text(str(path))
    say(f"promoted {count(len(closed), 'flow')}; commit {repository.goldens.folder}")
    return 0


def _line(promotion: Promotion) -> str:
    what = promotion.reason or ", ".join(promotion.flows)
    return f"{promotion.trace_id}  {promotion.state}  {what}".rstrip()
