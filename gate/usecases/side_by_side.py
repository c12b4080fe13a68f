"""Traces beside each other as people look at them: any two, or one and its baselines. What was looked at lately is remembered."""

import asyncio

from gate.model.flow import Flow
from gate.model.run import Report, Run
from gate.model.verdict import Comparison
from gate.service import TraceSummary
from gate.store.protocols import Stores
from gate.usecases.comparing import compare_flows
from gate.usecases.flows import load_flows
from gate.usecases.judging import Judge
from gate.usecases.recent import Recent

REMEMBERED_SPANS = 60_000
"""Of traces that were compared lately, 0.6 KB each: for swapping sides, another partner, a look again after a promotion."""


class SideBySide:
    """Raises NotFound for a trace that is not there any more, remembered or not."""

    def __init__(self, stores: Stores, judge: Judge, *, version: str) -> None:
        self._stores = stores
        self._judge = judge
        self._version = version
        self._flows = Recent(REMEMBERED_SPANS)

    async def two(self, project: str, before: str, after: str) -> Comparison:
        """See `Gate.compare`."""
        older, newer = [await self._stores.traces.one(project, trace_id) for trace_id in (before, after)]
        golden, candidate = await self._flows_of(older), await self._flows_of(newer)
        return await asyncio.to_thread(compare_flows, golden, candidate)

    async def with_baseline(self, project: str, trace_id: str) -> Report:
        """See `Judge.beside_baseline`."""
        summary = await self._stores.traces.one(project, trace_id)
        run = await self._stores.runs.one(project, summary.run) if summary.run else None
        if run is None:
            run = Run("", project, environment=summary.environment or "ci")
        verdict, comparisons = await self._judge.beside_baseline(run, await self._flows_of(summary), spans=summary.spans)
        return Report(run, verdict, comparisons, version=self._version)

    async def _flows_of(self, trace: TraceSummary) -> tuple[Flow, ...]:
        async def load() -> tuple[Flow, ...]:
            return (await load_flows(self._stores, trace.project, [trace.trace_id]))[trace.trace_id]

        return await self._flows.get((trace.project, trace.trace_id, trace.spans), trace.spans, load)
