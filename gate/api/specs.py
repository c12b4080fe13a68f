"""Specs that the server keeps: made, changed, checked on stored traces, taken away in four forms."""

from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromQuery, JSONBody

from gate.api.bodies import Filter, SpecChange, SpecCheck, SpecId, SpecRan, SpecSource, lower
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.media import rendered
from gate.api.problems import problems
from gate.errors import BadRequest, NotFound
from gate.service import SavedSpec, SpecOutcome
from gate.spec import SpecFormat, parse_spec, render_spec
from gate.spec.spec import Value


class SpecsController(Controller):
    """`/api/v1/specs`."""

    path = "/specs"
    tags = ("specs",)

    @get("/", scope="read", responses=problems())
    async def list_specs(self, gate: InjectedGate, caller: InjectedCaller) -> tuple[SavedSpec, ...]:
        """By name, each with the last result of every environment."""
        return await gate.specs(caller.project)

    @post("/", scope="review", responses=problems(409, 415))
    async def create_spec(self, gate: InjectedGate, caller: InjectedCaller, data: JSONBody[SpecSource]) -> SavedSpec:
        """Keep a spec: a file of yours, or one generated from a baseline's golden samples or from one trace."""
        if sum(map(bool, (data.text, data.baseline, data.trace))) != 1:
            raise BadRequest("A spec is made from one of `text`, `baseline` and `trace`.")
        if data.text:
            return await gate.create_spec(caller.project, data.text, by=caller.name)
        return await gate.generate_spec(caller.project, baseline_id=data.baseline, trace_id=lower(data.trace), by=caller.name)

    @get("/{spec_id:str}", scope="read", responses=problems())
    async def get_spec(self, gate: InjectedGate, caller: InjectedCaller, spec_id: SpecId) -> SavedSpec:
        """One spec."""
        return await gate.spec(caller.project, spec_id)

    @put("/{spec_id:str}", scope="review", responses=problems(409, 415))
    async def change_spec(
        self, gate: InjectedGate, caller: InjectedCaller, spec_id: SpecId, data: JSONBody[SpecChange]
    ) -> SavedSpec:
        """Replace its file and environments. 400 names line and field; 409 when somebody saved it after `version`."""
        return await gate.change_spec(
            caller.project, spec_id, version=data.version, text=data.text, environments=data.environments, by=caller.name
        )

    @delete("/{spec_id:str}", scope="review", responses=problems())
    async def delete_spec(self, gate: InjectedGate, caller: InjectedCaller, spec_id: SpecId) -> None:
        """Delete it with its results."""
        await gate.delete_spec(caller.project, spec_id, by=caller.name)

    @get("/{spec_id:str}/file", scope="read", responses=problems())
    async def get_spec_file(
        self,
        gate: InjectedGate,
        caller: InjectedCaller,
        spec_id: SpecId,
        format: FromQuery[SpecFormat] = "yaml",
        environment: Filter = "",
    ) -> Response[Any]:
        """To take away: our YAML (as it was saved), a pytest file, a shell script with curl, or a Tracetest definition; with the
        parameters of an environment when one is named."""
        return await rendered(spec_file, await gate.spec(caller.project, spec_id), environment, format)

    @post("/{spec_id:str}/checks", status_code=200, scope="review", responses=problems(409, 415))
    async def check_spec(
        self, gate: InjectedGate, caller: InjectedCaller, spec_id: SpecId, data: JSONBody[SpecCheck | None] = None
    ) -> SpecOutcome:
        """Check a stored trace with it. The result is kept as the environment's last one."""
        wanted = data or SpecCheck()
        return await gate.check_spec(
            caller.project, spec_id, environment=wanted.environment, trace_id=lower(wanted.trace), by=caller.name
        )

    @post("/{spec_id:str}/results", status_code=200, scope="ingest", responses=problems(409, 415))
    async def report_result(
        self, gate: InjectedGate, caller: InjectedCaller, spec_id: SpecId, data: JSONBody[SpecRan]
    ) -> SpecOutcome:
        """Report a run of the spec (`spangate spec run` does): its trace is checked and the result kept as the environment's last one."""
        return await gate.check_spec(
            caller.project, spec_id, environment=data.environment, trace_id=lower(data.trace), by=caller.name
        )


def spec_file(saved: SavedSpec, environment: str, format: SpecFormat) -> str:
    """The file in one of its forms. Raises NotFound for an environment that the spec does not have."""
    if format == "yaml" and not environment:
        return saved.text
    return render_spec(parse_spec(saved.text), format, _parameters(saved, environment))


def _parameters(saved: SavedSpec, environment: str) -> dict[str, Value]:
    if not environment:
        return {}
    if environment not in saved.environments:
        known = ", ".join(saved.environments) or "none"
        raise NotFound(f"The spec has no environment {environment[:80]!r}.", hint=f"It has {known}.")
    return saved.environments[environment]
