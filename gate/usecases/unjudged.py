"""Flows that were seen, but not in a judged run: in plain traces, and in runs that nobody finished."""

from collections.abc import Container

from gate.errors import GateError, NotFound
from gate.model.flow import Flow
from gate.model.run import Run
from gate.service import FlowStatus, TraceQuery, TraceSummary
from gate.spec.spec import SENDER
from gate.store.protocols import Stores
from gate.store.times import to_text
from gate.usecases.flows import load_flows_of_each
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
    kinds = _one_of_each_kind(traces)
    flows_of = await _flows(stores, project, [trace.trace_id for trace in kinds])
    runs: dict[str, Run] = {}
    found: dict[str, FlowStatus] = {}
    for trace in kinds:
        if trace.trace_id not in flows_of:
            continue
        if trace.run and trace.run not in runs:
            try:
                runs[trace.run] = await stores.runs.one(project, trace.run)
            except NotFound:  # likewise
                continue
        run = runs[trace.run] if trace.run else Run("", project, environment=trace.environment or "ci")
        for flow in flows_of[trace.trace_id]:
            identity = baseline_id(run.gate, run.environment, flow.key)
            if identity not in known and identity not in found:
                at = to_text(trace.start_ns)
                found[identity] = FlowStatus(str(flow.key), run.environment, flow.key, None, run.id, at, trace.trace_id)
    return found, len(traces)


async def _flows(stores: Stores, project: str, trace_ids: list[str]) -> dict[str, tuple[Flow, ...]]:
    """Without those that were deleted meanwhile, or whose spans are lost; none while the span store is away."""
    try:
        return (await load_flows_of_each(stores, project, trace_ids))[0]
    except GateError:
        return {}


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
