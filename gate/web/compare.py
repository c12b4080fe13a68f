"""Side by side: two traces, or a trace and its baseline, row by row like a split diff; the rows are those of the report."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from gate.compare import judge
from gate.errors import BadRequest, NotFound
from gate.model.run import Report, Run
from gate.report.html import FindingCard, FlowPanel, anchors_of, finding_cards, flow_panel
from gate.report.row import Row
from gate.report.view import flow_views, merged
from gate.service import TraceSummary
from gate.web.answer import html
from gate.web.visit import InjectedVisit, Visit

WINDOW = 250
"""Rows that come at once; the next ones when they are reached."""


class Compared(msgspec.Struct, frozen=True):
    """A comparison as its page needs it."""

    report: Report
    panels: tuple[FlowPanel, ...]
    cards: tuple[FindingCard, ...]
    anchors: dict[str, str]


@get("/projects/{project:str}/compare", scope="read")
async def compare_two(visit: InjectedVisit, before: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[Any]:
    """Two traces. Ticked ones of a search (`trace=…&trace=…`) are led here, the older one first."""
    ticked = visit.request.query_params.getall("trace", [])
    if ticked:
        return await _ordered(visit, ticked)
    if not before or not after:
        raise BadRequest("Two traces are needed to compare them.", hint="Tick two in the search.")
    older, newer = [await visit.gate.summary(visit.project, trace_id.lower()) for trace_id in (before, after)]
    return await _page(
        visit, partial(_two, visit, older, newer), (older, newer), ("First", "Second"),
        where=partial(visit.to, "compare", before=older.trace_id, after=newer.trace_id),
        title=f"{older.operation or older.trace_id} side by side",
        swap=visit.to("compare", before=newer.trace_id, after=older.trace_id),
    )  # fmt: skip


@get("/projects/{project:str}/traces/{trace_id:str}/baseline", scope="read")
async def compare_with_baseline(visit: InjectedVisit, trace_id: FromPath[str]) -> Response[Any]:
    """A trace beside the baselines of its flows."""
    summary = await visit.gate.summary(visit.project, trace_id.lower())
    return await _page(
        visit, partial(_beside_baseline, visit, summary), (None, summary), ("Baseline", "This trace"),
        where=partial(visit.to, "traces", summary.trace_id, "baseline"),
        title=f"{summary.operation or summary.trace_id} and its baseline", swap="",
    )  # fmt: skip


async def _ordered(visit: Visit, ticked: list[str]) -> Response[Any]:
    if len(ticked) != 2:
        raise BadRequest(f"{len(ticked)} traces are ticked; two can be compared.", hint="Go back and tick exactly two.")
    found = [await visit.gate.summary(visit.project, trace_id.lower()) for trace_id in ticked]
    before, after = sorted(found, key=lambda trace: (trace.start_ns, trace.trace_id))
    where = visit.to("compare", before=before.trace_id, after=after.trace_id)
    return html(visit.request, "", status=303, headers={"location": where})


async def _two(visit: Visit, before: TraceSummary, after: TraceSummary) -> Compared:
    async def make() -> Compared:
        comparison = await visit.gate.compare(visit.project, before.trace_id, after.trace_id)
        run = Run(id=after.trace_id, project=visit.project, environment="")
        return await asyncio.to_thread(lambda: _compared(Report(run, judge((comparison,)), (comparison,)), golden=False))

    key = ("compared", visit.project, before.trace_id, before.spans, after.trace_id, after.spans)
    return await visit.recent.get(key, before.spans + after.spans, make)


async def _beside_baseline(visit: Visit, trace: TraceSummary) -> Compared:
    """What the rows depend on names them: the verdict has the decisions, the samples are what is shown on the left."""
    report = await visit.gate.compare_with_baseline(visit.project, trace.trace_id)
    samples = tuple(comparison.sample.trace_id for comparison in report.comparisons if comparison.sample is not None)

    async def make() -> Compared:
        return await asyncio.to_thread(_compared, report)

    key = ("beside", visit.project, trace.trace_id, trace.spans, samples, msgspec.json.encode(report.verdict))
    return await visit.recent.get(key, 2 * trace.spans, make)


async def _golden(visit: Visit, compared: Compared) -> TraceSummary | None:
    samples = [comparison.sample.trace_id for comparison in compared.report.comparisons if comparison.sample is not None]
    return await visit.gate.summary(visit.project, samples[0]) if samples else None


async def _page(
    visit: Visit,
    make: Callable[[], Awaitable[Compared]],
    traces: tuple[TraceSummary | None, TraceSummary],
    sides: tuple[str, str],
    *,
    where: Callable[..., str],
    title: str,
    swap: str,
) -> Response[Any]:
    """The page, or a window of its rows. A first trace that is not known yet is the golden one that the rows show.

    `flow` is the number of the panel, `fold` the row whose hidden rows are wanted."""
    flow, fold, start = (_number(visit, name) for name in ("flow", "fold", "from"))

    async def made() -> dict[str, Any]:
        compared = await make()
        return {
            "windows": _windows(compared, where, flow, fold, start or 0),
            "report": compared.report,
            "findings": [card for card in compared.cards if not card.settled],
            "settled": [card for card in compared.cards if card.settled],
            "anchors": compared.anchors,
            "traces": (traces[0] or await _golden(visit, compared), traces[1]),
        }

    if visit.partial:
        window = (await made())["windows"][flow or 0]
        return await visit.part("pages/compare_rows.html", window=window, sides=sides)
    return await visit.page_around(
        "pages/compare.html", "pages/compare_result.html", made(), title=title, pair=traces if traces[0] else (), sides=sides,
        swap=swap, whole=where(), partly=fold is not None or bool(start),
    )  # fmt: skip


def _windows(
    compared: Compared, where: Callable[..., str], flow: int | None, fold: int | None, start: int
) -> list[dict[str, Any]]:
    if flow is not None and flow >= len(compared.panels):
        raise NotFound(f"There is no flow {flow} in this comparison.")
    windows: list[dict[str, Any]] = []
    for number, panel in enumerate(compared.panels):
        rows, following, left = _window(panel, fold if number == (flow or 0) else None, start)
        here = where(flow=number)
        windows.append(
            {
                "panel": msgspec.structs.replace(panel, more=f"{here}{'&' if '?' in here else '?'}fold="),
                "rows": rows,
                "total": sum(_changes(row) for row in panel.rows),
                "next": where(flow=number, fold=fold, **{"from": following}) if following else "",
                "left": left,
            }
        )
    return windows


def _window(panel: FlowPanel, fold: int | None, start: int) -> tuple[tuple[Row, ...], int, int]:
    """Rows from `start`, where the next window starts (0: nowhere), and how many rows are left."""
    rows = panel.rows
    if fold is not None:
        rows = next((row.folded for row in panel.rows if row.number == fold and row.folded), ())
        if not rows:
            raise NotFound(f"There is no folded row {fold} in this comparison.")
    end = start + WINDOW
    return rows[start:end], end if end < len(rows) else 0, max(len(rows) - end, 0)


def _changes(row: Row) -> int:
    return bool(row.marks) + sum(_changes(each) for each in row.folded)


def _compared(report: Report, *, golden: bool = True) -> Compared:
    flows = merged(flow_views(report))
    panels = tuple(flow_panel(flow, f"f{number}", golden=golden) for number, flow in enumerate(flows))
    anchors = anchors_of(flows, list(panels))
    return Compared(report, panels, tuple(finding_cards(report, anchors)), anchors)


def _number(visit: Visit, name: str) -> int | None:
    text = visit.request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(f"{name}={text[:40]!r} is not a number.")
    return int(text)
