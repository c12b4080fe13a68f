"""Baselines: flows with their golden samples."""

from typing import Any

from litestar import Controller, Response, get
from litestar.params import FromQuery

from gate.api.bodies import BaselineId
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.media import rendered
from gate.api.problems import problems
from gate.api.traces import spec_text
from gate.compare.learned import Learned
from gate.service import BaselineSummary, FlowOverview
from gate.spec import SpecFormat


class BaselinesController(Controller):
    """`/api/v1/baselines`."""

    path = "/baselines"
    tags = ("baselines",)

    @get("/", scope="read", responses=problems())
    async def list_baselines(self, gate: InjectedGate, caller: InjectedCaller) -> tuple[BaselineSummary, ...]:
        """Every flow that has golden samples."""
        return await gate.baselines(caller.project)

    @get("/{baseline_id:str}", scope="read", responses=problems())
    async def get_baseline(self, gate: InjectedGate, caller: InjectedCaller, baseline_id: BaselineId) -> BaselineSummary:
        """One flow with its golden samples."""
        return await gate.baseline(caller.project, baseline_id)

    @get("/{baseline_id:str}/spec", scope="read", responses=problems(422))
    async def get_baseline_spec(
        self,
        gate: InjectedGate,
        caller: InjectedCaller,
        baseline_id: BaselineId,
        format: FromQuery[SpecFormat] = "yaml",
    ) -> Response[Any]:
        """A regression test that validates only what never varied in the golden samples."""
        return await rendered(spec_text, await gate.baseline_traces(caller.project, baseline_id), format)

    @get("/{baseline_id:str}/learned", scope="read", responses=problems(409))
    async def get_learned(self, gate: InjectedGate, caller: InjectedCaller, baseline_id: BaselineId) -> Learned:
        """What the golden samples agree on and what they do not, in sentences."""
        return await gate.learned(caller.project, baseline_id)


@get("/flows", scope="read", responses=problems(), tags=["baselines"])
async def list_flows(gate: InjectedGate, caller: InjectedCaller) -> FlowOverview:
    """Every flow with a baseline, and every one that the newest judged runs have: also those that no run exercises any more; and without
    baseline those of the newest traces of no judged run."""
    return await gate.flows(caller.project)
