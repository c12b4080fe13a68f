"""What one line of a side-by-side view holds."""

from enum import StrEnum

import msgspec

from gate.model.verdict import Level


class RowState(StrEnum):
    """What a row says about its call."""

    SAME = "same"
    """On both sides alike, or a flow that has nothing beside it."""
    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    VARIES = "varies"
    """Different from this golden trace, but no finding is about it: within what the baseline allows, or not judged."""
    FOLDED = "folded"
    """Stands for the rows in `folded`."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """One side of a row. Names and values are as normalised, not yet escaped for any surface."""

    span_id: str
    service: str
    name: str
    kind: str
    """`server`, `client`, … ; empty when unspecified."""
    error: bool
    depth: int
    """0 at the entry; in its own tree, so that both sides of a row may differ."""
    duration_ns: int
    statement: str = ""
    """The query, topic or route, if the call has one and its name does not say it."""
    attributes: dict[str, str] = {}
    times: int = 1
    """How many calls this row stands for."""

    @property
    def title(self) -> str:
        """Name and statement in one: `SELECT id FROM traces`, `GET /users/{id}`."""
        return titled(self.name, self.statement)


def titled(name: str, statement: str) -> str:
    """A call's name with its statement, where the name is one word and says less (`SELECT`, `POST`)."""
    if not statement or statement in name or " " in name:
        return name
    return statement if statement.casefold().startswith(name.casefold()) else f"{name} {statement}"


class Delta(msgspec.Struct, frozen=True, gc=False):
    """One fact that differs between the two sides; empty text means absent."""

    key: str
    before: str
    after: str
    found: bool
    """Whether a finding is about it; otherwise the baseline allows it, or nobody judged."""


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A finding or one of its consequences, at a row."""

    finding: int
    """Index in `Comparison.findings`."""
    root: bool
    """Whether this row is where the finding began."""
    title: str
    sentence: str
    level: Level
    approved: bool = False


class Row(msgspec.Struct, frozen=True):
    """One line of the side-by-side view."""

    number: int
    """Stable within a comparison; the anchor of links."""
    state: RowState
    depth: int
    before: Call | None = None
    after: Call | None = None
    deltas: tuple[Delta, ...] = ()
    marks: tuple[Mark, ...] = ()
    folded: "tuple[Row, ...]" = ()
    """Of a FOLDED row: what it hides. Of a repeated call: the further ones."""

    @property
    def count(self) -> int:
        """How many rows this one stands for, itself included unless it only folds."""
        return (self.state != RowState.FOLDED) + sum(row.count for row in self.folded)

    @property
    def tells_statement(self) -> bool:
        """Whether a delta shows the call's statement already."""
        calls = (self.before, self.after)
        return any(call is not None and call.statement in (delta.before, delta.after) for delta in self.deltas for call in calls)
