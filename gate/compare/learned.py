"""What a baseline has learned, in sentences for people."""

import msgspec

from gate.compare.learn import Baseline
from gate.compare.schema import SUPPORT, Group, Slot
from gate.compare.sentences import call_text
from gate.compare.shape import ERROR, Label
from gate.compare.stability import notes

_MOST = 60
"""Sentences of one list."""
_VALUES = 4


class Learned(msgspec.Struct, frozen=True):
    """What the golden samples of one flow agree on, and what they do not."""

    samples: int
    operations: int
    """Calls of the newest sample."""
    stability: str
    """`stable: 10 samples agree`, `baseline not stable: record 2 more`."""
    always: tuple[str, ...] = ()
    """Calls that every sample makes equally often."""
    varying: tuple[str, ...] = ()
    """Calls that are optional, or whose number varies, with the learned numbers."""
    variable: tuple[str, ...] = ()
    """Attributes whose value is not compared, because it varied."""
    orders: tuple[str, ...] = ()
    """What always ended before something else began."""
    more: int = 0
    """Sentences left out; long lists are cut."""


def learned(baseline: Baseline) -> Learned:
    """The facts of the schema, outermost calls first."""
    always: dict[str, None] = {}
    varying: dict[str, None] = {}
    variable: dict[str, None] = {}
    orders: dict[str, None] = {}
    pending = [baseline.root]
    while pending:
        slot = pending.pop(0)
        for key, values in slot.facts.items():
            if text := _variable(slot, key, values):
                variable[text] = None
        for (first, then), times in slot.precedes.items():
            if times >= SUPPORT:
                orders[f"{call_text(*first)} ends before {call_text(*then)} begins"] = None
        for label, group in slot.groups.items():
            (always if group.least == group.most else varying)[_call(label, group, slot)] = None
            pending.extend(group.slots)
    lists = [tuple(each) for each in (always, varying, variable, orders)]
    return Learned(
        len(baseline.samples),
        baseline.samples[-1].size,
        _stability(baseline),
        *(each[:_MOST] for each in lists),
        more=sum(max(0, len(each) - _MOST) for each in lists),
    )


def _stability(baseline: Baseline) -> str:
    said = notes(baseline)
    samples = len(baseline.samples)
    if samples == 1:
        return "1 sample: what varies is not known yet, record 2 more"
    return said[0] if said else f"stable: {samples} samples agree on what happens"


def _call(label: Label, group: Group, caller: Slot) -> str:
    call, below = call_text(*label), call_text(*caller.label)
    if group.least == group.most:
        return f"{call}: {_times(group.most)} in {below}"
    if not group.least:
        return f"{call}: optional in {below}, {_times(group.most)} at most"
    return f"{call}: {group.least} to {_times(group.most)} in {below}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _variable(slot: Slot, key: str, values: dict[str, int]) -> str:
    seen = sum(values.values())
    if len(values) == 1 and seen == slot.count:
        return ""
    if key == ERROR:
        return f"{call_text(*slot.label)}: fails {seen} of {slot.count} times"
    shown = sorted(values, key=lambda value: -values[value])[:_VALUES]
    listed = ", ".join(value if len(value) <= 60 else f"{value[:59]}…" for value in shown)
    absent = [f"absent {slot.count - seen} of {slot.count} times"] if seen < slot.count else []
    more = [f"and {len(values) - _VALUES} more"] if len(values) > _VALUES else []
    return f"{call_text(*slot.label)}: {key} is {'; '.join([listed, *more, *absent])}"
