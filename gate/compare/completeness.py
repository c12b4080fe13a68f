"""Whether a flow, and a run, can be judged: what is missing because it never arrived is no change."""

from collections.abc import Iterable

from gate.compare.learn import Baselines
from gate.model.flow import Flow, RunFlows
from gate.model.trace import ProblemKind


def missing_spans(flow: Flow) -> str:
    """Why a flow cannot be judged: `2 spans name a parent that never arrived`; empty when it is closed."""
    orphans = sum(problem.kind == ProblemKind.ORPHAN for problem in flow.problems)
    if orphans:
        return f"{_count(orphans, 'span names', 'spans name')} a parent that never arrived"
    if any(problem.kind == ProblemKind.CYCLE for problem in flow.problems):
        return "spans name each other as parents"
    return ""


def settled(baselines: Baselines, run: RunFlows) -> str:
    """Why a run is not complete yet; empty when every flow is closed and every baseline flow and mandatory call is there."""
    if not run.flows:
        return "no spans arrived yet"
    waiting = [flow for flow in run.flows if missing_spans(flow)]
    if waiting:
        return f"{_count(len(waiting), 'flow waits', 'flows wait')} for spans: {_names(str(flow.key) for flow in waiting)}"
    present = {flow.key for flow in run.flows}
    absent = [key for key in baselines.flows if key.test_case and key not in present]
    if absent:
        return f"{_count(len(absent), 'flow has', 'flows have')} not arrived yet: {_names(map(str, absent))}"
    short = [flow for flow in run.flows if _smaller(flow, baselines)]
    if short:
        return f"{_count(len(short), 'flow has', 'flows have')} fewer operations than any golden trace: " + _names(
            str(flow.key) for flow in short
        )
    return ""


def _smaller(flow: Flow, baselines: Baselines) -> bool:
    baseline = baselines.get(flow.key)
    return baseline is not None and len(flow.operations) < baseline.smallest


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
