"""How far a baseline can be trusted: how likely the next good trace shows something new."""

from gate.compare.learn import Baseline

UNSEEN = 0.05
"""The Good–Turing estimate above which a baseline is not stable."""


def notes(baseline: Baseline) -> tuple[str, ...]:
    """What a reader must know about the baseline: `1 sample`, `baseline not stable: record 2 more`."""
    samples = len(baseline.samples)
    if samples == 1:
        return ("1 sample",)
    once = sum(len(seen) == 1 for seen in baseline.root.shapes.values())
    if len(baseline.root.shapes) > 1 and once / samples > UNSEEN:
        more = max(1, round(once / UNSEEN) - samples)
        return (f"baseline not stable: record {min(more, 2 * samples)} more",)
    return ()
