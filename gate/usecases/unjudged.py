"""Flows that were seen, but not in a judged run: in plain traces, and in runs that nobody finished."""

from collections.abc import Container

from gate.errors import GateError
from gate.model.run import Run
from gate.service import FlowStatus, TraceQuery, TraceSummary
from gate.spec.spec import SENDER
from gate.store.protocols import Stores
from gate.store.times import to_text
from gate.usecases.flows import load_flows
from gate.usecases.search import search
from gate.usecases.selection import baseline_id

TRACES = 200
"""The newest ones are looked at; their rows alone, but for one of each kind."""
_KINDS = 40
_SPANS = 5_000
"""Decoded at most, over all kinds: a page waits for it."""


async def seen_unjudged(stores: Stores, project: str, known: Container[str]) -> tuple[dict[str, FlowStatus], int]:
    """Flows whose identity is not `known`, by it, each as its newest trace has it; and how many traces were looked at."""
    page = await search(stores, project, TraceQuery(limit=TRACES))
    named = tuple(dict.fromkeys(trace.run for trace in page.traces if trace.run))
    judged = await stores.runs.conclusions(project, named)
    traces = [trace for trace in page.traces if trace.run not in judged and trace.service != SENDER]
    found: dict[str, FlowStatus] = {}
    for trace in _one_of_each_kind(traces):
        try:
            if trace.run:
                run = await stores.runs.one(project, trace.run)
            else:
                run = Run("", project, environment=trace.environment or "ci")
            flows = (await load_flows(stores, project, [trace.trace_id]))[trace.trace_id]
        except GateError:  # deleted meanwhile, or its spans are lost: others are still to be seen
            continue
        for flow in flows:
            identity = baseline_id(run.gate, run.environment, flow.key)
            if identity not in known and identity not in found:
                at = to_text(trace.start_ns)
                found[identity] = FlowStatus(str(flow.key), run.environment, flow.key, None, run.id, at, trace.trace_id)
    return found, len(traces)


def _one_of_each_kind(traces: list[TraceSummary]) -> list[TraceSummary]:
    """The newest trace of each entry, as far as they are few and small enough."""
    kinds: dict[tuple[str, ...], TraceSummary] = {}
    spans = 0
    for trace in traces:
        kind = (str(bool(trace.run)), trace.environment, trace.test_case, trace.service, trace.operation)
        if kind in kinds or spans + trace.spans > _SPANS:
            continue
        kinds[kind] = trace
        spans += trace.spans
        if len(kinds) == _KINDS:
            break
    return list(kinds.values())
