"""Baselines as people see them: a flow with its golden samples."""

from collections.abc import Sequence

from gate.errors import NotFound
from gate.service import BaselineSample, BaselineSummary
from gate.store.times import to_text
from gate.store.values import Sample


def summaries(samples: Sequence[Sample]) -> tuple[BaselineSummary, ...]:
    """One a flow and environment, by name; samples newest first, as given."""
    grouped: dict[str, list[Sample]] = {}
    for sample in samples:
        grouped.setdefault(sample.baseline_id, []).append(sample)
    found = [_summary(baseline, of_flow) for baseline, of_flow in grouped.items()]
    return tuple(sorted(found, key=lambda summary: (summary.flow, summary.environment, summary.id)))


def one_baseline(samples: Sequence[Sample], baseline_id: str) -> BaselineSummary:
    """Raises NotFound."""
    mine = [sample for sample in samples if sample.baseline_id == baseline_id]
    if not mine:
        raise NotFound(f"There is no baseline {baseline_id[:80]!r} in this project.", hint="GET /api/v1/baselines lists them.")
    return _summary(baseline_id, mine)


def _summary(baseline_id: str, samples: list[Sample]) -> BaselineSummary:
    first = samples[0]
    return BaselineSummary(
        id=baseline_id,
        flow=str(first.key),
        test_case=first.key.test_case,
        service=first.key.service,
        operation=first.key.operation,
        environment=first.environment,
        samples=tuple(
            BaselineSample(one.trace_id, one.run, one.commit, to_text(one.promoted_ns), one.promoted_by, one.reason)
            for one in samples
        ),
        notes=() if len(samples) > 1 else ("1 sample: what varies is not known yet",),
    )
