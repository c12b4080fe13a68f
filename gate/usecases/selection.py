"""Which golden samples a run is compared with, flow by flow, and why."""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from gate.model.flow import FlowKey
from gate.model.run import Run
from gate.store.values import Sample

LEARNED = 10
"""Golden samples that a baseline is learned from at most; the newest count."""
KEPT = 20
"""Golden samples of self-promoted runs that a flow keeps; more would grow without end."""


class Choice(msgspec.Struct, frozen=True):
    """The golden samples of one flow, newest first, and how they were chosen."""

    samples: tuple[Sample, ...]
    reason: str


def baseline_id(gate: str, environment: str, key: FlowKey) -> str:
    """Names a baseline: 16 hex digits, the same on every server."""
    parts = "\x00".join((gate, environment, key.test_case, key.service, key.operation))
    return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]


def choose(samples: Sequence[Sample], run: Run, ran: Iterable[FlowKey]) -> dict[FlowKey, Choice]:
    """The baseline of every flow that has one. `samples` are newest first, `ran` names the flows of the run.

    Per flow: what a person promoted (`pinned`), else the run at the base commit (`merge-base`), else the newest promoted by the
    base branch (`branch-latest`). A run is never its own baseline. Samples of another environment serve only a flow that ran
    and has none in its own; the reason says so.
    """
    own: dict[FlowKey, list[Sample]] = {}
    other: dict[FlowKey, list[Sample]] = {}
    for sample in samples:
        if sample.gate == run.gate and (sample.run != run.id or not run.id):
            (own if sample.environment == run.environment else other).setdefault(sample.key, []).append(sample)
    chosen = {key: _choice(of_flow, run) for key, of_flow in own.items()}
    for key in ran:
        if key not in chosen and key in other:
            environment = other[key][0].environment
            choice = _choice([sample for sample in other[key] if sample.environment == environment], run)
            chosen[key] = Choice(choice.samples, f"{choice.reason}, of environment {environment}")
    return chosen


def _choice(samples: list[Sample], run: Run) -> Choice:
    pinned = [sample for sample in samples if sample.pinned]
    if pinned:
        return Choice(tuple(pinned[:LEARNED]), "pinned")
    for position, sample in enumerate(samples):
        if run.base_commit and sample.commit == run.base_commit:
            return Choice(tuple(samples[position : position + LEARNED]), "merge-base")
    return Choice(tuple(samples[:LEARNED]), "branch-latest")


def surplus(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Traces that no flow keeps any more: self-promoted, and beyond the newest `KEPT` of each of their flows."""
    counts: dict[str, int] = {}
    kept: set[str] = set()
    for sample in samples:
        position = counts.get(sample.baseline_id, 0)
        if sample.pinned or position < KEPT:
            kept.add(sample.trace_id)
        if not sample.pinned:
            counts[sample.baseline_id] = position + 1
    return tuple(dict.fromkeys(sample.trace_id for sample in samples if sample.trace_id not in kept))
