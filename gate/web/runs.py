"""Runs: the newest ones, and one to be reviewed."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from gate.api.address import addressed
from gate.api.media import MEDIA_TYPES, PAGE_POLICY
from gate.errors import BadRequest, GateError
from gate.model.run import Report, Run, RunState
from gate.model.verdict import Finding, Level
from gate.report import render
from gate.report.address import finding_anchor
from gate.report.clean import link
from gate.report.headline import headline
from gate.report.view import Counts, FlowView, count_up, flow_views, merged
from gate.report.words import Phrase, phrase, weight
from gate.service import TracePage, TraceQuery
from gate.store.values import Decision
from gate.web.answer import compressed
from gate.web.visit import InjectedVisit, Visit

_RUNS = 30
_TRACES = 100
_FLOWS = 200
_AGAIN_SECONDS = 10.0
"""How long to wait for a verdict that is made again, before the page shows the old one."""

BASELINES = {
    "pinned": "promoted by a person",
    "merge-base": "from the commit that this branch started from",
    "branch-latest": "the newest of the base branch",
}
"""How a baseline was chosen → in words."""
DONE: dict[Decision, str] = {"approve": "Approved", "reject": "Rejected", "withdraw": "Undecided again"}


class FindingCard(msgspec.Struct, frozen=True):
    """One cause."""

    finding: Finding
    phrase: Phrase
    weight: str
    tone: str
    anchor: str


class FlowLine(msgspec.Struct, frozen=True):
    """One flow: what it was compared with, and why."""

    view: FlowView
    anchor: str
    baseline: str
    open_fingerprints: tuple[str, ...]
    """Its findings that nobody has decided about, and that weigh something."""


class Review(msgspec.Struct, frozen=True):
    """A judged run as the page shows it."""

    report: Report
    headline: str
    counts: Counts
    undecided: tuple[FindingCard, ...]
    decided: tuple[FindingCard, ...]
    ignored: tuple[FindingCard, ...]
    flows: tuple[FlowLine, ...]
    more_flows: int
    anchors: dict[str, str]
    """Flow → the anchor of its line."""


@get("/projects/{project:str}/runs", scope="read")
async def list_runs(visit: InjectedVisit, branch: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[bytes]:
    """Newest first, with their verdicts."""
    branch = branch.strip()[:250]
    runs, following = await visit.gate.runs(visit.project, branch=branch, limit=_RUNS, after=after)
    return await visit.page(
        "pages/runs.html",
        title="Runs",
        runs=runs,
        conclusions=await visit.gate.conclusions(visit.project, tuple(run.id for run in runs)),
        branch=branch,
        older=visit.to("runs", branch=branch, after=following) if following else "",
        newest=visit.to("runs", branch=branch) if after else "",
    )


@get("/projects/{project:str}/runs/{run_id:str}", scope="read")
async def show_run(visit: InjectedVisit, run_id: FromPath[str]) -> Response[bytes]:
    """Verdict first; what is not judged yet asks for itself again."""
    run = await visit.gate.run(visit.project, run_id)
    values = await _body(visit, run)
    if visit.partial:
        return await visit.part("pages/run_body.html", **values)
    return await visit.page("pages/run.html", title=f"Run {run.id[:60]}", **values)


@get("/projects/{project:str}/runs/{run_id:str}/report", scope="read")
async def show_report(visit: InjectedVisit, run_id: FromPath[str]) -> Response[bytes]:
    """The self-contained report, as the API has it: to look at, to keep, to send on."""
    report = addressed(await visit.gate.report(visit.project, run_id), visit.request)
    text = await asyncio.to_thread(render, report, "html")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", run_id)[:100]
    headers = {"content-security-policy": PAGE_POLICY, "content-disposition": f'inline; filename="report-{name}.html"'}
    return compressed(visit.request, text.encode("utf-8", "replace"), MEDIA_TYPES["html"], headers=headers)


@post("/projects/{project:str}/runs/{run_id:str}/decisions", scope="review")
async def decide(visit: InjectedVisit, run_id: FromPath[str]) -> Response[bytes]:
    """Approve or reject findings (of a flow: all of its open ones), or take that back. No fingerprint approves all undecided ones."""
    where = visit.to("runs", run_id)
    fingerprints = tuple(visit.form.get("fingerprints", "").split())
    decision = visit.form.get("decision", "")
    replace = visit.form.get("replace") == "yes"
    by, reason = visit.caller.name, visit.reason
    try:
        if decision == "approve":
            done = await visit.gate.approve(visit.project, run_id, fingerprints, by=by, reason=reason, replace=replace)
        elif decision == "reject":
            done = await visit.gate.reject(visit.project, run_id, fingerprints, by=by, reason=reason, replace=replace)
        elif decision == "withdraw":
            done = await visit.gate.withdraw(visit.project, run_id, fingerprints, by=by)
        else:
            raise BadRequest(f"There is no decision {decision[:40]!r}.")
    except GateError as error:
        return visit.back(where, f"Not done: {error.detail}", "failed")
    if not done:
        return visit.back(where, "Nothing was left to decide: somebody was faster. The page shows what they decided.", "failed")
    run_now = await visit.gate.conclusions(visit.project, (run_id,))
    others = [each.by for each in done if not isinstance(each, str) and each.by != by]
    said = f"{others[0]} had decided so before." if others else f"{DONE[decision]}: {_findings(len(done))}."
    return visit.back(where, f"{said} The run now says {run_now[run_id].value}.")


@post("/projects/{project:str}/runs/{run_id:str}/judge", scope="review")
async def judge_again(visit: InjectedVisit, run_id: FromPath[str]) -> Response[bytes]:
    """Compare with the baselines and the policy of now."""
    try:
        await visit.gate.judge_again(visit.project, run_id, by=visit.caller.name)
    except GateError as error:
        return visit.back(visit.to("runs", run_id), f"Not done: {error.detail}", "failed")
    verdict = await visit.gate.verdict(visit.project, run_id, wait=_AGAIN_SECONDS)
    said = f"Judged again: {verdict.conclusion.value}." if verdict else "It is being judged."
    return visit.back(visit.to("runs", run_id), said)


@post("/projects/{project:str}/runs/{run_id:str}/promote", scope="review")
async def promote_run(visit: InjectedVisit, run_id: FromPath[str]) -> Response[bytes]:
    """Every trace of the run becomes a golden sample."""
    try:
        answers = await visit.gate.promote_run(visit.project, run_id, by=visit.caller.name, reason=visit.reason)
    except GateError as error:
        return visit.back(visit.to("runs", run_id), f"Not done: {error.detail}", "failed")
    skipped = [answer for answer in answers if answer.state == "skipped"]
    said = f"{len(answers) - len(skipped)} traces are golden now."
    if skipped:
        said += f" {len(skipped)} could not be: {skipped[0].reason}."
    return visit.back(visit.to("runs", run_id), said)


async def _body(visit: Visit, run: Run) -> dict[str, Any]:
    history = (await visit.gate.history(visit.project, run=run.id, limit=100)).entries
    verdict = await visit.gate.verdict(visit.project, run.id)
    common: dict[str, Any] = {"run": run, "links": _links(run), "history": history, "sentence_of": {}}
    if verdict is None:
        traces = await visit.gate.search(visit.project, TraceQuery(run=run.id, limit=_TRACES))
        waiting = "judging" if run.state == RunState.FINISHED else "open"
        return {**common, "review": None, "waiting": waiting, "traces": traces, "arrived": _arrived(traces), "comment": ""}
    report = addressed(await visit.gate.report(visit.project, run.id), visit.request)
    review, comment = await asyncio.to_thread(lambda: (_review(report), render(report, "md")))
    sentences = {finding.fingerprint: finding.sentence for finding in report.verdict.findings}
    return {**common, "review": review, "comment": comment, "sentence_of": sentences}


def _review(report: Report) -> Review:
    views = flow_views(report)
    flows = [_flow(view, f"flow{number}") for number, view in enumerate(merged(views)[:_FLOWS], start=1)]
    cards = [_card(finding) for finding in report.verdict.findings]
    counts = count_up(report, views)
    return Review(
        report=report,
        headline=headline(report, counts),
        counts=counts,
        undecided=tuple(card for card in cards if card.tone in ("failure", "warning", "notice")),
        decided=tuple(card for card in cards if card.tone in ("approved", "rejected")),
        ignored=tuple(card for card in cards if card.tone == "ignored"),
        flows=tuple(flows),
        more_flows=max(0, len(merged(views)) - _FLOWS),
        anchors={str(line.view.key): line.anchor for line in reversed(flows)},
    )


def _card(finding: Finding) -> FindingCard:
    tone = "approved" if finding.approval else "rejected" if finding.rejection else finding.level.value
    said = "rejected" if finding.rejection else weight(finding)
    return FindingCard(finding, phrase(finding.change), said, tone, finding_anchor(finding.fingerprint))


def _flow(view: FlowView, anchor: str) -> FlowLine:
    chosen, _, elsewhere = view.judged.baseline.partition(", ")
    baseline = BASELINES.get(chosen, chosen) + (f", {elsewhere}" if elsewhere else "")
    undecided = tuple(
        finding.fingerprint
        for finding in view.comparison.findings
        if finding.approval is None and finding.rejection is None and finding.level != Level.IGNORED
    )
    return FlowLine(view, anchor, baseline, undecided)


def _links(run: Run) -> dict[str, str]:
    """Where the commit, the pull request and the CI run are; what is no plain address has no link."""
    ci = link(run.url)
    parts = urlsplit(ci)
    host = f"{parts.scheme}://{parts.netloc}" if ci and "/actions/" in parts.path else "https://github.com"
    owner, _, name = run.repository.partition("/")
    plain = bool(owner and name) and all(
        part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in (owner, name)
    )
    base = f"{host}/{run.repository}" if plain and run.repository.isascii() else ""
    commit = run.commit if run.commit.isalnum() and run.commit.isascii() else ""
    return {
        "ci": ci,
        "commit": link(f"{base}/commit/{commit}") if base and commit else "",
        "pull_request": link(f"{base}/pull/{run.pull_request}") if base and run.pull_request else "",
    }


def _arrived(traces: TracePage) -> str:
    spans = sum(trace.spans for trace in traces.traces)
    if traces.next:
        return f"more than {_TRACES} traces so far"
    return f"{len(traces.traces):,} {'trace' if len(traces.traces) == 1 else 'traces'}, {spans:,} spans so far"


def _findings(number: int) -> str:
    return "1 finding" if number == 1 else f"{number:,} findings"


RUN_PAGES = [list_runs, show_run, show_report, decide, judge_again, promote_run]
