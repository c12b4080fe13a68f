"""Renders a report for every surface. Pure: a `Report` in, text out; nothing is fetched, read or written."""

from collections.abc import Callable

from gate.errors import BadRequest
from gate.model.run import Report
from gate.report.annotations import annotations as _annotations
from gate.report.comment import comment as _comment
from gate.report.document import json as _json
from gate.report.html import html as _html
from gate.report.junit import junit as _junit
from gate.report.summary import summary as _summary
from gate.report.terminal import text as _text

_RENDERERS: dict[str, Callable[[Report], str]] = {
    "html": _html,
    "json": _json,
    "junit": _junit,
    "text": _text,
    "annotations": _annotations,
}

FORMATS = ("md", "summary", "html", "json", "junit", "text", "annotations")


def render(report: Report, format: str, *, limit: int | None = None) -> str:
    """The report in one of `FORMATS`.

    `limit` is the most characters of `md` (60,000 unless told; never below what the smallest size needs, 1,000) and the
    most bytes of `summary` (900,000); the other formats have one size. Raises BadRequest for a format that nobody knows.
    """
    match format:
        case "md":
            return _comment(report, limit=limit)
        case "summary":
            return _summary(report, limit=limit)
        case _ if format in _RENDERERS:
            return _RENDERERS[format](report)
        case _:
            raise BadRequest(f"There is no report format {format!r}.", hint=f"Use one of {', '.join(FORMATS)}.")
