"""Baselines: flows with their golden samples."""

from typing import Any, Literal

from litestar import Controller, Response, get
from litestar.params import FromQuery

from gate.api.bodies import BaselineId
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.media import rendered
from gate.api.problems import problems
from gate.api.traces import spec_text
from gate.service import BaselineSummary


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
        format: FromQuery[Literal["yaml", "pytest"]] = "yaml",
    ) -> Response[Any]:
        """A regression test that validates only what never varied in the golden samples."""
        return await rendered(spec_text, await gate.baseline_traces(caller.project, baseline_id), format)
