"""What a comparison found, and what the policy makes of it."""

from enum import StrEnum

import msgspec

from gate.model.change import Change
from gate.model.flow import Flow, FlowKey


class Conclusion(StrEnum):
    """The three ends of a gate, and `new`. Could-not-judge is never pass and never fail."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NEW = "new"


class Level(StrEnum):
    """How much a finding weighs. `ignored` findings stay visible and countable, with the rule."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTICE = "notice"
    IGNORED = "ignored"


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a change is: names from the entry down to the operation, and the spans on both sides."""

    path: tuple[str, ...]
    """`service: operation` of each step from the entry to the place, both included."""
    before_span_ids: tuple[str, ...] = ()
    """Spans of the representative sample; empty where the call is new."""
    after_span_ids: tuple[str, ...] = ()
    """Spans of the candidate; empty where the call is gone."""


class Consequence(msgspec.Struct, frozen=True, gc=False):
    """A difference that the finding above it explains."""

    change: Change
    place: Place
    sentence: str
    """`the call to elasticsearch: POST traces/_update no longer happens`"""


class Approval(msgspec.Struct, frozen=True, gc=False):
    """A person's yes to a fingerprint."""

    fingerprint: str
    by: str
    reason: str
    at: str
    """RFC 3339, UTC."""


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """A person's no to a fingerprint: it is a regression, whatever its level was."""

    fingerprint: str
    by: str
    reason: str
    at: str
    """RFC 3339, UTC."""


class Finding(msgspec.Struct, frozen=True):
    """One cause: its root divergence as `change` at `place`, and its consequences."""

    fingerprint: str
    """`sg1:` + 16 hex digits; independent of run, ids and times."""
    change: Change
    level: Level
    place: Place
    sentence: str
    """What a person would say: `db: SELECT traces returned 0 rows, the golden traces return 1`."""
    flows: tuple[FlowKey, ...]
    """Every flow that this cause touches, the one of `place` first."""
    consequences: tuple[Consequence, ...] = ()
    rule: str = ""
    """The policy rule that set the level, if not a default."""
    approval: Approval | None = None
    rejection: Rejection | None = None
    """Then the level is `failure`."""


class Comparison(msgspec.Struct, frozen=True):
    """One flow beside its baseline.

    `pairs` aligns the two trees in display order: (index in `sample.operations` or -1, index in `flow.operations` or -1).
    """

    key: FlowKey
    flow: Flow | None
    """None when the flow did not run."""
    sample: Flow | None
    """The nearest golden sample; None when there is no baseline."""
    pairs: tuple[tuple[int, int], ...] = ()
    samples: int = 0
    """How many golden samples the baseline was learned from."""
    findings: tuple[Finding, ...] = ()
    incomplete: str = ""
    """Why the flow cannot be judged (`2 spans name a parent that never arrived`); empty when it can."""
    notes: tuple[str, ...] = ()
    """`baseline not stable: record 2 more`, `1 sample`."""


class FlowVerdict(msgspec.Struct, frozen=True, gc=False):
    """The conclusion for one flow, and why this baseline."""

    key: FlowKey
    conclusion: Conclusion
    reason: str
    fingerprints: tuple[str, ...] = ()
    trace_id: str = ""
    sample_trace_id: str = ""
    samples: int = 0
    baseline: str = ""
    """How the baseline was chosen: `pinned`, `merge-base`, …; empty when there is none."""
    notes: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """The conclusion for a run. `findings` are worst first, one per cause, approved and ignored ones included."""

    conclusion: Conclusion
    findings: tuple[Finding, ...]
    flows: tuple[FlowVerdict, ...]
    reasons: tuple[str, ...] = ()
    """Why inconclusive, or what a reader must know (`late data`, `another environment`)."""

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """The findings that make the verdict fail and that nobody has decided about: level failure, neither approved nor rejected."""
        return tuple(f for f in self.findings if f.level == Level.FAILURE and f.approval is None and f.rejection is None)
