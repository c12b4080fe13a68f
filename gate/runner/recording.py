"""One run of a command under the local receiver."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from gate.codec.assemble import build_traces
from gate.errors import NoTraces
from gate.model.flow import Flow
from gate.model.trace import Span
from gate.normalize import normalize
from gate.report.words import count
from gate.runner.child import Ended, run_child
from gate.runner.receiver import LocalReceiver
from gate.runner.telemetry import obstacles, telemetry
from gate.runner.waiting import Patience, wait_for_spans

Say = Callable[[str], None]
"""Tells a person how far it is."""


class Recording(msgspec.Struct, frozen=True):
    """What one run of the command gave."""

    run: str
    spans: tuple[Span, ...]
    ended: Ended

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Every flow of every trace."""
        return flows_of(self.spans)


async def record(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    run: str,
    environment: str,
    patience: Patience,
    unsettled: Callable[[tuple[Span, ...]], str],
    say: Say,
) -> Recording:
    """Run the command with a receiver of its own and wait for its spans. A signal ends the waiting.

    Raises NoTraces, with what to check, when the command ended by itself and no span came.
    """
    async with LocalReceiver() as receiver:
        prepared = telemetry(environ, endpoint=receiver.endpoint, run=run, environment=environment, headers={})
        for warning in prepared.warnings:
            say(f"warning: {warning}")
        ended = await run_child(command, prepared.environ)
        if ended.interrupted:
            return Recording(run, receiver.spans(), ended)
        say(f"the command ended with {ended.code}; waiting for its last spans …")
        spans = await wait_for_spans(receiver, patience, unsettled)
        if not spans:
            raise no_traces(command, ended, prepared.environ, receiver.requests)
    say(f"{count(len(spans), 'span')} in {count(len({span.trace_id for span in spans}), 'trace')}")
    return Recording(run, spans, ended)


def flows_of(spans: Sequence[Span]) -> tuple[Flow, ...]:
    """Every flow of every trace that the spans make."""
    return tuple(flow for trace in build_traces(spans) for flow in normalize(trace))


def no_traces(command: Sequence[str], ended: Ended, environ: Mapping[str, str], requests: int) -> NoTraces:
    """Why nothing came, as far as it can be known from here."""
    lines = [f"No spans came from {command[0]!r}, which ended with {ended.code}."]
    lines += [f"  · {obstacle}." for obstacle in obstacles(environ)]
    if requests:
        lines.append(f"  · {requests} export requests came, but no valid span was in them.")
    endpoint = environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    lines += [
        "  Check:",
        "  · Is the OpenTelemetry SDK installed and started in the process that does the work (`opentelemetry-instrument CMD`,",
        "    `node --require @opentelemetry/auto-instrumentations-node/register`, `java -javaagent:…`)?",
        f"  · Does it export to OTEL_EXPORTER_OTLP_ENDPOINT (here {endpoint}), and not to an address in its own code?",
        "  · Was the service running before the command? Then it does not see this environment: start it inside.",
        "  · Does the process flush before it ends (`provider.shutdown()`)? A killed process loses its last spans.",
    ]
    return NoTraces("\n".join(lines))
