"""The first line of every surface: the consequence of merging, in our own words only (no span content)."""

from typing import assert_never

from gate.model.run import Report
from gate.model.verdict import Conclusion
from gate.report.view import Counts
from gate.report.words import count


def headline(report: Report, counts: Counts) -> str:
    """One sentence without a full stop, plain text that needs no escaping."""
    if not is_run(report):
        return _of_two_traces(counts)
    subject = "Merging this PR" if report.run.pull_request else "This run"
    changes = f"{subject} changes {counts.changed:,} of {count(counts.flows, 'traced flow')}"
    match report.verdict.conclusion:
        case Conclusion.FAIL if counts.regressions:
            looks = "looks like a regression" if counts.regressions == 1 else "look like regressions"
            return f"{changes}: {counts.regressions:,} {looks}"
        case Conclusion.FAIL:
            return f"{subject} does not pass the gate"
        case Conclusion.INCONCLUSIVE:
            return "The gate could not decide: this is neither a pass nor a failure"
        case Conclusion.NEW if counts.new == counts.flows and report.first:
            return f"First run for this gate: {count(counts.flows, 'flow')} recorded, nothing to compare with yet"
        case Conclusion.NEW if counts.new == counts.flows:
            return f"Nothing to compare with yet: {count(counts.flows, 'flow')} without a baseline"
        case Conclusion.NEW:
            return f"{count(counts.new, 'flow')} without a baseline yet, {count(counts.unchanged, 'other')} match"
        case Conclusion.PASS if counts.changed == 0 and counts.new == 0:
            return f"No unexpected trace changes: {count(counts.unchanged, 'flow matches', 'flows match')}"
        case Conclusion.PASS if counts.changed == 0:
            return f"No unexpected trace changes: {count(counts.unchanged, 'flow')} unchanged, {counts.new:,} new"
        case Conclusion.PASS:
            return f"{changes}, {_accepted(counts)}"
        case _:
            assert_never(report.verdict.conclusion)


def is_run(report: Report) -> bool:
    """Whether the report is on a CI run; a comparison of two traces has no environment."""
    return bool(report.run.id and report.run.environment)


def sides(report: Report) -> tuple[str, str]:
    """What the two sides of a comparison are called."""
    return ("Golden", "This run") if is_run(report) else ("First", "Second")


def outcome(report: Report) -> str:
    """The conclusion in a word. Two traces are the same or different: nobody asked whether they pass."""
    conclusion = report.verdict.conclusion
    if is_run(report) or conclusion not in (Conclusion.PASS, Conclusion.FAIL):
        return conclusion.value
    return "same" if conclusion == Conclusion.PASS and not report.verdict.findings else "different"


def _accepted(counts: Counts) -> str:
    left = counts.review + counts.notices
    if counts.approved and not left:
        return "as approved"
    if counts.approved:
        return f"{counts.approved:,} approved, {left:,} to look at, no regression"
    return f"no regression: {left:,} to look at"


def _of_two_traces(counts: Counts) -> str:
    changes = counts.regressions + counts.review + counts.notices
    if changes == 0:
        return "The second trace does what the first does"
    return f"The second trace differs from the first: {count(changes, 'cause')}"
