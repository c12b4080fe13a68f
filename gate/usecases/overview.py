"""The flows of a project: what has a baseline, and what the newest runs exercised."""

from collections.abc import Sequence

from gate.compare import learn
from gate.compare.learned import Learned, learned
from gate.errors import Conflict
from gate.model.flow import Flow, FlowKey, RunFlows
from gate.model.run import Run
from gate.model.verdict import Verdict
from gate.service import BaselineSummary, FlowOverview, FlowStatus
from gate.store.protocols import Stores
from gate.store.values import Sample
from gate.usecases.baselines import one_baseline, summaries
from gate.usecases.flows import load_flows
from gate.usecases.selection import LEARNED, baseline_id
from gate.usecases.stored_verdict import decode_verdict
from gate.usecases.unjudged import seen_unjudged

RUNS = 20
"""Judged runs that are looked at."""


async def newest_verdicts(stores: Stores, project: str, limit: int) -> list[tuple[Run, Verdict]]:
    """The newest judged runs with their verdicts."""
    found: list[tuple[Run, Verdict]] = []
    after = ""
    for _ in range(3):  # runs that were never finished must not hide all others, nor be searched without end
        runs, after = await stores.runs.page(project, branch="", limit=50, after=after)
        judged = await stores.runs.conclusions(project, [run.id for run in runs])
        for run in runs:
            stored = await stores.runs.verdict(project, run.id) if run.id in judged else None
            if stored is not None:
                found.append((run, decode_verdict(stored.verdict)))
            if len(found) == limit:
                return found
        if not after:
            break
    return found


async def overview(stores: Stores, project: str) -> FlowOverview:
    """See `Gate.flows`. By flow and environment."""
    baselines = {each.id: each for each in summaries(await stores.baselines.samples(project))}
    judged = await newest_verdicts(stores, project, RUNS)
    last: dict[str, FlowStatus] = {}
    for run, verdict in judged:
        for flow in verdict.flows:
            identity = baseline_id(run.gate, run.environment, flow.key)
            if flow.trace_id and identity not in last:
                last[identity] = FlowStatus(
                    str(flow.key),
                    run.environment,
                    flow.key,
                    baselines.get(identity),
                    run.id,
                    run.finished_at or run.created_at,
                    flow.trace_id,
                    flow.conclusion,
                )
    asleep = [_asleep(each) for identity, each in baselines.items() if identity not in last]
    seen, traces = await seen_unjudged(stores, project, {*last, *baselines})
    ordered = sorted((*last.values(), *asleep, *seen.values()), key=lambda status: (status.flow, status.environment))
    return FlowOverview(tuple(ordered), len(judged), traces)


async def learned_of(stores: Stores, project: str, wanted: str) -> Learned:
    """See `Gate.learned`: of the newest samples, as a run would be compared with them."""
    samples = await stores.baselines.samples(project)
    one_baseline(samples, wanted)
    mine = [sample for sample in samples if sample.baseline_id == wanted][:LEARNED]
    flows = await load_flows(stores, project, [sample.trace_id for sample in mine])
    found = learn(_runs(mine, flows)).get(mine[0].key)
    if found is None:
        raise Conflict("None of the golden samples holds this flow complete, so nothing can be learned.", hint="Promote another.")
    return learned(found)


def _runs(samples: Sequence[Sample], flows: dict[str, tuple[Flow, ...]]) -> list[RunFlows]:
    return [
        RunFlows(sample.run or sample.trace_id, tuple(flow for flow in flows[sample.trace_id] if flow.key == sample.key))
        for sample in reversed(samples)
    ]


def _asleep(baseline: BaselineSummary) -> FlowStatus:
    key = FlowKey(baseline.test_case, baseline.service, baseline.operation)
    return FlowStatus(baseline.flow, baseline.environment, key, baseline)
