"""Where a report's reader finds the run on its server, and each finding there: the place where people decide."""

from urllib.parse import quote

from gate.model.run import Report, Run
from gate.report.clean import link
from gate.report.headline import is_run


def run_page(report: Report) -> str:
    """The address of the run's page, safe in Markdown and HTML; empty without a server."""
    return page_of(report.server_url, report.run) if is_run(report) else ""


def page_of(server: str, run: Run) -> str:
    """Likewise, of a run of this server."""
    base = link(server).rstrip("/")
    return f"{base}/projects/{_segment(run.project)}/runs/{_segment(run.id)}" if base else ""


def finding_anchor(fingerprint: str) -> str:
    """The id of a finding's card on that page: what stands behind its `#`."""
    return "f" + _segment(fingerprint.replace(":", "-"))


def _segment(text: str) -> str:
    return quote(text, safe="", errors="replace")
