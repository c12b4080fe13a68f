"""One raw difference between a flow and its schema, before anyone asks for its cause."""

from enum import Enum

from gate.compare.schema import Group, Slot
from gate.compare.shape import Label


class Difference(Enum):
    """What differs."""

    MISSING = "missing"
    ADDED = "added"
    COUNT = "count"
    FACT = "fact"
    RENAMED = "renamed"
    WRAPPED = "wrapped"
    UNWRAPPED = "unwrapped"
    MOVED = "moved"
    LINKED = "linked"
    ORDER = "order"
    CONCURRENCY = "concurrency"
    VARIANT = "variant"


class Divergence:
    """One difference at one place of the candidate."""

    __slots__ = (
        "after",
        "after_label",
        "before",
        "difference",
        "facts",
        "group",
        "label",
        "moved_from",
        "number",
        "operations",
        "parent",
        "position",
        "slot",
        "slots",
    )

    def __init__(
        self,
        difference: Difference,
        label: Label,
        parent: int,
        *,
        slot: Slot | None = None,
        group: Group | None = None,
        slots: tuple[Slot, ...] = (),
        operations: tuple[int, ...] = (),
        number: int = 0,
        before: str = "",
        after: str = "",
        facts: tuple[tuple[str, str, str], ...] = (),
        after_label: Label | None = None,
    ) -> None:
        self.difference = difference
        self.label = label
        """Of the call that differs, as the baseline knows it (as the candidate has it, when the call is new)."""
        self.parent = parent
        """Index of the candidate's operation below which it differs; for a fact or a variant, of the operation itself."""
        self.slot = slot
        """Of `parent`; None inside what is new."""
        self.group = group
        self.slots = slots
        """What stayed empty."""
        self.operations = operations
        """The candidate's operations that are too many, or that differ."""
        self.number = number
        """How many of these calls the candidate has under `parent`."""
        self.before = before
        self.after = after
        self.facts = facts
        """(key, before, after), the telling one first."""
        self.after_label = after_label
        self.position = 0
        """In order of completion in the merged tree: what is deepest and earliest comes first."""
        self.moved_from: Divergence | None = None

    def __repr__(self) -> str:
        return f"<{self.difference.value} {self.label} under {self.parent} {self.before}→{self.after} {self.facts} {self.number}>"
