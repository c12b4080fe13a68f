"""`spangate show`: traces as trees, or the report on a run."""

import asyncio
from pathlib import Path

import click
import rich_click

from gate.cli.options import client_of, golden_option, repository_of, server_options
from gate.cli.output import print_text
from gate.cli.traces import is_trace_id, traces_of
from gate.errors import NotFound
from gate.model.trace import Span, Trace
from gate.normalize import normalize
from gate.normalize.attributes import hidden_attributes, kept_attributes
from gate.report.clean import clean
from gate.runner.outline import operation_lines
from gate.runner.repository import Repository

_VALUE = 200


@rich_click.command()
@server_options
@golden_option
@click.option(
    "--attributes", is_flag=True, help="Every span with its attributes; those not compared with the rule that hides them."
)
@click.option("--test-case", default="", help="Only traces of this test case.")
@click.argument("what")
def show(what: str, server: str, token: str, project: str, golden_dir: Path, attributes: bool, test_case: str) -> int:
    """Show WHAT as comparisons see it: a file of traces, a trace id or a run of the server, or `last`.

    \b
      spangate show traces.jsonl --test-case test_checkout
      spangate show trace.json --attributes
      spangate show last                                   findings and traces of the last exec or check
      spangate show 42 --server http://gate:4318           the report on run 42
    """
    if what == "last" and not Path(what).exists():
        repository = repository_of(golden_dir)
        _print_last(repository)
        what = str(repository.last_traces)
    elif server and not Path(what).exists() and not is_trace_id(what):
        print_text(asyncio.run(_report(what, server, token, project)))
        return 0
    traces: tuple[Trace, ...] = ()
    try:
        traces = asyncio.run(_traces(what, server, token, project))
    except NotFound as unknown:
        if not server or not is_trace_id(what):
            raise
        try:  # a run may be called like a trace
            print_text(asyncio.run(_report(what, server, token, project)))
        except NotFound:
            raise unknown from None
        return 0
    shown = 0
    for trace in traces:
        flows = normalize(trace)
        if test_case and all(flow.key.test_case != test_case for flow in flows):
            continue
        shown += 1
        print_text(f"\ntrace {trace.trace_id}  {len(trace.spans)} spans")
        for problem in trace.problems[:20]:
            print_text(f"  {problem.kind.value}: {clean(problem.detail, _VALUE)}")
        if attributes:
            _print_spans(trace)
        else:
            for flow in flows:
                print_text("\n".join([f"  {clean(str(flow.key))}", *(f"    {line}" for line in operation_lines(flow))]))
    if not shown:
        raise NotFound(f"No trace of {what} has the test case {test_case!r}.")
    return 0


async def _traces(what: str, server: str, token: str, project: str) -> tuple[Trace, ...]:
    if not server:
        return await traces_of([what], None)
    async with client_of(server, token, project) as client:
        return await traces_of([what], client)


async def _report(run: str, server: str, token: str, project: str) -> str:
    async with client_of(server, token, project) as client:
        return await client.report(run, "text")


def _print_last(repository: Repository) -> None:
    last = repository.last()
    print_text(f"run {last.run}: {len(last.undecided)} undecided findings")
    for fingerprint, sentence in last.undecided.items():
        print_text(f"  {fingerprint}  {clean(sentence)}")


def _print_spans(trace: Trace) -> None:
    depths: list[int] = []
    for span, parent in zip(trace.spans, trace.parents, strict=True):
        depths.append(depths[parent] + 1 if parent >= 0 else 1)
        indent = "  " * min(depths[-1], 60)
        print_text(f"{indent}{_title(span)}")
        for key, value in sorted(kept_attributes(span).items()):
            print_text(f"{indent}  = {clean(f'{key}: {value}', _VALUE)}")
        for hidden in hidden_attributes(span):
            print_text(f"{indent}  · {clean(f'{hidden.key}: {hidden.value}', _VALUE)}  ({hidden.rule})")


def _title(span: Span) -> str:
    milliseconds = (span.end_ns - span.start_ns) / 1e6
    error = "  ERROR" if span.error else ""
    return clean(f"{span.service}: {span.name}  {span.kind.name.lower()}  {milliseconds:.1f} ms{error}", _VALUE)
