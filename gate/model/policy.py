"""What the user decides about changes: levels per kind, rules that ignore or pin."""

import msgspec

from gate.model.verdict import Level


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule; every given field must match. Patterns are shell-style (`*`, `?`), case-sensitive.

    A rule with `level` re-levels (or ignores) matching findings. A rule with `allow` lets an operation appear or be absent.
    A rule with `before`/`after` pins an order: `before` must finish before `after` starts.
    """

    name: str = ""
    """How reports name the rule; the rule's own text when empty."""
    flow: str = "*"
    """Matches `str(FlowKey)`."""
    service: str = "*"
    operation: str = "*"
    kind: str = "*"
    """A change kind: `call-added`, `attribute-changed`, …"""
    attribute: str = "*"
    """An attribute key, for changes that have one."""
    level: Level | None = None
    allow: bool = False
    before: str = ""
    after: str = ""
    reason: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Levels and rules. The empty policy has good defaults; first matching rule wins."""

    levels: dict[str, Level] = {}
    """By change kind; what is not named keeps its default (`gate.compare.levels`)."""
    rules: tuple[Rule, ...] = ()
    required_flows: tuple[str, ...] = ()
    """Patterns of flows that must run; a missing flow is otherwise a warning at most."""
    partial_runs: bool = False
    """Whether a run may leave out any number of flows. Otherwise a run that lacks more than a quarter of the golden test cases is
    inconclusive: from traces alone, a part of a suite looks like a suite whose traces were sampled or lost."""
    require_baseline: bool = False
    """Whether a flow without baseline fails instead of being `new`."""
