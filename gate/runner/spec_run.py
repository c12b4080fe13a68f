"""A spec in action: send its request under a trace id of our choice, collect the trace, check it."""

import asyncio
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from gate.codec.assemble import build_traces
from gate.codec.written_yaml import decode_yaml
from gate.errors import BadRequest, NotFound, NoTraces, Unavailable
from gate.model.trace import ProblemKind, Resource, Scope, Span, SpanKind, Trace
from gate.runner.files import read_text
from gate.runner.sources import Source
from gate.runner.waiting import Patience
from gate.spec import Spec, SpecResult, check_spec
from gate.spec.spec import SENDER, HttpRequest, Value

_POLL = 0.25
_STILL = 0.75
"""Seconds without new spans before a trace on which everything holds is believed to be whole."""


class SpecRun(msgspec.Struct, frozen=True):
    """A request that was sent, and what its trace says."""

    trace: Trace
    result: SpecResult
    status: int
    """HTTP status of the response."""
    incomplete: str = ""
    """Why a failed check may be a matter of missing spans; empty when the trace is whole."""


async def run_spec(spec: Spec, request: HttpRequest, source: Source, *, patience: Patience) -> SpecRun:
    """Send the request, wait for its trace, check it.

    Raises Unavailable when the service does not answer, NoTraces when it answers but none of its spans comes.
    """
    root, status = await _send(request)
    await source.sent(root)
    trace = await _collect(spec, root, source, patience)
    if len(trace.spans) < 2:
        raise NoTraces(
            f"{request.method} {request.url} answered {status}, but no span of trace {trace.trace_id} came "
            f"within {patience.deadline:.0f} s.",
            hint="Does the service under test export where this command looks, and does it accept the header `traceparent`?",
        )
    orphans = _orphans(trace)
    incomplete = f"{orphans} span(s) name a parent that never arrived" if orphans else ""
    return SpecRun(trace, check_spec(spec, trace), status, incomplete)


def environment_of(spec_file: Path, name: str) -> dict[str, Value]:
    """The parameters of `environments/NAME.yaml` beside the spec; a name that ends in .yaml is a path.

    Raises NotFound naming the environments that there are, BadRequest for a file that is none."""
    if not name:
        return {}
    folder = spec_file.resolve().parent / "environments"
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.yaml"))) or "none"
        raise NotFound(f"There is no environment {name!r}: {path} does not exist.", hint=f"Environments here: {known}.")
    return decode_yaml(read_text(path), dict[str, Value], source=str(path))


async def _send(request: HttpRequest) -> tuple[Span, int]:
    """The client span of the request, which is the root of its trace, and the response's status."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    headers = {**request.headers, "traceparent": f"00-{trace_id}-{span_id}-01", "tracestate": "spangate=spec"}
    start = time.time_ns()
    try:
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
            content = request.body.encode() if request.body else None
            response = await client.request(request.method, request.url, headers=headers, content=content)
    except (httpx.InvalidURL, UnicodeEncodeError, ValueError) as error:
        raise BadRequest(f"{request.method} {request.url} cannot be sent: {error}.") from None
    except httpx.HTTPError as error:
        raise Unavailable(
            f"{request.method} {request.url} got no answer: {error or type(error).__name__}.",
            hint="Is the service up? See base_url.",
        ) from None
    attributes = {
        "http.request.method": request.method,
        "url.full": request.url,
        "http.response.status_code": response.status_code,
    }
    root = Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id="",
        name=f"{request.method} {urlsplit(request.url).path}",
        kind=SpanKind.CLIENT,
        start_ns=start,
        end_ns=time.time_ns(),
        attributes=attributes,
        resource=Resource({"service.name": SENDER}, SENDER),
        scope=Scope("spangate"),
    )
    return root, response.status_code


async def _collect(spec: Spec, root: Span, source: Source, patience: Patience) -> Trace:
    """The trace: at once when every check holds and nothing more comes, else when it is quiet, or at the deadline."""
    loop = asyncio.get_running_loop()
    start = changed = loop.time()
    known: dict[str, Span] = {root.span_id: root}
    trace = build_traces(known.values())[0]
    good = False
    while True:
        found = {span.span_id: span for span in await source.spans(root.trace_id)}
        if found.keys() - known.keys():
            known = {**found, **known}
            changed = loop.time()
            trace = build_traces(known.values())[0]
            good = (
                bool(spec.validations)
                and check_spec(spec, trace).ok
                and not any(problem.kind == ProblemKind.ORPHAN for problem in trace.problems)
            )
        idle, now = loop.time() - changed, loop.time()
        quiet = len(known) > 1 and idle >= (_STILL if good else patience.quiet)
        if quiet or now - start >= patience.deadline:
            return trace
        await asyncio.sleep(_POLL)


def _orphans(trace: Trace) -> int:
    return sum(problem.kind == ProblemKind.ORPHAN for problem in trace.problems)
