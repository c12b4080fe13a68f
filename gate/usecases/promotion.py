"""Golden samples: promote, demote, persist. Each is one transaction of the record store, which the span store follows."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from gate.errors import Conflict, NotFound
from gate.model.flow import Flow, RunFlows
from gate.model.run import Run
from gate.model.verdict import Conclusion, Verdict
from gate.service import Promotion
from gate.store.protocols import Stores
from gate.store.values import NOTHING_TO_KEEP, Keeping, Origin, Sample
from gate.usecases.flows import is_incomplete, load_flows_keeping, load_flows_of_each, must_be_pruned
from gate.usecases.outbox import Follower
from gate.usecases.selection import baseline_id, surplus

_AT_ONCE = 100
"""Traces of a run that are read together, and promoted in one transaction."""

_log = structlog.get_logger(__name__)


class Promotions:
    """See the methods of the same names in `gate.service.Gate`. `clock` gives nanoseconds since the epoch."""

    def __init__(self, stores: Stores, follower: Follower, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._follower = follower
        self._clock = clock

    async def promote(self, project: str, trace_id: str, *, by: str, reason: str) -> Promotion:
        """NotFound and nothing written when the trace does not exist; Conflict when it is incomplete or has no entry span."""
        (flows, keeping), origin = await asyncio.gather(  # the longer one begins
            load_flows_keeping(self._stores, project, trace_id), self._stores.traces.origin(project, trace_id)
        )
        if why := _unfit(flows):
            await keeping.ended()
            raise Conflict(f"Trace {trace_id} cannot be a golden sample: {why}.")
        if not origin.run:
            origin = Origin("", "default", origin.environment or "ci", "")
        (done,) = await self._record(project, [flows], origin, by=by, reason=reason, pinned=True, keeping=keeping)
        return done

    async def promote_run(self, project: str, run_id: str, *, by: str, reason: str) -> tuple[Promotion, ...]:
        """Every trace of the run with a flow; what cannot be promoted is answered as `skipped`, with the reason."""
        run = await self._stores.runs.one(project, run_id)
        answers: list[Promotion] = []
        traces = [trace.trace_id for trace in await self._stores.runs.traces(project, run_id)]
        for start in range(0, len(traces), _AT_ONCE):
            part = traces[start : start + _AT_ONCE]
            flows, why = await load_flows_of_each(self._stores, project, part)
            why |= {trace_id: unfit for trace_id, of_trace in flows.items() if (unfit := _unfit(of_trace))}
            fit = [flows[trace_id] for trace_id in part if trace_id not in why]
            done = await self._record_all(project, fit, _origin(run), by=by, reason=reason, pinned=True)
            of = {one.trace_id: one for one in done}
            answers += [of.get(trace_id) or Promotion(trace_id, "skipped", (), why[trace_id]) for trace_id in part]
        return tuple(answers)

    async def promote_itself(self, run: Run, verdict: Verdict, flows: RunFlows) -> None:
        """What a run on the base branch does to the baselines with its first verdict, as its project says."""
        project = await self._stores.projects.one(run.project)
        if not run.branch or run.branch != project.base_branch or run.pull_request or project.auto_promote == "hold":
            return
        good = {flow.key for flow in verdict.flows if flow.conclusion in (Conclusion.PASS, Conclusion.NEW)}
        if project.auto_promote == "accept":
            rejected = {key for finding in verdict.findings if finding.rejection for key in finding.flows}
            good = {flow.key for flow in flows.flows} - rejected
        by_trace: dict[str, list[Flow]] = {}
        for flow in flows.flows:
            by_trace.setdefault(flow.trace_id, []).append(flow)
        by = f"run {run.id} on {run.branch}"
        whole = [of_trace for of_trace in by_trace.values() if not _unfit(of_trace)]
        fit = [found for of_trace in whole if (found := [flow for flow in of_trace if flow.key in good])]
        for start in range(0, len(fit), _AT_ONCE):
            part = fit[start : start + _AT_ONCE]
            await self._record_all(run.project, part, _origin(run), by=by, reason="", pinned=False)
        for trace_id in surplus(await self._stores.baselines.samples(run.project)):
            await self.demote(run.project, trace_id, by=by)

    async def demote(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """No longer a golden sample, and no longer persistent. A trace that is none stays as it is."""
        removed, behind = await self._stores.baselines.demote(project, trace_id, by=by, now_ns=self._clock())
        state = await self._follower.follow(project, trace_id) if behind else "done"
        return Promotion(trace_id, state, tuple(str(sample.key) for sample in removed))

    async def persist(self, project: str, trace_id: str, *, by: str, persistent: bool) -> Promotion:
        """Exempt from retention, or no longer. Conflict when there is nothing left to keep."""
        if persistent:
            await self._stores.traces.one(project, trace_id)
            if not await self._stores.spans.read(project, [trace_id]):
                await must_be_pruned(self._stores, project, trace_id)
        keeping = await self._stores.spans.keep(project, [trace_id]) if persistent else NOTHING_TO_KEEP
        behind = await self._stores.traces.set_persistent(
            project, trace_id, persistent=persistent, by=by, now_ns=self._clock(), keeping=keeping
        )
        states = await self._follow([trace_id] if behind else (), project, keeping)
        return Promotion(trace_id, states.get(trace_id, "done"))

    async def _record_all(
        self, project: str, traces: Sequence[Sequence[Flow]], origin: Origin, *, by: str, reason: str, pinned: bool
    ) -> tuple[Promotion, ...]:
        """As `_record`, but a trace that was pruned meanwhile is skipped."""
        try:
            return await self._record(project, traces, origin, by=by, reason=reason, pinned=pinned)
        except NotFound as error:
            if len(traces) == 1:
                return (Promotion(traces[0][0].trace_id, "skipped", (), error.detail),)
        alone = [await self._record_all(project, [flows], origin, by=by, reason=reason, pinned=pinned) for flows in traces]
        return tuple(one for (one,) in alone)

    async def _record(
        self,
        project: str,
        traces: Sequence[Sequence[Flow]],
        origin: Origin,
        *,
        by: str,
        reason: str,
        pinned: bool,
        keeping: Keeping | None = None,
    ) -> tuple[Promotion, ...]:
        """The flows of each trace, in one transaction. `keeping`: their copies, when these were begun."""
        if not traces:
            return ()
        now_ns = self._clock()
        samples = {
            flows[0].trace_id: {flow.key: _sample(flow, origin, now_ns, by=by, reason=reason, pinned=pinned) for flow in flows}
            for flows in traces
        }
        new = {trace_id: tuple(of_trace.values()) for trace_id, of_trace in samples.items()}
        keeping = keeping or await self._stores.spans.keep(project, list(new))
        behind = await self._stores.baselines.promote(project, new, by=by, reason=reason, now_ns=now_ns, keeping=keeping)
        states = await self._follow(sorted(behind), project, keeping)
        return tuple(Promotion(trace_id, states.get(trace_id, "done"), tuple(map(str, samples[trace_id]))) for trace_id in new)

    async def _follow(self, trace_ids: Sequence[str], project: str, keeping: Keeping) -> dict[str, str]:
        """How far the span store is with these traces. One that has just failed is not asked again at once."""
        if keeping.failed:
            return dict.fromkeys(trace_ids, "pending")
        return await self._follower.follow_all(project, trace_ids)


def _origin(run: Run) -> Origin:
    return Origin(run.id, run.gate, run.environment, run.commit)


def _sample(flow: Flow, origin: Origin, now_ns: int, *, by: str, reason: str, pinned: bool) -> Sample:
    return Sample(
        baseline_id=baseline_id(origin.gate, origin.environment, flow.key),
        gate=origin.gate,
        environment=origin.environment,
        key=flow.key,
        trace_id=flow.trace_id,
        run=origin.run,
        commit=origin.commit,
        pinned=pinned,
        promoted_ns=now_ns,
        promoted_by=by,
        reason=reason,
    )


def _unfit(flows: Iterable[Flow]) -> str:
    """Why a trace cannot be golden; empty when it can."""
    flows = tuple(flows)
    if not flows:
        return "it has no entry span that can be compared"
    if is_incomplete(flows):
        return "it is incomplete, spans name parents that never arrived"
    return ""
