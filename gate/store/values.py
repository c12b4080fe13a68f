"""What goes through the store protocols beside the values of `gate.service` and `gate.model`."""

import asyncio
from typing import Any, Literal, TypeAlias

import msgspec

from gate.model.flow import FlowKey

Decision: TypeAlias = Literal["approve", "reject", "withdraw"]
"""What a person can do about a fingerprint."""


class Activity(msgspec.Struct, frozen=True, gc=False):
    """What has happened to a run so far: what arrived, and is still there, and what people changed."""

    traces: int = 0
    spans: int = 0
    last_ns: int = 0
    """When the last new span arrived, by the server's clock; 0 when none has."""
    revision: int = 0
    """How often people have changed what its verdict depends on: the policy, a decision, or the wish to have it made again."""

    def is_newer(self, before: "Activity") -> bool:
        """Whether spans arrived since. That retention deleted some is nothing new: what was judged stays judged."""
        return self.spans > before.spans or self.last_ns > before.last_ns


class RunTrace(msgspec.Struct, frozen=True, gc=False):
    """One trace of a run, and how many deliveries it consists of (its version)."""

    trace_id: str
    spans: int


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a trace comes from: empty what is not known."""

    run: str
    gate: str
    environment: str
    commit: str


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One golden trace of one flow."""

    baseline_id: str
    gate: str
    environment: str
    key: FlowKey
    trace_id: str
    run: str
    commit: str
    pinned: bool
    """Promoted by a person or over REST; otherwise a run on the base branch promoted itself."""
    promoted_ns: int
    promoted_by: str
    reason: str = ""


class StoredVerdict(msgspec.Struct, frozen=True, gc=False):
    """A verdict as stored: encoded, with what it was made of."""

    activity: Activity
    """What had happened before it was made: more spans now are late data, a later revision makes it stale."""
    verdict: bytes
    comparisons: bytes


class Unjudged(msgspec.Struct, frozen=True, gc=False):
    """A finished run that waits for its verdict."""

    project: str
    run: str


class Work(msgspec.Struct, frozen=True, gc=False):
    """An outbox entry: the span store must follow the record store for one trace."""

    id: int
    project: str
    trace_id: str
    action: str
    """`mark`: make the span store's persistent mark equal to the record; `delete`: spans that arrived before `before_ns`."""
    before_ns: int
    persistent: bool
    """What the record says now; a mark is a level, not an edge, so that order and repetition do not matter."""
    attempts: int = 0
    """How often it could not be applied,"""
    error: str = ""
    """and why, the last time."""


class Claim(msgspec.Struct, frozen=True):
    """Outbox entries that nobody else works at."""

    work: list[Work]
    """Oldest first. What is left in it at the end is done, and forgotten."""
    copied: list["Copied"] = []
    """What the span store has copied for them: noted at the end, in the same transaction."""


class Copied(msgspec.Struct, frozen=True, gc=False):
    """Chunks of a trace that a span store of its own has copied to where retention deletes nothing."""

    project: str
    trace_id: str
    digests: tuple[bytes, ...]


class Keeping(msgspec.Struct, frozen=True):
    """Copies that a span store of its own makes of traces that are about to become persistent."""

    copied: tuple[Copied, ...] = ()
    """What is there as soon as they are written."""
    written: asyncio.Future[Any] | None = None
    """Ends when they are on disk, or with the `GateError` that kept them from it; without, they are there already."""

    @property
    def failed(self) -> bool:
        """Whether they could not be written."""
        return self.written is not None and self.written.done() and self.written.exception() is not None

    async def ended(self) -> None:
        """Wait for their end, whatever it is: nothing is written any more when the answer is there."""
        if self.written is not None:
            await asyncio.wait([self.written])
            self.written.exception()  # looked at: else the event loop complains


NOTHING_TO_KEEP = Keeping()


class StoredChunk(msgspec.Struct, frozen=True, gc=False):
    """Where a span store of its own keeps one chunk of a trace, as the record store's manifest knows it."""

    digest: bytes
    received_ns: int
    size: int
    """Bytes, compressed."""
    kept: bool
    """Whether it was copied to where retention deletes nothing."""


class Pruned(msgspec.Struct, frozen=True, gc=False):
    """One bounded step of a prune."""

    traces: int
    spans: int


class Candidates(msgspec.Struct, frozen=True):
    """Traces that match a search so far, newest first, each with the cursor that continues after it."""

    trace_ids: tuple[str, ...]
    cursors: tuple[str, ...]
    more: bool
    """Whether there are traces after the last."""
