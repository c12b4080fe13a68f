"""Golden samples: promote, demote, persist. Each changes two stores: the record with an outbox entry, then the span store."""

from collections.abc import Callable, Iterable, Sequence

import structlog

from gate.errors import Conflict
from gate.model.flow import Flow, RunFlows
from gate.model.run import Run
from gate.model.verdict import Conclusion, Verdict
from gate.service import Promotion
from gate.store.protocols import Stores
from gate.store.values import Sample
from gate.usecases.flows import is_incomplete, load_flows, must_be_pruned
from gate.usecases.outbox import Follower
from gate.usecases.selection import baseline_id, surplus

_log = structlog.get_logger(__name__)


class Promotions:
    """See the methods of the same names in `gate.service.Gate`. `clock` gives nanoseconds since the epoch."""

    def __init__(self, stores: Stores, follower: Follower, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._follower = follower
        self._clock = clock

    async def promote(self, project: str, trace_id: str, *, by: str, reason: str) -> Promotion:
        """NotFound and nothing written when the trace does not exist; Conflict when it is incomplete or has no entry span."""
        summary = await self._stores.traces.one(project, trace_id)
        flows = (await load_flows(self._stores, project, [trace_id]))[trace_id]
        if why := _unfit(flows):
            raise Conflict(f"Trace {trace_id} cannot be a golden sample: {why}.")
        run = await self._stores.runs.one(project, summary.run) if summary.run else None
        environment = run.environment if run else summary.environment or "ci"
        return await self._record(project, flows, run, environment, by=by, reason=reason, pinned=True)

    async def promote_run(self, project: str, run_id: str, *, by: str, reason: str) -> tuple[Promotion, ...]:
        """Every trace of the run with a flow; what cannot be promoted is answered as `skipped`, with the reason."""
        run = await self._stores.runs.one(project, run_id)
        answers: list[Promotion] = []
        for trace in await self._stores.runs.traces(project, run_id):
            flows = (await load_flows(self._stores, project, [trace.trace_id]))[trace.trace_id]
            if why := _unfit(flows):
                answers.append(Promotion(trace.trace_id, "skipped", (), why))
            else:
                answers.append(await self._record(project, flows, run, run.environment, by=by, reason=reason, pinned=True))
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
        for of_trace in by_trace.values():
            fit = tuple(flow for flow in of_trace if flow.key in good)
            if fit and not _unfit(of_trace):
                by = f"run {run.id} on {run.branch}"
                await self._record(run.project, fit, run, run.environment, by=by, reason="", pinned=False)
        for trace_id in surplus(await self._stores.baselines.samples(run.project)):
            await self.demote(run.project, trace_id, by=f"run {run.id} on {run.branch}")

    async def demote(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """No longer a golden sample, and no longer persistent. A trace that is none stays as it is."""
        removed = await self._stores.baselines.demote(project, trace_id, by=by, now_ns=self._clock())
        state = await self._follower.follow(project, trace_id)
        return Promotion(trace_id, state, tuple(str(sample.key) for sample in removed))

    async def persist(self, project: str, trace_id: str, *, by: str, persistent: bool) -> Promotion:
        """Exempt from retention, or no longer. Conflict when there is nothing left to keep."""
        if persistent:
            await self._stores.traces.one(project, trace_id)
            if await self._stores.spans.missing(project, [trace_id]):
                await must_be_pruned(self._stores, project, trace_id)
        await self._stores.traces.set_persistent(project, trace_id, persistent=persistent, by=by, now_ns=self._clock())
        return Promotion(trace_id, await self._follower.follow(project, trace_id))

    async def _record(
        self, project: str, flows: Sequence[Flow], run: Run | None, environment: str, *, by: str, reason: str, pinned: bool
    ) -> Promotion:
        now_ns = self._clock()
        gate = run.gate if run else "default"
        samples = {
            flow.key: Sample(
                baseline_id=baseline_id(gate, environment, flow.key),
                gate=gate,
                environment=environment,
                key=flow.key,
                trace_id=flow.trace_id,
                run=run.id if run else "",
                commit=run.commit if run else "",
                pinned=pinned,
                promoted_ns=now_ns,
                promoted_by=by,
                reason=reason,
            )
            for flow in flows
        }
        trace_id = flows[0].trace_id
        await self._stores.baselines.promote(project, trace_id, tuple(samples.values()), by=by, reason=reason, now_ns=now_ns)
        return Promotion(trace_id, await self._follower.follow(project, trace_id), tuple(map(str, samples)))


def _unfit(flows: Iterable[Flow]) -> str:
    """Why a trace cannot be golden; empty when it can."""
    flows = tuple(flows)
    if not flows:
        return "it has no entry span that can be compared"
    if is_incomplete(flows):
        return "it is incomplete, spans name parents that never arrived"
    return ""
