"""The seam: what the use cases need of a store, in small protocols.

Promises for all of them. Objects connect in their opener, never in a constructor. Writes return after the commit and are
visible to every later read (read-your-writes). Writing the same thing twice is the same as once. Nothing found is an empty
answer, or `NotFound` where the docstring says so, never another exception. A store that cannot work raises `Unavailable` with
the backend's own words; then nothing of that call was written, or all of it when the answer was lost on its way. One that does
not answer is waited for `SECONDS`, on the hot path, and `LONGER` times as long elsewhere; callers are not kept for longer. Trace ids are 32 lower-case hex digits.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gate.codec.batch import Batch
from gate.model.policy import Policy
from gate.model.run import Run
from gate.model.verdict import Approval, Conclusion, Rejection
from gate.service import AuditEntry, Project, SavedSpec, SpecOutcome, Stats, Token, TraceQuery, TraceSummary
from gate.spec.spec import Value
from gate.store.values import (
    NOTHING_TO_KEEP,
    Activity,
    Candidates,
    Claim,
    Copied,
    Decision,
    Keeping,
    Origin,
    Pruned,
    RunTrace,
    Sample,
    StoredVerdict,
    Unjudged,
    Work,
)

SECONDS = 8.0
"""Unless the settings say otherwise: less than an exporter waits for its answer, which is ten."""
LONGER = 4
"""What is no hot path may take so many times as long."""


class SpanStore(Protocol):
    """Raw spans by trace. The record store decides what exists; this follows."""

    async def read(self, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """The uncompressed OTLP protobuf bodies of each trace, in order of arrival. Left out are unknown traces, and those of
        which anything is lost."""
        ...

    async def having(self, project: str, key: str, value: str, *, limit: int) -> frozenset[str] | None:
        """All traces that `with_attribute` would name, when the store has an index of attributes and they are at most `limit`;
        else None: candidates must be looked into."""
        ...

    async def missing(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """Those of these traces that `read` would leave out, without reading them."""
        ...

    async def unkept(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """Those of these persistent traces that are not whole where nothing is dropped: they would be lost with their day. `mark` mends
        that."""
        ...

    async def keep(self, project: str, trace_ids: Sequence[str]) -> Keeping:
        """Begin to copy these traces to where nothing is dropped, before the transaction that makes them persistent: its commit waits
        for the copies, and it has an outbox entry for whatever they lack. Only what was just read is copied: more would keep
        the caller waiting. Copies of a trace that does not become persistent after all do no harm: they go with it, or are its strays."""
        ...

    async def mark(self, project: str, trace_id: str, *, persistent: bool) -> tuple[bytes, ...]:
        """Exempt a trace's spans, also those that arrive later, from `delete`; or no longer. Unknown traces can be marked.
        Returns the digests of the chunks that were copied for it, which the record store is to note (`Claim.copied`); a copy that
        it does not know of is made again."""
        ...

    async def delete(self, project: str, trace_ids: Sequence[str], *, before_ns: int) -> int:
        """Delete the chunks of these traces that arrived before `before_ns`; returns how many. Persistent traces stay."""
        ...

    async def with_attribute(self, project: str, trace_ids: Sequence[str], key: str, value: str) -> frozenset[str]:
        """Which of these traces have a span whose attribute (or whose resource's) `key` is `value`, compared as text."""
        ...

    async def strays(self, project: str, *, before_ns: int, delete: bool) -> frozenset[str]:
        """Traces with chunks that arrived before `before_ns` and belong to no record: left by a stop between the two stores.
        With `delete` these chunks are deleted."""
        ...

    async def marked(self, project: str) -> frozenset[str]:
        """All traces with the persistent mark; for the check that both stores agree."""
        ...


class Intake(Protocol):
    """The hot path, one method: spans into the span store and their summaries into the record store."""

    async def accept(self, project: str, batch: Batch, *, run: str, now_ns: int) -> frozenset[str]:
        """Store one export request; returns only after commit. The runs that got new spans are returned; a repeated delivery
        changes nothing and returns none. (Spans that come again inside another request are stored and counted again, and are one
        span of the trace when it is read.)

        `run` (when not empty) joins every trace to that run; else each chunk's own `run` does, and is created when new.
        A trace stays in the first run that claimed it. Raises NotFound for an unknown project or `run`, and writes nothing."""
        ...


class Projects(Protocol):
    """Projects with their policy."""

    async def create(self, project: Project, *, now_ns: int) -> Project:
        """Raises Conflict when the name is taken."""
        ...

    async def all(self) -> tuple[Project, ...]:
        """By name."""
        ...

    async def one(self, name: str) -> Project:
        """Raises NotFound."""
        ...

    async def update(self, name: str, changes: Mapping[str, str | int], *, by: str = "", now_ns: int = 0) -> Project:
        """Change the named fields, with an audit row. Raises NotFound."""
        ...

    async def policy(self, name: str) -> Policy:
        """The empty policy when none was set."""
        ...

    async def set_policy(self, name: str, policy: Policy, *, by: str, now_ns: int, stale_since_ns: int) -> None:
        """Replace the policy: a new revision (see `Activity`) of the runs that finished after `stale_since_ns`."""
        ...


class Tokens(Protocol):
    """Tokens by the SHA-256 digest of their secret."""

    async def add(self, token: Token, digest: bytes, *, now_ns: int, by: str = "") -> Token:
        """Raises NotFound for an unknown project."""
        ...

    async def all(self, project: str) -> tuple[Token, ...]:
        """Oldest first. Raises NotFound for an unknown project."""
        ...

    async def delete(self, project: str, token_id: str, *, now_ns: int, by: str = "") -> None:
        """Raises NotFound."""
        ...

    async def by_digest(self, digest: bytes) -> Token | None:
        """None when nobody knows it."""
        ...

    async def any(self) -> bool:
        """Whether a single token is stored."""
        ...


class Runs(Protocol):
    """Runs and their verdicts."""

    async def create(self, run: Run, *, now_ns: int) -> Run:
        """The same id again is the same run: what was unknown is filled in. Conflict when commit or environment differ."""
        ...

    async def one(self, project: str, run_id: str) -> Run:
        """Raises NotFound, for a run of another project too."""
        ...

    async def page(self, project: str, *, branch: str, limit: int, after: str) -> tuple[tuple[Run, ...], str]:
        """Newest first, with the cursor of the next page (empty on the last). Raises BadRequest for a foreign cursor."""
        ...

    async def is_first(self, project: str, run_id: str) -> bool:
        """Whether no earlier run of its gate is kept. Raises NotFound."""
        ...

    async def finish(self, project: str, run_id: str, *, expect_traces: int, now_ns: int) -> tuple[Run, bool]:
        """The finished run, and whether this call was the one that finished it. Raises NotFound."""
        ...

    async def expected(self, project: str, run_id: str) -> tuple[int, int]:
        """How many traces the finisher expects (0: not said), and when it finished (0: it has not)."""
        ...

    async def activity(self, project: str, run_id: str) -> Activity:
        """What has happened so far."""
        ...

    async def traces(self, project: str, run_id: str) -> tuple[RunTrace, ...]:
        """The run's traces, in order of arrival."""
        ...

    async def save_verdict(self, project: str, run_id: str, verdict: StoredVerdict, *, conclusion: str, now_ns: int) -> None:
        """Replaces the last one."""
        ...

    async def verdict(self, project: str, run_id: str) -> StoredVerdict | None:
        """None when the run was not judged yet. Raises NotFound for an unknown run."""
        ...

    async def conclusions(self, project: str, run_ids: Sequence[str]) -> dict[str, Conclusion]:
        """Of those of these runs that were judged."""
        ...

    async def make_stale(self, project: str, run_id: str, *, by: str, now_ns: int) -> None:
        """A new revision (see `Activity`): the verdict must be made again, with an audit row. Raises NotFound, and Conflict when
        there is no verdict."""
        ...

    async def unjudged(self) -> tuple[Unjudged, ...]:
        """Finished runs of every project without a verdict: what a restarted server must resume."""
        ...


class Traces(Protocol):
    """Trace summaries."""

    async def one(self, project: str, trace_id: str) -> TraceSummary:
        """Raises NotFound."""
        ...

    async def origin(self, project: str, trace_id: str) -> Origin:
        """Raises NotFound."""
        ...

    async def several(self, project: str, trace_ids: Sequence[str]) -> tuple[TraceSummary, ...]:
        """In this order; unknown traces are left out."""
        ...

    async def page(self, project: str, query: TraceQuery, *, among: Sequence[str] | None = None) -> Candidates:
        """At most `query.limit` traces (of those `among`, when given), newest first, ignoring `query.attribute`. BadRequest for a
        bad filter or cursor."""
        ...

    async def values(self, project: str, facet: str, *, text: str, newest: int) -> dict[str, int]:
        """In how many of the `newest` traces each value of a facet is that contains `text`, in any case. Facets are those of
        `gate.service.FACETS` but `attribute`; the empty value is no value."""
        ...

    async def set_persistent(
        self, project: str, trace_id: str, *, persistent: bool, by: str, now_ns: int, keeping: Keeping = NOTHING_TO_KEEP
    ) -> bool:
        """Record, mark or outbox entry, and audit row in one transaction, as `Baselines.promote` does; returns whether there is an
        entry to follow. NotFound; Conflict when it is a golden sample and `persistent` is False."""
        ...

    async def prune(self, project: str, *, before_ns: int, limit: int) -> Pruned:
        """Delete at most `limit` summaries of traces that last received spans before `before_ns` and are not persistent, with
        an outbox entry for the spans of each that arrived before `before_ns`: those that come later make a new trace."""
        ...

    async def prunable(self, project: str, *, before_ns: int) -> tuple[Pruned, int]:
        """What `prune` would delete in all, and how many older traces stay because they are persistent."""
        ...

    async def prune_runs(self, project: str, *, before_ns: int, dry_run: bool) -> int:
        """Delete runs created before `before_ns` that have no trace left (with `dry_run`: that would have none) and no golden
        sample; returns how many."""
        ...


class Baselines(Protocol):
    """Golden samples."""

    async def samples(self, project: str) -> tuple[Sample, ...]:
        """All samples, newest first."""
        ...

    async def promote(
        self,
        project: str,
        new: Mapping[str, Sequence[Sample]],
        *,
        by: str,
        reason: str,
        now_ns: int,
        keeping: Keeping = NOTHING_TO_KEEP,
    ) -> frozenset[str]:
        """Add samples of these traces, make them persistent, with audit rows, set their marks, and note the copies of `keeping`: one
        transaction, which is committed when these are written. It has an outbox entry for each trace whose copies are not whole (when
        `keeping` failed: of none), or that has older entries, which come first. Returns the traces with an entry: those that the span
        store has still to follow.
        A sample that exists stays as it is, except that a person's promotion pins it. NotFound (and nothing written) when one of
        the traces does not exist."""
        ...

    async def demote(self, project: str, trace_id: str, *, by: str, now_ns: int) -> tuple[tuple[Sample, ...], bool]:
        """Remove the trace's samples and its persistence, likewise. NotFound when the trace does not exist; the samples that
        were removed are returned, none when it was none, and whether there is an entry to follow."""
        ...


class Decisions(Protocol):
    """What people decided about fingerprints: one yes or no each."""

    async def decide(
        self,
        project: str,
        run_id: str,
        decision: Decision,
        fingerprints: Sequence[str],
        *,
        by: str,
        reason: str,
        replace: bool,
        now_ns: int,
    ) -> tuple[str, ...]:
        """Approve, reject, or withdraw what was decided, with an audit row each: one transaction. Returns the fingerprints whose
        decision this changed (when there are any it is a new revision of the run, see `Activity`); one that was decided so before
        stays as it is. Conflict (and nothing written) when one was decided otherwise, unless `replace`."""
        ...

    async def approvals(self, project: str) -> dict[str, Approval]:
        """By fingerprint."""
        ...

    async def rejections(self, project: str) -> dict[str, Rejection]:
        """By fingerprint."""
        ...


class History(Protocol):
    """The audit log."""

    async def page(
        self, project: str, *, run: str, subjects: tuple[str, ...], limit: int, after: str
    ) -> tuple[tuple[AuditEntry, ...], str]:
        """Newest first, with the cursor of the next page (empty on the last). `run` and `subjects` narrow it when not empty.
        Raises BadRequest for a foreign cursor."""
        ...


class Specs(Protocol):
    """Specs that the server keeps. Those of another project do not exist: NotFound."""

    async def add(self, project: str, spec_id: str, name: str, text: str, *, by: str, now_ns: int) -> SavedSpec:
        """A new spec, version 1. The id is free."""
        ...

    async def all(self, project: str) -> tuple[SavedSpec, ...]:
        """By name."""
        ...

    async def one(self, project: str, spec_id: str) -> SavedSpec:
        """Raises NotFound."""
        ...

    async def change(
        self,
        project: str,
        spec_id: str,
        *,
        version: int,
        name: str,
        text: str,
        environments: Mapping[str, Mapping[str, Value]],
        by: str,
        now_ns: int,
    ) -> SavedSpec:
        """Replace it, which makes the next version. Raises NotFound, and Conflict when `version` is not the present one."""
        ...

    async def delete(self, project: str, spec_id: str, *, by: str, now_ns: int) -> None:
        """With its results. Raises NotFound."""
        ...

    async def save_result(self, project: str, spec_id: str, outcome: SpecOutcome, *, now_ns: int) -> None:
        """Replaces the last result of the environment; `outcome.at` is `now_ns`. Raises NotFound."""
        ...


class Outbox(Protocol):
    """What the span store has still to follow."""

    async def pending(self, *, limit: int | None = None, project: str = "", trace_id: str = "") -> tuple[Work, ...]:
        """Oldest first, all when there is no limit; of one trace when named."""
        ...

    def claim(self, *, limit: int, project: str = "", trace_id: str = "") -> AbstractAsyncContextManager[Claim]:
        """Likewise, for a block in which nobody else works at them: entries of the same trace wait for one another, whichever
        server has them. When the block ends, what it leaves in the list is forgotten; when it raises, or its server dies, all stay.
        An entry that was made meanwhile stays. Without a name, what others work at is left out; with one, it is waited for."""
        ...

    async def note(self, copied: Copied) -> None:
        """Note what the span store has copied without a claim."""
        ...

    async def failed(self, work: Sequence[Work], error: str) -> None:
        """Note why entries could not be applied; they stay pending."""
        ...


class Stores(Protocol):
    """Everything together, as a use case receives it."""

    @property
    def projects(self) -> Projects: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def traces(self) -> Traces: ...
    @property
    def baselines(self) -> Baselines: ...
    @property
    def decisions(self) -> Decisions: ...
    @property
    def history(self) -> History: ...
    @property
    def specs(self) -> Specs: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def spans(self) -> SpanStore: ...
    @property
    def intake(self) -> Intake: ...

    async def stats(self) -> Stats:
        """Counts over all projects."""
        ...

    async def take_turn(self, job: str, *, now_ns: int, every_ns: int) -> bool:
        """Whether the caller shall do a periodic job now: of all servers one may, once in this time."""
        ...

    async def tidy(self) -> None:
        """Give back what deletions have left over: unused dictionary entries, free pages. Bounded; call it after a prune."""
        ...

    async def check(self) -> dict[str, str]:
        """Component → `ok`, or what is wrong. Never raises."""
        ...

    async def close(self) -> None:
        """Finish what was begun, then release everything. Later calls raise Unavailable."""
        ...
