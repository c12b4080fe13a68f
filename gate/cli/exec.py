"""`spangate exec -- CMD`: run a command under a receiver, judge its traces."""

import asyncio
import os
import secrets
import shlex
from pathlib import Path

import click
import msgspec
import rich_click

from gate.cli.exec_server import judge_on_server
from gate.cli.options import compress_option, golden_option, report_options, repository_of, server_options
from gate.cli.output import print_report, say
from gate.codec.assemble import build_traces
from gate.errors import BadRequest, NoTraces
from gate.model.run import Report, Run
from gate.model.trace import Span
from gate.report.words import count
from gate.runner.checkout import checkout
from gate.runner.goldens import Sample, is_closed, samples_of
from gate.runner.judging import Baseline, confirmed, exit_code, judge_run, unsettled
from gate.runner.recording import Recording, flows_of, record
from gate.runner.repository import DIRECTORY, Repository
from gate.runner.waiting import Patience


class Options(msgspec.Struct, frozen=True):
    """What the command line says."""

    command: tuple[str, ...]
    environment: str
    repeat: int
    update: bool
    compress: bool | None
    confirm: bool
    patience: Patience
    format: str
    out: Path | None


@rich_click.command("exec", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@server_options
@golden_option
@click.option("--environment", default="ci", show_default=True, help="Name of the environment that this run is in.")
@click.option(
    "--repeat", type=click.IntRange(1, 100), default=1, help="With --update: record so many golden runs.", show_default=True
)
@click.option("--update", is_flag=True, help="Make this run the golden one instead of judging it.")
@compress_option
@click.option("--confirm", is_flag=True, help="Run a failing command again; only findings seen both times count.")
@click.option("--quiet", type=click.FloatRange(0.1, 600), default=3.0, show_default=True, help="Seconds without spans: complete.")
@click.option("--deadline", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Seconds to wait at most.")
@report_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(
    command: tuple[str, ...],
    server: str,
    token: str,
    project: str,
    golden_dir: Path,
    environment: str,
    repeat: int,
    update: bool,
    compress: bool | None,
    confirm: bool,
    quiet: float,
    deadline: float,
    format_: str,
    out: Path | None,
) -> int:
    """Run a command, collect the traces it makes, and judge them.

    The command and all that it starts get the OTEL_* variables that send spans here; what you set yourself stays. Without a
    server the golden traces are files in --golden-dir, to be committed and reviewed like snapshots.

    \b
      spangate exec --repeat 3 --update -- pytest tests/e2e     record golden traces
      spangate exec -- pytest tests/e2e                         compare with them
      spangate exec --server http://gate:4318 -- pytest tests   the same on a server

    Exit code: that of the verdict (0 pass or new, 1 changes need a decision, 4 no traces, 5 required baseline missing,
    7 inconclusive); when the verdict is pass or new, the command's own. Interrupted: 130.
    """
    if repeat > 1 and not update:
        raise BadRequest("--repeat records golden runs.", hint="Add --update, or use --confirm to judge twice.")
    if update and confirm:
        raise BadRequest("--update records, --confirm judges.", hint="Use one of them.")
    if compress is not None and (server or not update):
        raise BadRequest("--compress is about golden files that are written.", hint="Use it with --update and without --server.")
    options = Options(command, environment, repeat, update, compress, confirm, Patience(quiet, deadline), format_, out)
    if server:
        return asyncio.run(judge_on_server(options, server, token, project))
    repository = repository_of(golden_dir)
    return asyncio.run(_update(options, repository) if update else _judge(options, repository))


async def _judge(options: Options, repository: Repository) -> int:
    baseline = repository.baseline()
    recording = await _record(options, baseline)
    if recording.ended.interrupted:
        return _interrupted(recording)
    report = await _report(options, recording, baseline)
    if options.confirm and exit_code(report.verdict) == 1:
        say("the verdict is fail; running the command again to confirm it …")
        try:
            second = await _record(options, baseline)
        except NoTraces:
            say("the second run gave no traces: nothing speaks against the first")
        else:
            if second.ended.interrupted:
                return _interrupted(second)
            report = confirmed(report, await _report(options, second, baseline), baseline)
    repository.remember(report, recording.spans)
    print_report(report, options.format, options.out)
    _say_next(options, report, baseline, repository)
    return _final(exit_code(report.verdict), recording.ended.code)


async def _update(options: Options, repository: Repository) -> int:
    recordings: list[Recording] = []
    for number in range(1, options.repeat + 1):
        say(f"golden run {number} of {options.repeat}")
        recording = await _record(options, Baseline())
        if recording.ended.interrupted:
            return _interrupted(recording)
        if recording.ended.code:
            say(f"the command failed with {recording.ended.code}: nothing was recorded")
            return recording.ended.code
        recordings.append(recording)
    samples = [sample for recording in recordings for sample in golden_samples(recording.spans, recording.run)]
    unnamed = next((span.service for span in recordings[-1].spans if span.service.startswith("unknown_service")), "")
    if unnamed:
        say(
            f"warning: a service has no name, only that of its program ({unnamed}), which differs between machines: set OTEL_SERVICE_NAME"
        )
    if not samples:
        raise NoTraces(
            "Every trace of the command is incomplete, so nothing was recorded.", hint="Spans name parents that never came."
        )
    written = repository.goldens.write(samples, compress=options.compress)
    baseline = repository.baseline()
    report = judge_run(await _run(options, recordings[-1].run), recordings[-1].flows, baseline)
    repository.remember(report, recordings[-1].spans)
    print_report(report, options.format, options.out)
    absent = {sample.flow.key for sample in baseline.samples} - {sample.flow.key for sample in samples}
    say(
        f"recorded {count(len(written), 'flow')} from {count(len(recordings), 'run')} in {repository.goldens.folder}; commit them"
    )
    for key in sorted(absent):
        say(f"kept as it was, it did not run: {key} ({repository.goldens.path(key)})")
    return 0


def golden_samples(spans: tuple[Span, ...], run: str) -> list[Sample]:
    """The samples that may be golden; what may not is said."""
    samples = [sample for trace in build_traces(spans) for sample in samples_of(trace, run)]
    for sample in samples:
        if not is_closed(sample):
            say(f"left out, it is incomplete: {sample.flow.key} (trace {sample.flow.trace_id})")
    return [sample for sample in samples if is_closed(sample)]


async def _record(options: Options, baseline: Baseline) -> Recording:
    return await record(
        options.command,
        os.environ,
        run=f"run-{secrets.token_hex(4)}",
        environment=options.environment,
        patience=options.patience,
        unsettled=lambda spans: unsettled(baseline, flows_of(spans)),
        say=say,
    )


async def _report(options: Options, recording: Recording, baseline: Baseline) -> Report:
    code = recording.ended.code
    reasons = (f"the command ended with {code}",) if code else ()
    return judge_run(await _run(options, recording.run), recording.flows, baseline, reasons=reasons)


async def _run(options: Options, run: str) -> Run:
    return Run(id=run, project="local", environment=options.environment, **msgspec.structs.asdict(await checkout(os.environ)))


def _interrupted(recording: Recording) -> int:
    say("interrupted: nothing was judged")
    return 128 + recording.ended.interrupted


def _final(verdict: int, command: int) -> int:
    """The verdict's code; when that is 0 the command's."""
    if command and not verdict:
        say(f"the traces are good, the command ended with {command}")
    return verdict or command


def _say_next(options: Options, report: Report, baseline: Baseline, repository: Repository) -> None:
    command = shlex.join(options.command)
    if not baseline.samples:
        say(f"there are no golden traces yet; record some: spangate exec --repeat 3 --update -- {command}")
    elif exit_code(report.verdict) == 1:
        say("if the changes are meant: `spangate approve last` accepts them, or record anew:")
        say(f"spangate exec --repeat 3 --update -- {command}")
        if options.out is None:
            folder = "" if repository.directory == Path(DIRECTORY) else f"--golden-dir {shlex.quote(str(repository.directory))} "
            traces = shlex.quote(str(repository.last_traces))
            say(f"side by side, as a page: spangate check {folder}{traces} --format html > report.html")
