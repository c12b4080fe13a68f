"""For generated pytest files: send a request, look at its trace, have a server keep the result."""

import asyncio
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from gate.errors import GateError, NotFound
from gate.model.flow import Operation
from gate.model.trace import Trace
from gate.runner.client import ServerClient
from gate.runner.kept_spec import kept_spec, report_result
from gate.runner.receiver import LocalReceiver
from gate.runner.sources import FileSource, ReceiverSource, ServerSource
from gate.runner.spec_run import SpecRun, environment_of, run_spec
from gate.runner.waiting import Patience
from gate.spec import Spec, resolve
from gate.spec.scope import Occurrence, fits, occurrences
from gate.spec.spec import Call, HttpRequest, Trigger, Value


class RecordedTrace:
    """The trace of a request, as far as it happened below the entry."""

    def __init__(self, trace: Trace, entry: Call) -> None:
        self.trace_id = trace.trace_id
        self.requests: tuple[Occurrence, ...] = occurrences(entry, trace)
        """Every time the entry answered, with all that happened below it."""

    def calls(self, *, service: str = "", operation: str = "", statement: str = "") -> list[Operation]:
        """The calls of this name; `attributes` of each are normalised text."""
        call = Call(service, operation, statement)
        return [each for occurrence in self.requests for each in occurrence if fits(call, each)]

    def failures(self, *, except_for: Sequence[Mapping[str, str]] = ()) -> list[str]:
        """What failed, as `service: operation`."""
        known = [Call(**each) for each in except_for]
        failing = [each for occurrence in self.requests for each in occurrence if each.error]
        return [f"{each.service}: {each.name}" for each in failing if not any(fits(call, each) for call in known)]


def send_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: str,
    *,
    parameters: Mapping[str, Value],
    entry: Mapping[str, str],
    file: str,
    name: str = "",
    environ: Mapping[str, str] | None = None,
) -> RecordedTrace:
    """Send the request and wait for its trace. `${…}` are filled in as in a spec; `file` says where `environments/` is.

    Variables: SPANGATE_ENVIRONMENT, and where the trace comes from: SPANGATE_SERVER (with SPANGATE_TOKEN, SPANGATE_PROJECT),
    SPANGATE_TRACES, or SPANGATE_LISTEN. A server that keeps a spec called `name` has the result as the environment's last one; where
    it does not take it, a warning says why. Raises a `GateError` that says what is missing.
    """
    environ = os.environ if environ is None else environ
    call = Call(**entry)
    trigger = Trigger(HttpRequest(method, url, dict(headers), body)) if method else None
    spec = Spec(name=call.operation, entry=call, trigger=trigger, parameters=dict(parameters))
    request = resolve(spec, environment_of(Path(file), environ.get("SPANGATE_ENVIRONMENT", "")), environ)
    run, unreported = asyncio.run(_run(spec, request, environ, name))
    if unreported:
        with warnings.catch_warnings():
            warnings.simplefilter("always")  # that a result is not kept fails no test, with `-W error` neither
            warnings.warn(f"Spangate: the result was not reported: {unreported}", stacklevel=2)
    return RecordedTrace(run.trace, call)


async def _run(spec: Spec, request: HttpRequest, environ: Mapping[str, str], name: str) -> tuple[SpecRun, str]:
    """What ran, and why a server that should keep the result does not."""
    # The checks are the tests of the file, not known here: wait until it is quiet, not until they hold.
    patience = Patience(quiet=float(environ.get("SPANGATE_QUIET", "3")), deadline=30.0)
    if server := environ.get("SPANGATE_SERVER"):
        token, project = environ.get("SPANGATE_TOKEN", ""), environ.get("SPANGATE_PROJECT", "")
        async with ServerClient(server, token=token, project=project) as client:
            run = await run_spec(spec, request, ServerSource(client), patience=patience)
            return run, await _reported(client, name, run, environ.get("SPANGATE_ENVIRONMENT", "")) if name else ""
    if path := environ.get("SPANGATE_TRACES"):
        return await run_spec(spec, request, FileSource(Path(path)), patience=patience), ""
    host, _, port = environ.get("SPANGATE_LISTEN", "127.0.0.1:4318").rpartition(":")
    async with LocalReceiver(host.strip("[]") or "127.0.0.1", int(port)) as receiver:
        return await run_spec(spec, request, ReceiverSource(receiver), patience=patience), ""


async def _reported(client: ServerClient, name: str, run: SpecRun, environment: str) -> str:
    """Why not; empty when it was, and when the server keeps no spec of this name."""
    try:
        saved = await kept_spec(client, name)
    except NotFound:
        return ""
    except GateError as error:
        return str(error)
    if run.incomplete:
        return f"{run.incomplete}."
    try:
        await report_result(client, saved, run.trace, environment, send=False)
    except GateError as error:
        return str(error)
    return ""
