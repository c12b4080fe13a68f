"""The report as JSON: a versioned document for other programs, described by `docs/report.schema.json`."""

from json import dumps
from typing import Any, Literal

import msgspec

from gate.model.flow import Flow, FlowKey
from gate.model.run import Report, Run
from gate.model.verdict import Conclusion, Finding
from gate.report.address import run_page
from gate.report.headline import headline
from gate.report.row import Row
from gate.report.rows import rows
from gate.report.view import Counts, FlowView, count_up, flow_views

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes; new fields do not change it."""


class FlowDocument(msgspec.Struct, frozen=True):
    """One flow beside its baseline."""

    key: FlowKey
    conclusion: Conclusion
    reason: str
    trace_id: str
    """Empty when the flow did not run."""
    sample_trace_id: str
    """The golden trace that is shown; empty without a baseline."""
    samples: int
    baseline: str
    """How the baseline was chosen."""
    incomplete: str
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    """The side-by-side view. Marks name findings of this flow by index."""


class ReportDocument(msgspec.Struct, frozen=True):
    """The whole report. Texts are as the spans had them, normalised but not escaped: escape them where you show them."""

    schema_version: Literal[1]
    generator: str
    """`spangate` and its version."""
    conclusion: Conclusion
    headline: str
    reasons: tuple[str, ...]
    counts: Counts
    run: Run
    page: str
    """Address of the run's page, where people decide; empty without a server."""
    findings: tuple[Finding, ...]
    """One a cause, worst first, approved and ignored ones included."""
    flows: tuple[FlowDocument, ...]
    """Failing ones first."""


def document(report: Report) -> ReportDocument:
    """The report in the shape that is promised to other programs."""
    flows = flow_views(report)
    counts = count_up(report, flows)
    return ReportDocument(
        schema_version=SCHEMA_VERSION,
        generator=f"spangate {report.version}".strip(),
        conclusion=report.verdict.conclusion,
        headline=headline(report, counts),
        reasons=report.verdict.reasons,
        counts=counts,
        run=report.run,
        page=run_page(report),
        findings=report.verdict.findings,
        flows=tuple(map(_flow, flows)),
    )


def _flow(view: FlowView) -> FlowDocument:
    judged, comparison = view.judged, view.comparison
    return FlowDocument(
        key=view.key,
        conclusion=judged.conclusion,
        reason=judged.reason,
        trace_id=judged.trace_id or _trace_id(comparison.flow),
        sample_trace_id=judged.sample_trace_id or _trace_id(comparison.sample),
        samples=judged.samples or comparison.samples,
        baseline=judged.baseline,
        incomplete=comparison.incomplete,
        notes=judged.notes or comparison.notes,
        findings=comparison.findings,
        rows=rows(comparison),
    )


def _trace_id(flow: Flow | None) -> str:
    return flow.trace_id if flow is not None else ""


def json(report: Report) -> str:
    """The document as one line of JSON: with every call of every flow in it, it may have megabytes."""
    described = document(report)
    try:
        return msgspec.json.encode(described).decode() + "\n"
    except UnicodeEncodeError:  # a branch or test case from a file name that is no UTF-8: half a surrogate pair
        text = dumps(msgspec.to_builtins(described), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode() + "\n"


def schema() -> dict[str, Any]:
    """The document's JSON Schema (2020-12)."""
    described = msgspec.json.schema(ReportDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Spangate report", **described}
