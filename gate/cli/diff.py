"""`spangate diff A B`: two traces, or two files of traces, beside each other."""

import asyncio

import click
import msgspec
import rich_click

from gate import __version__
from gate.cli.options import REPORT_FORMATS, client_of, server_options
from gate.cli.output import print_report
from gate.cli.traces import traces_of
from gate.compare import FIRST_TRACE, FIRST_TRACES, compare, judge, learn
from gate.model.flow import Flow, RunFlows
from gate.model.run import Report, Run
from gate.model.trace import Trace
from gate.normalize import normalize
from gate.runner.judging import exit_code


@rich_click.command()
@server_options
@click.option(
    "--format", "format_", type=click.Choice(REPORT_FORMATS), default="text", show_default=True, help="Report on stdout."
)
@click.argument("before")
@click.argument("after")
def diff(before: str, after: str, server: str, token: str, project: str, format_: str) -> int:
    """Compare two traces: what AFTER does otherwise than BEFORE.

    Each is a file of any trace format, or a trace id of the server. Files with several traces are compared flow by flow.

    \b
      spangate diff good.json bad.json
      spangate diff jaeger.json new.jsonl --format html > diff.html
      spangate diff 4bf92f3577b34da6a3ce929d0e0e4736 new.json --server http://gate:4318

    Exit code: 0 no change that matters, 1 changes, 4 no traces, 7 inconclusive (a trace is incomplete).
    """
    report = asyncio.run(_compare(before, after, server, token, project))
    print_report(report, format_, None)
    return exit_code(report.verdict)


async def _compare(before: str, after: str, server: str, token: str, project: str) -> Report:
    if server:
        async with client_of(server, token, project) as client:
            golden, candidate = await traces_of([before], client), await traces_of([after], client)
    else:
        golden, candidate = await traces_of([before], None), await traces_of([after], None)
    return compare_traces(golden, candidate, name=after)


def compare_traces(golden: tuple[Trace, ...], candidate: tuple[Trace, ...], *, name: str) -> Report:
    """The report on `candidate` against `golden`. When no flow is in both, the largest of each are compared."""
    before, after = _flows(golden), _flows(candidate)
    if not {flow.key for flow in before} & {flow.key for flow in after}:
        after = [max(after, key=_size)]
        before = [msgspec.structs.replace(max(before, key=_size), key=after[0].key)]
    standard = FIRST_TRACE if len(before) == 1 else FIRST_TRACES
    comparisons = compare(learn([RunFlows("before", tuple(before))], standard), RunFlows(name, tuple(after)))
    run = Run(id=name, project="local", environment="")
    return Report(run, judge(comparisons), comparisons, version=__version__)


def _flows(traces: tuple[Trace, ...]) -> list[Flow]:
    return [flow for trace in traces for flow in normalize(trace)]


def _size(flow: Flow) -> int:
    return len(flow.operations)
