"""Search: one box and fields, rows newest first, tick two to compare them."""

from datetime import UTC, datetime

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from gate.errors import BadRequest
from gate.service import FACETS, TracePage
from gate.web.answer import html
from gate.web.query import FIELDS, LAST, read, spread
from gate.web.visit import InjectedVisit, Visit

ROWS = 50
LABELS = {
    "service": "Service", "operation": "Operation", "route": "Route", "test_case": "Test case", "environment": "Environment",
    "run": "Run", "commit": "Commit", "status": "Status", "attribute": "Attribute",
}  # fmt: skip
"""The fields with type-ahead, in the order of the page."""
_SUGGESTED = 12
_TRACE_ID = frozenset("0123456789abcdef")


class Chip(msgspec.Struct, frozen=True):
    """A filter that is set, and the address without it."""

    name: str
    value: str
    without: str


@get("/projects/{project:str}/traces", scope="read")
async def search_traces(visit: InjectedVisit) -> Response[bytes]:
    """The rows of a query; the box's words are first spread over the fields, so that the address tells all."""
    asked = {name: value for name, value in visit.request.query_params.items() if value.strip()}
    if "q" in visit.request.query_params:
        return _canonical(visit, asked)
    after = asked.get("after", "")
    search = read(asked, now=datetime.now(UTC), limit=ROWS, after=after)
    page, error = TracePage(()), ""
    if search.query is not None:
        try:
            page = await visit.gate.search(visit.project, search.query)
        except BadRequest as refused:
            error = str(refused)
    kept = {name: value for name, value in search.values.items() if value}
    return await visit.page(
        "pages/search.html",
        title=_title(kept),
        status=400 if search.errors or error else 200,
        search=search,
        error=error,
        chips=_chips(visit, kept),
        labels=LABELS,
        last=LAST,
        traces=page.traces,
        longest=max((trace.duration_ns for trace in page.traces), default=0),
        older=visit.to("traces", **kept, after=page.next) if page.next else "",
        newest=visit.to("traces", **kept) if after else "",
        searched_further=bool(page.next and len(page.traces) < ROWS),
        ever=bool(kept or after or page.traces),
    )


@get("/projects/{project:str}/suggestions/{facet:str}", scope="read")
async def suggestions(visit: InjectedVisit, facet: FromPath[str]) -> Response[bytes]:
    """Values of a filter that contain what was typed so far, as the options of its list; `any` is for the box."""
    typed = visit.request.query_params.get("q" if facet == "any" else facet, "").strip()[:200]
    if facet == "any":
        found = [
            await visit.gate.facet(visit.project, name, text=typed, limit=6)
            for name in ("route", "operation", "test_case", "service")
        ]
        values = list(dict.fromkeys(value.value for group in found for value in group))
    else:
        if facet not in FACETS:
            raise BadRequest(f"There is no filter {facet[:80]!r}.")
        values = [each.value for each in await visit.gate.facet(visit.project, facet, text=typed, limit=_SUGGESTED)]
    return await visit.part("pages/suggestions.html", values=values)


def _canonical(visit: Visit, asked: dict[str, str]) -> Response[bytes]:
    box = asked.get("q", "").strip()
    if len(box) == 32 and set(box.lower()) <= _TRACE_ID:
        where = visit.to("traces", box.lower())
    else:
        fields = {name: value for name, value in asked.items() if name in FIELDS and name != "text"}
        where = visit.to("traces", **{**fields, **{name: value for name, value in spread(box).items() if value}})
    return html(visit.request, "", status=303, headers={"location": where})


def _chips(visit: Visit, kept: dict[str, str]) -> list[Chip]:
    def without(name: str) -> str:
        return visit.to("traces", **{each: value for each, value in kept.items() if each != name})

    return [Chip(name.replace("_", " "), _said(name, value), without(name)) for name, value in kept.items() if name != "text"]


def _said(name: str, value: str) -> str:
    return LAST.get(value, value) if name == "last" else value


def _title(kept: dict[str, str]) -> str:
    """What a shared address or a bookmark says."""
    said = ", ".join(value if name == "text" else f"{name.replace('_', ' ')} {value}" for name, value in kept.items())
    return f"Traces: {said}"[:120] if said else "Traces"
