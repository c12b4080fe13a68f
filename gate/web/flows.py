"""Flows and their baselines: what is golden, what was learned from it, and what sleeps."""

from litestar import Response, get, post
from litestar.params import FromPath

from gate.errors import GateError
from gate.service import FlowOverview, FlowStatus
from gate.web.visit import InjectedVisit

_HISTORY = 100


@get("/projects/{project:str}/flows", scope="read")
async def list_flows(visit: InjectedVisit) -> Response[bytes]:
    """What needs somebody first: flows without golden traces, baselines that no run exercises."""
    overview = await visit.gate.flows(visit.project)
    without = [flow for flow in overview.flows if flow.baseline is None]
    asleep = [flow for flow in overview.flows if flow.baseline is not None and not flow.last_run]
    awake = [flow for flow in overview.flows if flow.baseline is not None and flow.last_run]
    return await visit.page(
        "pages/flows.html", title="Flows", runs=overview.runs, groups=_groups(without, asleep, awake, overview)
    )


@get("/projects/{project:str}/flows/{baseline_id:str}", scope="read")
async def show_baseline(visit: InjectedVisit, baseline_id: FromPath[str]) -> Response[bytes]:
    """One baseline: its samples, what is learned from them, who changed it."""
    baseline = await visit.gate.baseline(visit.project, baseline_id)
    traces = tuple(sample.trace_id for sample in baseline.samples)
    try:
        learned, unlearned = await visit.gate.learned(visit.project, baseline_id), ""
    except GateError as error:  # what is golden is still to be seen, and demoted
        learned, unlearned = None, error.detail
    history = await visit.gate.history(visit.project, subjects=traces[:500], limit=_HISTORY)
    return await visit.page(
        "pages/baseline.html",
        title=baseline.flow[:80],
        baseline=baseline,
        learned=learned,
        unlearned=unlearned,
        history=history.entries,
    )


@post("/projects/{project:str}/flows/promote", scope="review")
async def promote(visit: InjectedVisit) -> Response[bytes]:
    """A trace becomes a golden sample of its flows."""
    where = visit.return_address(visit.to("flows"))
    try:
        done = await visit.gate.promote(visit.project, visit.form.get("trace", ""), by=visit.caller.name, reason=visit.reason)
    except GateError as error:
        return visit.back(where, f"Not promoted: {error.detail}", "failed")
    return visit.back(where, f"Promoted: golden for {', '.join(done.flows)[:300]}.")


@post("/projects/{project:str}/flows/{baseline_id:str}/demote", scope="review")
async def demote(visit: InjectedVisit, baseline_id: FromPath[str]) -> Response[bytes]:
    """A sample is golden no more, for none of its flows."""
    where = visit.to("flows", baseline_id)
    try:
        done = await visit.gate.demote(visit.project, visit.form.get("trace", ""), by=visit.caller.name)
    except GateError as error:
        return visit.back(where, f"Not demoted: {error.detail}", "failed")
    if not done.flows:
        return visit.back(where, "It was no golden trace any more: somebody was faster.", "failed")
    left = [each for each in await visit.gate.baselines(visit.project) if each.id == baseline_id]
    if not left:
        return visit.back(visit.to("flows"), "Demoted. It was the last golden trace of its flow, which has no baseline now.")
    return visit.back(where, "Demoted: runs are not compared with it any more.")


def _groups(
    without: list[FlowStatus], asleep: list[FlowStatus], awake: list[FlowStatus], overview: FlowOverview
) -> list[tuple[str, str, list[FlowStatus]]]:
    newest = f"the {overview.runs} newest judged runs" if overview.runs > 1 else "the newest judged run"
    where = [f"in {newest}"] if overview.runs else []
    where += ["in the newest traces of no judged run"] if overview.traces else []
    return [
        (
            "Seen without golden traces",
            f"{' and '.join(where).capitalize()}. Promote a good trace, and the next run is compared with it.",
            without,
        ),
        (
            "Golden, but no run exercises them",
            f"None of {newest} has them: a test was removed or renamed, or its traces do not arrive.",
            asleep,
        ),
        ("Compared in every run", "", awake),
    ]


FLOW_PAGES = [list_flows, show_baseline, promote, demote]
