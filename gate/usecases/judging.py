"""From a run's spans to its verdict: a function of what is stored, so it can be repeated at any time."""

import asyncio
from collections.abc import Mapping

import msgspec

from gate.compare import Baselines, compare, judge, learn, settled
from gate.errors import Conflict
from gate.model.flow import Flow, FlowKey, RunFlows
from gate.model.policy import Policy
from gate.model.run import Run
from gate.model.verdict import Comparison, Conclusion, Verdict
from gate.store.protocols import Stores
from gate.store.values import Sample
from gate.usecases.flows import load_flows
from gate.usecases.recent import Recent
from gate.usecases.selection import Choice, choose

_LEARNED_SETS = 8
"""Learned baselines that are remembered: runs of one branch share one."""
_BESIDE_SPANS = 60_000
"""Of traces whose comparison with their baselines is remembered."""
_MISSING = " expected traces arrived"


class Evidence(msgspec.Struct, frozen=True):
    """What a run is judged on."""

    run: Run
    flows: RunFlows
    choices: dict[FlowKey, Choice]
    baselines: Baselines
    traces: int


class Judge:
    """Gathers evidence and judges it. Learned baselines and the flows of open runs are remembered."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._learned: dict[frozenset[tuple[FlowKey, str]], Baselines] = {}
        self._beside = Recent(_BESIDE_SPANS)

    async def gather(self, run: Run, known: dict[str, tuple[int, tuple[Flow, ...]]]) -> Evidence:
        """The run's flows and their baselines now. `known` remembers flows between calls, by trace id and number of spans."""
        traces = await self._stores.runs.traces(run.project, run.id)
        changed = [trace.trace_id for trace in traces if known.get(trace.trace_id, (-1, ()))[0] != trace.spans]
        flows = await load_flows(self._stores, run.project, changed)
        known.update({trace.trace_id: (trace.spans, flows[trace.trace_id]) for trace in traces if trace.trace_id in flows})
        all_flows = tuple(flow for trace in traces for flow in known[trace.trace_id][1])
        samples = await self._stores.baselines.samples(run.project)
        choices = choose(samples, run, dict.fromkeys(flow.key for flow in all_flows))
        return Evidence(run, RunFlows(run.id, all_flows), choices, await self._learn(run.project, choices), len(traces))

    async def unsettled(self, evidence: Evidence) -> str:
        """Why it is too early to judge; empty when it is not."""
        if not evidence.flows.flows:
            return "no flow has arrived"
        return await asyncio.to_thread(settled, evidence.baselines, evidence.flows)

    async def judge(
        self, evidence: Evidence, *, expected: int, notes: tuple[str, ...], policy: Policy | None = None
    ) -> tuple[Verdict, tuple[Comparison, ...]]:
        """The verdict under the project's policy (or another) and decisions. An empty run is inconclusive, never green."""
        if not evidence.flows.flows:
            reason = "no traces arrived" if not evidence.traces else "no trace of the run has an entry span that can be compared"
            return Verdict(Conclusion.INCONCLUSIVE, (), (), (reason, *notes)), ()
        policy = policy or await self._stores.projects.policy(evidence.run.project)
        comparisons = await asyncio.to_thread(compare, evidence.baselines, evidence.flows, policy)
        if evidence.traces < expected:
            notes = (f"{evidence.traces} of {expected}{_MISSING}", *notes)
        return await self._verdict(evidence.run.project, comparisons, policy, _reasons(evidence.choices), notes), comparisons

    async def beside_baseline(self, run: Run, flows: tuple[Flow, ...], *, spans: int) -> tuple[Verdict, tuple[Comparison, ...]]:
        """One trace's flows beside their baselines, whatever else the run has; the trace is never its own baseline.
        The comparison is remembered by the trace's number of spans, its baselines and the policy; decisions are those of now.
        Raises Conflict when none has a baseline."""
        keys = dict.fromkeys(flow.key for flow in flows)
        own = {flow.trace_id for flow in flows}
        samples = [each for each in await self._stores.baselines.samples(run.project) if each.trace_id not in own]
        choices = {key: choice for key, choice in choose(samples, run, keys).items() if key in keys}
        if not choices:
            raise Conflict("None of the flows of this trace has a baseline.", hint="Promote a good trace of the same flow first.")
        baselines = await self._learn(run.project, choices)
        policy = await self._stores.projects.policy(run.project)
        traces = frozenset((flow.trace_id, flow.key) for flow in flows)
        key = (run.project, run.id, traces, spans, _wanted(choices), msgspec.json.encode(policy))
        comparisons = await self._beside.get(
            key, spans, lambda: asyncio.to_thread(compare, baselines, RunFlows(run.id, flows), policy)
        )
        return await self._verdict(run.project, comparisons, policy, _reasons(choices), ()), comparisons

    async def again(self, project: str, verdict: Verdict, comparisons: tuple[Comparison, ...]) -> Verdict:
        """The same comparisons under the decisions of now."""
        policy = await self._stores.projects.policy(project)
        reasons = {flow.key: flow.baseline for flow in verdict.flows if flow.baseline}
        return await self._verdict(project, comparisons, policy, reasons, verdict.reasons)

    async def _verdict(
        self,
        project: str,
        comparisons: tuple[Comparison, ...],
        policy: Policy,
        baselines: Mapping[FlowKey, str],
        notes: tuple[str, ...],
    ) -> Verdict:
        """Under the decisions of now. `baselines`: why each flow has which."""
        decisions = self._stores.decisions
        approvals, rejections = await decisions.approvals(project), await decisions.rejections(project)
        return _never_green_by_absence(
            judge(
                comparisons,
                policy=policy,
                baseline_reasons=baselines,
                reasons=notes,
                approvals=approvals,
                rejections=rejections,
            )
        )

    async def _learn(self, project: str, choices: dict[FlowKey, Choice]) -> Baselines:
        wanted = _wanted(choices)
        if wanted in self._learned:
            return self._learned[wanted]
        samples = {sample.trace_id: sample for choice in choices.values() for sample in choice.samples}
        flows = await load_flows(self._stores, project, tuple(samples))
        baselines = await asyncio.to_thread(learn, _runs(wanted, samples, flows))
        while len(self._learned) >= _LEARNED_SETS:
            self._learned.pop(next(iter(self._learned)))
        self._learned[wanted] = baselines
        return baselines


def _wanted(choices: dict[FlowKey, Choice]) -> frozenset[tuple[FlowKey, str]]:
    return frozenset((key, sample.trace_id) for key, choice in choices.items() for sample in choice.samples)


def _reasons(choices: dict[FlowKey, Choice]) -> dict[FlowKey, str]:
    return {key: choice.reason for key, choice in choices.items()}


def _never_green_by_absence(verdict: Verdict) -> Verdict:
    """With traces missing, no finding is no proof."""
    missing = any(reason.endswith(_MISSING) for reason in verdict.reasons)
    if missing and verdict.conclusion != Conclusion.FAIL:
        return msgspec.structs.replace(verdict, conclusion=Conclusion.INCONCLUSIVE)
    return verdict


def _runs(
    wanted: frozenset[tuple[FlowKey, str]], samples: Mapping[str, Sample], flows: Mapping[str, tuple[Flow, ...]]
) -> tuple[RunFlows, ...]:
    """Golden flows by the run that they come from; a trace without a run is a run of its own. Oldest first."""
    runs: dict[str, list[Flow]] = {}
    for trace_id, sample in reversed(list(samples.items())):
        chosen = [flow for flow in flows[trace_id] if (flow.key, trace_id) in wanted]
        runs.setdefault(sample.run or trace_id, []).extend(chosen)
    return tuple(RunFlows(run, tuple(of_run)) for run, of_run in runs.items())
