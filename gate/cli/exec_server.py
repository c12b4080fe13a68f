"""`spangate exec --server`: the command's spans go to the server, which judges."""

import os
from typing import TYPE_CHECKING

import msgspec

from gate.cli.options import client_of
from gate.cli.output import print_server_report, say
from gate.errors import NoTraces
from gate.model.run import Run
from gate.model.verdict import Conclusion, Verdict
from gate.report.address import page_of
from gate.report.words import count
from gate.runner.checkout import checkout
from gate.runner.child import Ended, run_child
from gate.runner.client import ServerClient
from gate.runner.confirming import contradicted
from gate.runner.judging import exit_code, exit_code_without
from gate.runner.telemetry import telemetry

if TYPE_CHECKING:
    from gate.cli.exec import Options


async def judge_on_server(options: "Options", server: str, token: str, project: str) -> int:
    """Open a run, run the command, finish, wait for the verdict; with `update` promote the run instead."""
    async with client_of(server, token, project) as client:
        codes: list[int] = []
        for number in range(1, options.repeat + 1):
            if options.update:
                say(f"golden run {number} of {options.repeat}")
            run, ended = await _execute(options, client, attempt=1)
            if ended.interrupted:
                say("interrupted: nothing was judged")
                return 128 + ended.interrupted
            if options.update and ended.code:
                say(f"the command failed with {ended.code}: run {run.id} was not promoted")
                return ended.code
            verdict = await _verdict(client, run)
            if options.update:
                await _promote(client, run)
                say(f"its page: {page_of(client.server, run)}")
            else:
                codes.append(await _conclude(options, client, run, verdict, ended))
        return max(codes, default=0)


async def _execute(options: "Options", client: ServerClient, *, attempt: int) -> tuple[Run, Ended]:
    known = msgspec.structs.asdict(await checkout(os.environ))
    known["attempt"] = max(attempt, known["attempt"])
    run = await client.create_run(Run(id="", project="", environment=options.environment, **known))
    say(f"run {run.id} on {client.server}")
    prepared = telemetry(
        os.environ, endpoint=client.server, run=run.id, environment=options.environment, headers=client.export_headers(run.id)
    )
    for warning in prepared.warnings:
        say(f"warning: {warning}")
    ended = await run_child(options.command, prepared.environ)
    if not ended.interrupted:
        say(f"the command ended with {ended.code}; waiting for the verdict …")
        await client.finish(run.id)
    return run, ended


async def _verdict(client: ServerClient, run: Run) -> Verdict:
    verdict = await client.verdict(run.id)
    if not verdict.flows:
        raise NoTraces(
            f"No trace of run {run.id} arrived: {'; '.join(verdict.reasons)}.",
            hint="Is the OpenTelemetry SDK installed and started, and does it export to OTEL_EXPORTER_OTLP_ENDPOINT?",
        )
    return verdict


async def _promote(client: ServerClient, run: Run) -> None:
    promotions = await client.promote_run(run.id, "spangate exec --update")
    skipped = [promotion for promotion in promotions if promotion.state == "skipped"]
    say(f"promoted {count(len(promotions) - len(skipped), 'trace')} of run {run.id}")
    for promotion in skipped:
        say(f"left out: trace {promotion.trace_id}: {promotion.reason}")


async def _conclude(options: "Options", client: ServerClient, run: Run, verdict: Verdict, ended: Ended) -> int:
    code = exit_code(verdict)
    await print_server_report(client, run.id, options.format, options.out)
    if options.format != "text":  # which ends in it
        say(f"this run's page: {page_of(client.server, run)}")
    if options.confirm and code == 1:
        say("the verdict is fail; running the command again to confirm it …")
        second, again = await _execute(options, client, attempt=run.attempt + 1)
        if again.interrupted:
            say("interrupted: nothing was confirmed")
            return 128 + again.interrupted
        try:
            gone = contradicted(verdict, await _verdict(client, second))
        except NoTraces:
            gone = ()
            say("the second run gave no traces: nothing speaks against the first")
        for finding in gone:
            say(f"not seen again in run {second.id}: {finding.sentence}")
        code = exit_code_without(verdict, gone)
    if code == 1:
        say(f"if the changes are meant: spangate approve {run.id} --server {client.server}, or approve on the run's page")
    if verdict.conclusion is Conclusion.NEW and not any(flow.samples for flow in verdict.flows):
        say(f"to compare with this run from now on: spangate promote --run {run.id} --server {client.server}")
    if ended.code and not code:
        say(f"the traces are good, the command ended with {ended.code}")
    return code or ended.code
