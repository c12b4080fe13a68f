"""The stored figures of the quick run, and what is worse now. Better figures never fail; store them with `--store`."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.accuracy.figures import SetFigures

BASELINE = Path(__file__).with_name("baseline.json")
TOLERANCE = 1e-9


class Stored(msgspec.Struct, frozen=True):
    """The figures of one set that must not get worse."""

    false_alarm_rate: float
    detection_rate: float | None = None
    regression_detection_rate: float | None = None
    root_correct_rate: float | None = None
    findings_per_cause: float | None = None
    failing_environment_flows: int = 0
    failing_refactoring_flows: int = 0


def store(measured: Sequence[SetFigures]) -> None:
    """Write the figures as the new baseline; sets that were not measured keep theirs."""
    stored = _load() | {each.set: _stored(each) for each in measured}
    BASELINE.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(stored.items()))), indent=2) + b"\n")


def drops(measured: Sequence[SetFigures]) -> list[str]:
    """One sentence for each figure that is worse than the stored one."""
    stored = _load()
    found: list[str] = []
    for each in measured:
        before = stored.get(each.set)
        if before is None:
            continue
        now = _stored(each)
        for name in Stored.__struct_fields__:
            was, value = getattr(before, name), getattr(now, name)
            if was is None or value is None:
                continue
            higher_is_better = name in ("detection_rate", "regression_detection_rate", "root_correct_rate")
            worse = value < was - TOLERANCE if higher_is_better else value > was + TOLERANCE
            if worse:
                found.append(f"{each.set}: {name} was {was:.4g}, is {value:.4g}")
    return found


def _stored(figures: SetFigures) -> Stored:
    return Stored(
        figures.false_alarm_rate,
        figures.detection_rate,
        figures.regression_detection_rate,
        figures.root_correct_rate,
        figures.findings_per_cause,
        sum(each.failing_flows for each in figures.environments.values() if each.expect != "incomplete"),
        sum(each.failing_flows for each in figures.refactorings.values()),
    )


def _load() -> dict[str, Stored]:
    if not BASELINE.is_file():
        return {}
    return msgspec.json.decode(BASELINE.read_bytes(), type=dict[str, Stored])
