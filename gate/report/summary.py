"""The job summary: the comment's content with more of it, for GitHub's step summary (1 MiB a step)."""

from gate.model.run import Report
from gate.report.comment import Size, fitted

LIMIT = 900_000
"""Bytes."""

SIZES = (
    Size(rows=500, diagrams=20, diffs=200, lines=400, flows=1000),
    Size(rows=200, diagrams=10, diffs=50, lines=100, flows=300),
    Size(rows=100, diagrams=3, diffs=10, lines=60, flows=100),
    Size(rows=25, diagrams=0, diffs=3, lines=25),
    Size(rows=5, diagrams=0, diffs=0, lines=0, frame=False, flows=0),
    Size(rows=0, diagrams=0, diffs=0, lines=0, frame=False, flows=0),
)


def summary(report: Report, *, limit: int | None = None) -> str:
    """Markdown of at most `limit` bytes of UTF-8, in the largest size that fits."""
    return fitted(report, "report/summary.md", SIZES, LIMIT if limit is None else limit, in_bytes=True)
