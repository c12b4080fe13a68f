"""The start page: what ran last, what waits for a decision, what to do when there is nothing yet."""

import asyncio

import msgspec
from litestar import Response, get, post

from gate.api.address import client_address
from gate.errors import Forbidden
from gate.model.run import Run
from gate.model.verdict import Finding, Verdict
from gate.service import TraceQuery
from gate.web import demo_data
from gate.web.answer import html
from gate.web.visit import InjectedVisit, Visit
from gate.web.words import address

RUNS = 12
_PROJECTS = 50
"""Of how many the last run is shown."""
_FINDINGS = 3
"""Sentences of a waiting run at most; its page has all."""


class Ran(msgspec.Struct, frozen=True):
    """A run in a list."""

    run: Run
    conclusion: str
    """Empty while it has none."""
    undecided: tuple[Finding, ...]
    approved: int


@get("/", scope="read")
async def root(visit: InjectedVisit) -> Response[bytes]:
    """The projects; whoever sees one only is led into it."""
    projects = await visit.gate.projects() if visit.caller.every_project else ()
    if len(projects) < 2:
        return html(visit.request, "", status=303, headers={"location": address("projects", visit.project)})
    newest = await asyncio.gather(*(_newest(visit, project.name) for project in projects[:_PROJECTS]))
    return await visit.page(
        "pages/projects.html",
        title="Projects",
        all_projects=projects,
        newest=dict(zip((each.name for each in projects), newest, strict=False)),
    )


@get("/projects/{project:str}", scope="read")
async def project_start(visit: InjectedVisit) -> Response[bytes]:
    """One project."""
    return await _start(visit)


@post("/projects/{project:str}/first-token", scope="admin")
async def first_token(visit: InjectedVisit) -> Response[bytes]:
    """The start page with a new token in its commands. It is in this answer only."""
    if visit.local:
        raise Forbidden("In local mode nobody needs a token.", hint="The first one ends local mode: make it on purpose.")
    _, secret = await visit.gate.create_token(visit.project, "first steps", ("ingest", "read"))
    return await _start(visit, token=secret)


@post("/projects/{project:str}/demo", scope="admin")
async def fill_demo(visit: InjectedVisit) -> Response[bytes]:
    """The story's data in a project `demo`; local mode only, where looking around harms nobody."""
    if not visit.local:
        raise Forbidden("Demo data is for local mode.", hint="Start a server without tokens to look around.")
    await demo_data.fill(visit.gate, by=visit.caller.name)
    return visit.back(address("projects", demo_data.PROJECT), "The demo's four runs are here. The last one has the bug.")


async def _newest(visit: Visit, project: str) -> Ran | None:
    runs, _ = await visit.gate.runs(project, limit=1)
    if not runs:
        return None
    conclusions = await visit.gate.conclusions(project, (runs[0].id,))
    conclusion = conclusions.get(runs[0].id)
    return Ran(runs[0], conclusion.value if conclusion else "", (), 0)


async def _start(visit: Visit, *, token: str = "") -> Response[bytes]:
    runs, more = await visit.gate.runs(visit.project, limit=RUNS)
    verdicts = await asyncio.gather(*(visit.gate.verdict(visit.project, run.id) for run in runs))
    ran = [_ran(run, verdict) for run, verdict in zip(runs, verdicts, strict=True)]
    newest = (await visit.gate.search(visit.project, TraceQuery(limit=5))).traces
    return await visit.page(
        "pages/start.html",
        title=visit.project,
        runs=ran,
        more=bool(more),
        waiting=[each for each in ran if each.undecided],
        findings_shown=_FINDINGS,
        newest_run=runs[0].id if runs else "",
        golden=any(each.conclusion not in ("", "new", "inconclusive") for each in ran)
        or bool(await visit.gate.baselines(visit.project)),
        traces=newest,
        server=client_address(visit.request),
        token=token,
    )


def _ran(run: Run, verdict: Verdict | None) -> Ran:
    if verdict is None:
        return Ran(run, "", (), 0)
    approved = sum(finding.approval is not None for finding in verdict.findings)
    return Ran(run, verdict.conclusion.value, verdict.undecided, approved)
