"""The product's way from trace files to a verdict, as every caller of the library goes it."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from gate.codec.assemble import build_traces
from gate.codec.files import read_spans
from gate.compare import Baselines, compare, judge, learn, settled
from gate.model.change import TelemetryGap
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Span
from gate.model.verdict import Comparison, Conclusion, Finding, Verdict
from gate.normalize import normalize


class Judged(msgspec.Struct, frozen=True):
    """One run, judged."""

    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    milliseconds: float

    @property
    def failing(self) -> tuple[str, ...]:
        """The flows that fail, as text."""
        return tuple(str(flow.key) for flow in self.verdict.flows if flow.conclusion == Conclusion.FAIL)

    @property
    def flagged(self) -> tuple[str, ...]:
        """The flows that fail, or that cannot be judged because the spans of a callee are gone: both stop a merge."""
        gaps = (str(key) for finding in self.gaps for key in finding.flows)
        return tuple(dict.fromkeys((*self.failing, *gaps)))

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """Telemetry gaps: reported at their place, as `inconclusive` instead of `fail`."""
        return tuple(
            finding for finding in self.verdict.findings if isinstance(finding.change, TelemetryGap) and finding.approval is None
        )

    @property
    def reported(self) -> tuple[Finding, ...]:
        """Findings that stop a merge: failures, then gaps."""
        return (*self.failures, *self.gaps)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that make the verdict fail, worst first."""
        return self.verdict.undecided


def read_run(path: Path, run_id: str) -> RunFlows:
    """All flows of one recorded run: a file of requests as received, in any order."""
    return run_of(run_id, read_spans(path.read_bytes(), source=str(path)))


def run_of(run_id: str, spans: Iterable[Span]) -> RunFlows:
    """The flows of a run's spans."""
    return RunFlows(run_id, tuple(flow for trace in build_traces(spans) for flow in normalize(trace)))


def flow_of(spans: Iterable[Span], test_case: str) -> Flow:
    """The flow of one whole trace under one entry, filed as a scripted test case."""
    traces = build_traces(spans)
    flows = [flow for trace in traces for flow in normalize(trace)]
    flow = max(flows, key=lambda candidate: len(candidate.operations))
    return msgspec.structs.replace(flow, key=msgspec.structs.replace(flow.key, test_case=test_case, service="", operation=""))


def judge_run(baselines: Baselines, run: RunFlows) -> Judged:
    """The verdict on a finished run, as the service gives it: a run that is not whole says why."""
    started = time.perf_counter()
    comparisons = compare(baselines, run)
    unsettled = settled(baselines, run)
    verdict = judge(comparisons, reasons=(unsettled,) if unsettled else ())
    return Judged(verdict, comparisons, (time.perf_counter() - started) * 1000)


def learned(runs: Sequence[RunFlows]) -> Baselines:
    """What the golden runs teach."""
    return learn(runs)
