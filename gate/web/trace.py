"""One trace: its timeline, any of its spans, as the comparison sees it, and what can be done with it."""

import asyncio
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from gate.api.normalized import NormalizedTrace, normalized
from gate.api.traces import spec_text
from gate.codec.encode import encode_json
from gate.errors import Conflict, GateError, NotFound
from gate.model.trace import Trace
from gate.service import TraceSummary
from gate.spec import FORMATS, SUFFIXES, SpecFormat, SpecResult
from gate.web.answer import compressed
from gate.web.span import facts, seen_by_comparison
from gate.web.timeline import SpanRow, Timeline, matching, outline, timeline
from gate.web.visit import InjectedVisit, Visit

ROWS = 200
"""Rows that the server renders at once; the script draws the rest from the outline."""
FOUND_AT_MOST = 2_000
_FORMATS: dict[str, SpecFormat] = {name: name for name in FORMATS}


class Opened(msgspec.Struct, frozen=True):
    """A trace as its pages need it."""

    trace: Trace
    timeline: Timeline
    by_id: dict[str, int]


@get("/projects/{project:str}/traces/{trace_id:str}", scope="read")
async def show_trace(
    visit: InjectedVisit, trace_id: FromPath[str], span: FromQuery[str] = "", row: FromQuery[int] = -1, find: FromQuery[str] = ""
) -> Response[Any]:
    """The timeline; with `span` (or `row`, its number) that span beside it; `find` shows only the rows that contain it."""
    summary = await visit.gate.summary(visit.project, trace_id.lower())
    if visit.partial and (span or row >= 0):
        opened = await _opened(visit, summary)
        if (chosen := _chosen(opened, span, row)) is not None:
            return await _span_part(visit, summary, opened, chosen)

    async def made() -> dict[str, Any]:
        opened = await _opened(visit, summary)
        chosen = _chosen(opened, span, row)
        found = await asyncio.to_thread(matching, opened.timeline, find.strip()) if find.strip() else ()
        rows = opened.timeline.rows
        start = _start(visit, len(rows), chosen)
        return {
            "problems": opened.trace.problems[:20],
            "timeline": opened.timeline,
            "rows": [rows[number] for number in found[:FOUND_AT_MOST]] if find.strip() else list(rows[start : start + ROWS]),
            "start": start,
            "total": len(rows),
            "found": len(found),
            "chosen": chosen,
            **_details(summary, chosen),
        }

    return await visit.page_around(
        "pages/trace.html",
        "pages/trace_body.html",
        made(),
        title=f"{summary.operation or 'Trace'} {summary.trace_id[:8]}",
        summary=summary,
        rows_at_once=ROWS,
        find=find.strip(),
        view="timeline",
    )


@get("/projects/{project:str}/traces/{trace_id:str}/outline", scope="read")
async def trace_outline(visit: InjectedVisit, trace_id: FromPath[str]) -> Response[bytes]:
    """All rows as numbers, for the script."""
    _, opened = await _open(visit, trace_id)
    body = await asyncio.to_thread(outline, opened.timeline)
    return compressed(visit.request, body, "application/json")


@get("/projects/{project:str}/traces/{trace_id:str}/find", scope="read")
async def find_in_trace(visit: InjectedVisit, trace_id: FromPath[str], text: FromQuery[str] = "") -> Response[bytes]:
    """The numbers of the rows that contain a text, for the script."""
    _, opened = await _open(visit, trace_id)
    found = await asyncio.to_thread(matching, opened.timeline, text.strip()[:500])
    return compressed(visit.request, msgspec.json.encode(found), "application/json")


@get("/projects/{project:str}/traces/{trace_id:str}/otlp.json", scope="read")
async def trace_as_otlp(visit: InjectedVisit, trace_id: FromPath[str]) -> Response[bytes]:
    """The trace as it was received, as OTLP/JSON."""
    _, opened = await _open(visit, trace_id)
    return compressed(visit.request, await asyncio.to_thread(encode_json, opened.trace.spans), "application/json")


@get("/projects/{project:str}/traces/{trace_id:str}/normalised", scope="read")
async def show_normalised(visit: InjectedVisit, trace_id: FromPath[str]) -> Response[bytes]:
    """What the comparison sees, and in grey what it hid and by which rule."""
    summary, opened = await _open(visit, trace_id)
    made: NormalizedTrace = await asyncio.to_thread(normalized, summary, opened.trace)
    operations = [(flow, operation) for flow in made.flows for operation in flow.operations]
    start = _start(visit, len(operations), None)
    return await visit.page(
        "pages/normalised.html",
        title=f"{summary.operation or 'Trace'} {summary.trace_id[:8]} as compared",
        summary=summary,
        flows=made.flows,
        operations=operations[start : start + ROWS],
        depths=_depths(made),
        start=start,
        rows_at_once=ROWS,
        total=len(operations),
        colours=opened.timeline.services,
        view="normalised",
    )


@get("/projects/{project:str}/traces/{trace_id:str}/test", scope="read")
async def show_test(visit: InjectedVisit, trace_id: FromPath[str], against: FromQuery[str] = "") -> Response[bytes]:
    """The regression test that the trace makes; `against` runs its validations on another trace."""
    summary, opened = await _open(visit, trace_id)
    texts, error = await asyncio.to_thread(_texts, opened.trace)
    result: SpecResult | None = None
    other: TraceSummary | None = None
    if against and not error:
        other = await visit.gate.summary(visit.project, against.strip().lower())
        result = await visit.gate.check_trace(visit.project, summary.trace_id, other.trace_id)
    return await visit.page(
        "pages/test.html", title=f"Test of {summary.operation or summary.trace_id[:8]}", summary=summary, texts=texts, error=error,
        result=result, other=other, view="test",
    )  # fmt: skip


@get("/projects/{project:str}/traces/{trace_id:str}/test/{format:str}", scope="read")
async def download_test(visit: InjectedVisit, trace_id: FromPath[str], format: FromPath[str]) -> Response[bytes]:
    """The test as a file."""
    kind = _FORMATS.get(format)
    if kind is None:
        raise NotFound(f"There is no test in the form {format[:40]!r}.", hint=f"There are {', '.join(FORMATS)}.")
    summary, opened = await _open(visit, trace_id)
    text = await asyncio.to_thread(spec_text, (opened.trace,), kind)
    name = f"test_{summary.trace_id[:8]}{SUFFIXES[kind]}" if kind == "pytest" else f"{summary.trace_id[:8]}{SUFFIXES[kind]}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return compressed(visit.request, text.encode(), "text/plain", headers=headers)


@post("/projects/{project:str}/traces/{trace_id:str}/{change:str}", scope="review")
async def change_trace(visit: InjectedVisit, trace_id: FromPath[str], change: FromPath[str]) -> Response[bytes]:
    """Promote, demote, persist, unpersist. What somebody else has made impossible meanwhile is said on the page."""
    gate, project, by = visit.gate, visit.project, visit.caller.name
    where = visit.return_address(visit.to("traces", trace_id))
    try:
        match change:
            case "promote":
                done = await gate.promote(project, trace_id, by=by, reason=visit.reason)
                said = f"Promoted: a golden sample of {', '.join(done.flows)}."
            case "demote":
                await gate.demote(project, trace_id, by=by)
                said = "Demoted: no golden sample any more, and retention may delete it."
            case "persist":
                done = await gate.persist(project, trace_id, by=by)
                said = "Kept: retention never deletes it."
            case "unpersist":
                done = await gate.unpersist(project, trace_id, by=by)
                said = "Retention may delete it again."
            case _:
                raise NotFound(f"A trace cannot be {change[:40]!r}.")
    except Conflict as refused:
        return visit.back(where, str(refused), "failed")
    return visit.back(where, said)


async def _open(visit: Visit, trace_id: str) -> tuple[TraceSummary, Opened]:
    summary = await visit.gate.summary(visit.project, trace_id.lower())
    return summary, await _opened(visit, summary)


async def _opened(visit: Visit, summary: TraceSummary) -> Opened:
    """The trace; more spans make another one."""

    async def make() -> Opened:
        trace = await visit.gate.trace(visit.project, summary.trace_id)
        made = await asyncio.to_thread(timeline, trace)
        return Opened(trace, made, {span.span_id: number for number, span in enumerate(trace.spans)})

    key = ("trace", visit.project, summary.trace_id, summary.spans, summary.received_at)
    return await visit.recent.get(key, summary.spans, make)


def _texts(trace: Trace) -> tuple[list[tuple[str, str]], str]:
    """The test in each form that it can have, or why there is none. (cURL needs a request; not every trace tells one.)"""
    texts: list[tuple[str, str]] = []
    error = ""
    for kind in FORMATS:
        try:
            texts.append((kind, spec_text((trace,), kind)))
        except GateError as refused:
            error = error or str(refused)
    return texts, "" if texts else error


def _chosen(opened: Opened, span: str, row: int) -> SpanRow | None:
    rows = opened.timeline.rows
    if span:
        number = opened.by_id.get(span.lower(), -1)
        if number < 0:
            raise NotFound(f"There is no span {span[:40]!r} in this trace.")
        return rows[number]
    if row >= len(rows):
        raise NotFound(f"There is no row {row} in this trace.")
    return rows[row] if row >= 0 else None


def _start(visit: Visit, total: int, chosen: SpanRow | None) -> int:
    """The first row of the window: as asked with `from`, else where the chosen span is."""
    wanted = visit.request.query_params.get("from", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        return min(int(wanted), max(total - 1, 0))
    return 0 if chosen is None or chosen.number < ROWS else chosen.number - ROWS // 2


async def _span_part(visit: Visit, summary: TraceSummary, opened: Opened, chosen: SpanRow) -> Response[bytes]:
    return await visit.part(
        "pages/span.html", summary=summary, chosen=chosen, timeline=opened.timeline, **_details(summary, chosen)
    )


def _details(summary: TraceSummary, chosen: SpanRow | None) -> dict[str, Any]:
    del summary
    if chosen is None:
        return {}
    span = chosen.span
    return {
        "attributes": facts(span.attributes),
        "resource": facts(span.resource.attributes),
        "events": [(event.name, event.time_ns - span.start_ns, facts(event.attributes)) for event in span.events],
        "links": [(link.trace_id, link.span_id, facts(link.attributes)) for link in span.links],
        "seen": seen_by_comparison(span),
    }


def _depths(made: NormalizedTrace) -> dict[str, int]:
    depths: dict[str, int] = {}
    for flow in made.flows:
        for operation in flow.operations:
            above = flow.operations[operation.parent].span_id if operation.parent >= 0 else ""
            depths[operation.span_id] = depths.get(above, -1) + 1
    return depths


TRACE_PAGES = (
    show_trace,
    trace_outline,
    find_in_trace,
    trace_as_otlp,
    show_normalised,
    show_test,
    download_test,
    change_trace,
)
"""Everything below `/traces/{trace_id}`."""
