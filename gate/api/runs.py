"""Runs: begin, finish, verdict, report, approval."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, JSONBody, QueryParameter

from gate.api.address import addressed
from gate.api.auth import own_project
from gate.api.bodies import After, Filter, Finish, Limit, NewApproval, NewRejection, NewRun, Reasoned, RunId, Withdrawal
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.media import rendered
from gate.api.problems import problems
from gate.model.run import Run, RunState
from gate.model.verdict import Approval, Conclusion, Rejection, Verdict
from gate.report import render
from gate.service import AuditPage, Promotion

ReportFormat = Literal["md", "summary", "html", "json", "junit", "text", "annotations"]
Wait = Annotated[float, QueryParameter(ge=0, le=30, description="Seconds to wait for the verdict (long poll).")]
Characters = Annotated[
    int | None, QueryParameter(ge=1000, le=10_000_000, description="Most characters of `md`, most bytes of `summary`.")
]


class RunPage(msgspec.Struct, frozen=True):
    """Newest first; `next` is empty on the last page."""

    runs: tuple[Run, ...]
    next: str = ""
    conclusions: dict[str, Conclusion] = {}
    """By run, of those that were judged."""


class Waiting(msgspec.Struct, frozen=True):
    """There is no verdict yet, and why."""

    reason: str
    state: Literal["waiting"] = "waiting"


class RunsController(Controller):
    """`/api/v1/runs`."""

    path = "/runs"
    tags = ("runs",)

    @get("/", scope="read", responses=problems())
    async def list_runs(
        self, gate: InjectedGate, caller: InjectedCaller, branch: Filter = "", limit: Limit = 50, after: After = ""
    ) -> RunPage:
        """The project's runs, newest first."""
        runs, following = await gate.runs(caller.project, branch=branch, limit=limit, after=after)
        return RunPage(runs, following, await gate.conclusions(caller.project, tuple(run.id for run in runs)))

    @post("/", scope="ingest", responses=problems(409, 415))
    async def create_run(self, gate: InjectedGate, caller: InjectedCaller, data: JSONBody[NewRun | None] = None) -> Run:
        """Begin a run. Spans join it by the header `x-spangate-run`, or by the resource attribute `spangate.run`."""
        new = data or NewRun()
        project = own_project(caller, new.project or caller.project)
        return await gate.create_run(msgspec.convert({**msgspec.structs.asdict(new), "project": project}, Run))

    @get("/{run_id:str}", scope="read", responses=problems())
    async def get_run(self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId) -> Run:
        """One run."""
        return await gate.run(caller.project, run_id)

    @post("/{run_id:str}/finish", status_code=200, scope="ingest", responses=problems(409, 415))
    async def finish_run(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, data: JSONBody[Finish | None] = None
    ) -> Run:
        """All spans are sent: judge. Finishing again gives the first answer again."""
        return await gate.finish_run(caller.project, run_id, expect_traces=(data or Finish()).expect_traces)

    @get(
        "/{run_id:str}/verdict",
        scope="read",
        responses={
            **problems(),
            202: ResponseSpec(Waiting, description="There is none yet; ask again.", generate_examples=False),
        },
    )
    async def get_verdict(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, wait: Wait = 0
    ) -> Response[Verdict | Waiting]:
        """`pass`, `fail`, `inconclusive` or `new`, with the findings; 202 while the run is open or its spans still arrive."""
        verdict = await gate.verdict(caller.project, run_id, wait=wait)
        if verdict is not None:
            return Response(verdict)
        finished = (await gate.run(caller.project, run_id)).state is RunState.FINISHED
        reason = (
            "Spans of the run may still arrive." if finished else f"The run is open: POST /api/v1/runs/{run_id}/finish ends it."
        )
        return Response(Waiting(reason), status_code=202)

    @get("/{run_id:str}/report", scope="read", responses=problems(409))
    async def get_report(
        self,
        request: Request[Any, Any, Any],
        gate: InjectedGate,
        caller: InjectedCaller,
        run_id: RunId,
        format: FromQuery[ReportFormat] = "json",
        limit: Characters = None,
    ) -> Response[Any]:
        """The report: pull request comment (`md`), job `summary`, page (`html`), `json`, `junit`, terminal tree (`text`), `annotations`."""
        report = addressed(await gate.report(caller.project, run_id), request)
        return await rendered(render, report, format, limit=limit)

    @post("/{run_id:str}/approvals", scope="review", responses=problems(409, 415))
    async def approve(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, data: JSONBody[NewApproval | None] = None
    ) -> tuple[Approval, ...]:
        """Say yes to findings; they stay approved wherever the same change shows again. The run is judged anew."""
        new = data or NewApproval()
        return await gate.approve(
            caller.project, run_id, new.fingerprints, by=caller.name, reason=new.reason, replace=new.replace
        )

    @post("/{run_id:str}/rejections", scope="review", responses=problems(409, 415))
    async def reject(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, data: JSONBody[NewRejection]
    ) -> tuple[Rejection, ...]:
        """Say that findings are regressions, whatever their level: the run fails until they are gone or the rejection is withdrawn."""
        return await gate.reject(
            caller.project, run_id, data.fingerprints, by=caller.name, reason=data.reason, replace=data.replace
        )

    @post("/{run_id:str}/withdrawals", status_code=200, scope="review", responses=problems(409, 415))
    async def withdraw(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, data: JSONBody[Withdrawal]
    ) -> tuple[str, ...]:
        """Take back approvals or rejections. The fingerprints that were decided are answered; the run is judged anew."""
        return await gate.withdraw(caller.project, run_id, data.fingerprints, by=caller.name)

    @post("/{run_id:str}/judge", status_code=202, scope="review", responses=problems(409))
    async def judge_again(self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId) -> Waiting:
        """Compare and judge anew from what is stored now: other baselines, another policy. `GET …/verdict?wait=25` has the result."""
        await gate.judge_again(caller.project, run_id, by=caller.name)
        return Waiting("The run is judged again.")

    @get("/{run_id:str}/history", scope="read", responses=problems())
    async def run_history(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, limit: Limit = 50, after: After = ""
    ) -> AuditPage:
        """Who decided what in this run, newest first."""
        await gate.run(caller.project, run_id)
        return await gate.history(caller.project, run=run_id, limit=limit, after=after)

    @post("/{run_id:str}/promote", status_code=200, scope="review", responses=problems(409, 415))
    async def promote_run(
        self, gate: InjectedGate, caller: InjectedCaller, run_id: RunId, data: JSONBody[Reasoned | None] = None
    ) -> tuple[Promotion, ...]:
        """Make every trace of the run a golden sample; those that cannot be are `skipped`, with the reason."""
        return await gate.promote_run(caller.project, run_id, by=caller.name, reason=(data or Reasoned()).reason)
