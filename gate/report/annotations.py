"""GitHub workflow commands: annotations that need no token, on pull requests from forks too."""

from gate.model.run import Report
from gate.model.verdict import Conclusion, Level
from gate.report.clean import clean

AT_MOST = 10
"""GitHub shows ten errors and ten warnings of a step."""


def annotations(report: Report) -> str:
    """One `::error` or `::warning` line for each open finding, worst first, at most ten of each.

    Everything after the command is escaped as the runner wants it, so that no span can write a command.
    """
    lines: list[str] = []
    numbers = {"error": 0, "warning": 0}
    for finding in report.verdict.findings:
        command = {Level.FAILURE: "error", Level.WARNING: "warning"}.get(finding.level)
        if command is None or finding.approval is not None or numbers[command] >= AT_MOST:
            continue
        numbers[command] += 1
        flow = str(finding.flows[0]) if finding.flows else "run"
        message = f"{clean(finding.sentence, 500)} [{clean(finding.fingerprint, 40)}]"
        lines.append(f"::{command} title={_property(clean(flow, 200))}::{_message(message)}")
    if report.verdict.conclusion == Conclusion.INCONCLUSIVE:
        reasons = "; ".join(clean(reason, 300) for reason in report.verdict.reasons[:3]) or "the gate could not decide"
        lines.append(f"::warning title=Spangate could not decide::{_message(reasons)}")
    return "".join(f"{line}\n" for line in lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
