"""`spangate spec`: regression tests generated from golden traces."""

import asyncio
import os
import re
from pathlib import Path

import click
import msgspec
import rich_click

from gate.cli.options import client_of, server_options
from gate.cli.output import print_text, say
from gate.cli.traces import is_trace_id, traces_of, traces_of_files
from gate.errors import BadRequest, GateError, NotFound
from gate.model.trace import ProblemKind, Trace
from gate.report.clean import clean
from gate.report.words import count
from gate.runner.client import ServerClient
from gate.runner.files import read_text, write_whole
from gate.runner.kept_spec import kept_spec, parameters_in, report_result
from gate.runner.receiver import LocalReceiver
from gate.runner.sources import FileSource, ReceiverSource, ServerSource
from gate.runner.spec_run import SpecRun, environment_of, run_spec
from gate.runner.waiting import Patience
from gate.service import SavedSpec
from gate.spec import Spec, SpecResult, build_spec, check_spec, matching, parse_spec, render_spec, resolve
from gate.spec.formats import SpecFormat
from gate.spec.scope import test_cases
from gate.spec.spec import HttpRequest, Value

_FAILED, _INCONCLUSIVE = 1, 7


@rich_click.group()
def spec() -> None:
    """Regression tests from golden traces: generate them, check traces with them, run them in any environment."""


@spec.command()
@server_options
@click.option("--test-case", default="", help="Use only the traces of this test case.")
@click.option("--entry", default="", help="The request to test, when the traces have several: `POST /orders`.")
@click.option("--name", default="", help="Name of the spec. Default: the test case, else the entry.")
@click.option(
    "--out", type=click.Path(allow_dash=True, path_type=Path), help="File to write; - is stdout. Default: NAME.spec.yaml."
)
@click.option("--pytest", "pytest_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write a pytest file.")
@click.option("--curl", type=click.Path(dir_okay=False, path_type=Path), help="Also write the request as a shell script.")
@click.option("--tracetest", type=click.Path(dir_okay=False, path_type=Path), help="Also write a Tracetest definition.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.argument("traces", nargs=-1, required=True)
def new(
    traces: tuple[str, ...],
    server: str,
    token: str,
    project: str,
    test_case: str,
    entry: str,
    name: str,
    out: Path | None,
    pytest_file: Path | None,
    curl: Path | None,
    tracetest: Path | None,
    force: bool,
) -> int:
    """Generate a spec from golden TRACES of one flow: files, or trace ids of the server.

    The more traces, the better: what varies among them is not validated.

    \b
      spangate spec new .spangate/golden/test-checkout-1f2e3d4c.jsonl
      spangate spec new traces.jsonl --test-case test_checkout --pytest test_checkout_spec.py
      spangate spec new 4bf92f3577b34da6a3ce929d0e0e4736 --server http://gate:4318 --out -
    """
    samples = _of_one_case(asyncio.run(_samples(traces, server, token, project)), test_case)
    built = build_spec(samples, entry=entry, name=name)
    slug = re.sub(r"[^a-z0-9]+", "_", built.name.lower()).strip("_")[:60] or "spec"
    stdout = str(out) == "-"
    targets: dict[SpecFormat, Path | None] = {
        "yaml": None if stdout else out or Path(f"{slug}.spec.yaml"),
        "pytest": pytest_file,
        "curl": curl,
        "tracetest": tracetest,
    }
    files = {path: render_spec(built, form) for form, path in targets.items() if path is not None}
    for path in files:
        if path.exists() and not force:
            raise BadRequest(f"{path} is there already.", hint="Give --force to overwrite it, or another name.")
    if stdout:
        print_text(render_spec(built, "yaml"))
    for path, text in files.items():
        write_whole(path, text.encode("utf-8", "replace"))
        say(f"wrote {path}")
    say(f"{count(len(built.validations), 'validation')} from {count(len(samples), 'golden trace')}")
    for note in built.notes:
        say(f"note: {note}")
    return 0


@spec.command()
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Result on stdout."
)
@click.argument("spec_file", metavar="SPEC", type=click.Path(path_type=Path))
@click.argument("traces", nargs=-1, required=True)
def check(spec_file: Path, traces: tuple[str, ...], format_: str) -> int:
    """Check the traces of files with a spec: those of its test case, else all that have its request.

    \b
      spangate spec check checkout.spec.yaml traces.jsonl

    Exit code: 0 every validation holds, 1 one does not, 2 the spec is wrong, 4 no traces, 7 it fails on an incomplete trace.
    """
    loaded = parse_spec(read_text(spec_file), source=str(spec_file))
    found = traces_of_files(traces)
    chosen = matching(loaded.entry, loaded.test_case, found) or found[:1]
    results = [check_spec(loaded, trace) for trace in chosen]
    _print(results, format_)
    if all(result.ok for result in results):
        return 0
    incomplete = [_incomplete(trace) for trace, result in zip(chosen, results, strict=True) if not result.ok]
    if all(incomplete):
        say(f"inconclusive: {incomplete[0]}")
        return _INCONCLUSIVE
    return _FAILED


@spec.command()
@server_options
@click.option("--env", "environment", default="", help="Use environments/NAME.yaml beside the spec, or this file.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--traces", type=click.Path(path_type=Path), help="Take the trace from this file, which a collector writes.")
@click.option("--listen", default="", metavar="HOST:PORT", help="Take the trace from the service, which exports to this address.")
@click.option("--quiet", type=click.FloatRange(0.1, 600), default=3.0, show_default=True, help="Seconds without spans: complete.")
@click.option("--deadline", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="Seconds to wait at most.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Result on stdout."
)
@click.argument("spec_name", metavar="SPEC")
def run(
    spec_name: str,
    server: str,
    token: str,
    project: str,
    environment: str,
    settings: tuple[str, ...],
    traces: Path | None,
    listen: str,
    quiet: float,
    deadline: float,
    format_: str,
) -> int:
    """Send a spec's request, collect its trace, check it.

    SPEC is a file, or the id or name of a spec that the server keeps; then the environments are the kept ones, and the result is
    reported to it. The request carries a `traceparent` of its own. Its trace comes from the server that the service exports to, from a
    file, or directly (--listen).

    \b
      spangate spec run checkout --env staging --server http://gate:4318
      spangate spec run checkout.spec.yaml --env staging --server http://gate:4318
      spangate spec run checkout.spec.yaml --set base_url=http://127.0.0.1:8000 --listen 127.0.0.1:4318
      spangate spec run checkout.spec.yaml --env staging --traces /var/log/otel/traces.jsonl

    Exit code: 0 every validation holds, 1 one does not, 2 the spec or a parameter is wrong, 3 the service or the server cannot be
    reached, 4 no spans came, 7 it fails on an incomplete trace.
    """
    saved = asyncio.run(_kept(spec_name, server, token, project)) if server and not Path(spec_name).exists() else None
    loaded = parse_spec(read_text(Path(spec_name)) if saved is None else saved.text, source=spec_name)
    known = environment_of(Path(spec_name), environment) if saved is None else parameters_in(saved, environment)
    overrides = {**known, **dict(map(_setting, settings))}
    request = resolve(loaded, overrides, os.environ)
    say(f"{request.method} {request.url}")
    patience = Patience(quiet, deadline)
    if traces is not None:
        ran = asyncio.run(run_spec(loaded, request, FileSource(traces), patience=patience))
    elif listen:
        ran = asyncio.run(_listening(loaded, request, listen, patience))
    elif server:
        ran = asyncio.run(_served(loaded, request, server, token, project, patience))
    else:
        hint = "Give --server URL, --traces FILE or --listen HOST:PORT."
        raise BadRequest("It is not said where the trace can be found.", hint=hint)
    say(f"answered {ran.status}; trace {ran.trace.trace_id} has {count(len(ran.trace.spans), 'span')}")
    _print([ran.result], format_)
    if ran.incomplete and not ran.result.ok:
        say(f"inconclusive: {ran.incomplete}")
        return _INCONCLUSIVE
    if saved is not None:
        asyncio.run(_reported(saved, ran, environment, bool(traces or listen), client_of(server, token, project)))
    return 0 if ran.result.ok else _FAILED


async def _kept(name: str, server: str, token: str, project: str) -> SavedSpec:
    async with client_of(server, token, project) as client:
        return await kept_spec(client, name)


async def _reported(saved: SavedSpec, ran: SpecRun, environment: str, send: bool, client: ServerClient) -> None:
    """What was found stands, whether or not the server takes it."""
    async with client:
        try:
            outcome = await report_result(client, saved, ran.trace, environment, send=send)
        except GateError as error:
            say(f"warning: the result was not reported: {error}")
            return
    say(f"reported to {client.server} as the last result in {outcome.environment}")
    if outcome.ok != ran.result.ok:
        say("warning: the server sees it otherwise: the spec was changed there meanwhile, or more spans came")


async def _samples(names: tuple[str, ...], server: str, token: str, project: str) -> tuple[Trace, ...]:
    if not server or not any(map(is_trace_id, names)):
        return traces_of_files(names)
    async with client_of(server, token, project) as client:
        return await traces_of(names, client)


def _of_one_case(traces: tuple[Trace, ...], test_case: str) -> tuple[Trace, ...]:
    """The traces of one test case. Raises BadRequest when there are several and none is named."""
    cases = sorted({case for trace in traces for case in test_cases(trace)})
    if test_case:
        chosen = tuple(trace for trace in traces if test_case in test_cases(trace))
        if not chosen:
            raise NotFound(f"No trace has the test case {test_case!r}.", hint=f"There are: {', '.join(cases) or 'none'}.")
        return chosen
    if len(cases) > 1:
        raise BadRequest(f"The traces are of {len(cases)} test cases.", hint=f"Name one with --test-case: {', '.join(cases)}.")
    return traces


def _setting(text: str) -> tuple[str, Value]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadRequest(f"--set {text!r} is no NAME=VALUE.")
    return name, value


async def _listening(loaded: Spec, request: HttpRequest, address: str, patience: Patience) -> SpecRun:
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise BadRequest(f"--listen {address!r} is no HOST:PORT.")
    async with LocalReceiver(host.strip("[]") or "127.0.0.1", int(port)) as receiver:
        return await run_spec(loaded, request, ReceiverSource(receiver), patience=patience)


async def _served(loaded: Spec, request: HttpRequest, server: str, token: str, project: str, patience: Patience) -> SpecRun:
    async with client_of(server, token, project) as client:
        return await run_spec(loaded, request, ServerSource(client), patience=patience)


def _incomplete(trace: Trace) -> str:
    orphans = sum(problem.kind == ProblemKind.ORPHAN for problem in trace.problems)
    return f"{orphans} spans of trace {trace.trace_id} name a parent that never arrived" if orphans else ""


def _print(results: list[SpecResult], format: str) -> None:
    if format == "json":
        print_text(msgspec.json.format(msgspec.json.encode(results), indent=2).decode())
        return
    for result in results:
        print_text(f"{'PASS' if result.ok else 'FAIL'}  {clean(result.spec)}  trace {result.trace_id}")
        for each in result.checks:
            print_text(f"  {'✓' if each.ok else '✗'} {clean(each.sentence)}{'' if each.ok else f'  ← {clean(each.seen)}'}")
        if not result.ok:
            print_text(f"  {len(result.failed)} of {len(result.checks)} do not hold")
