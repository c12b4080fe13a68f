"""The use cases. CLI, REST and pages are thin doors on `Gate`; nothing else knows both stores and the comparison.

Signatures are the contract that the doors are written against; times are RFC 3339 UTC text unless a name ends in `_ns`.
"""

from typing import Protocol

import msgspec

from gate.codec.batch import Batch
from gate.compare.learned import Learned
from gate.model.flow import FlowKey
from gate.model.policy import Policy
from gate.model.run import Report, Run
from gate.model.trace import Trace
from gate.model.verdict import Approval, Comparison, Conclusion, Level, Rejection, Verdict
from gate.spec import Check, SpecResult
from gate.spec.spec import Value


class Project(msgspec.Struct, frozen=True):
    """A team's namespace: its runs, traces, baselines, tokens, policy."""

    name: str
    retention_days: int
    base_branch: str = "main"
    created_at: str = ""
    auto_promote: str = "if-approved"
    """What runs on the base branch do to the baselines: `accept` (every closed flow becomes a golden sample), `if-approved` (those
    that pass, approved findings included, or are new), `hold` (none; people promote)."""


class Token(msgspec.Struct, frozen=True):
    """A stored token; the secret itself is only ever in the answer that made it."""

    id: str
    project: str
    name: str
    scopes: tuple[str, ...]
    """Of `ingest`, `read`, `review`, `admin`."""
    created_at: str


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a token's project and scopes. Local mode is project `default` with every scope."""

    project: str
    scopes: tuple[str, ...]
    name: str
    every_project: bool = False
    """Whether any project can be named instead: the admin token of the settings, and local mode."""


class Received(msgspec.Struct, frozen=True):
    """What became of one export request: the OTLP partial success."""

    spans: int
    rejected: int = 0
    message: str = ""


class TraceSummary(msgspec.Struct, frozen=True):
    """One row of a trace list, known without decoding spans."""

    trace_id: str
    project: str
    run: str
    environment: str
    test_case: str
    service: str
    """Of the entry span."""
    operation: str
    route: str
    status: int
    """HTTP status of the entry span; 0 when it has none."""
    error: bool
    """Whether any span has status ERROR."""
    spans: int
    start_ns: int
    duration_ns: int
    services: tuple[str, ...]
    persistent: bool
    baseline: bool
    received_at: str
    state: str = "done"
    """`pending` while the span store has still to follow what was done to the trace (promote, demote, persist)."""


class TraceQuery(msgspec.Struct, frozen=True):
    """Filters of a trace search; empty means any. `service` and `operation` match any span, the rest the trace."""

    text: str = ""
    """Words, each of which is a part of an operation, a service, the route or the test case, in any case."""
    service: str = ""
    operation: str = ""
    route: str = ""
    status: str = ""
    """`404`, or a class: `5xx`."""
    error: bool | None = None
    test_case: str = ""
    run: str = ""
    commit: str = ""
    """How the commit of the run begins."""
    environment: str = ""
    since_ns: int = 0
    until_ns: int = 0
    min_duration_ns: int = 0
    persistent: bool | None = None
    attribute: str = ""
    """`key=value` on any span."""
    limit: int = 50
    after: str = ""
    """The cursor of the last page."""


class TracePage(msgspec.Struct, frozen=True):
    """Newest first; `next` is empty on the last page."""

    traces: tuple[TraceSummary, ...]
    next: str = ""


class FacetValue(msgspec.Struct, frozen=True, gc=False):
    """One value that a filter can take, and in how many of the newest traces it was seen."""

    value: str
    traces: int


FACETS = ("service", "operation", "route", "status", "test_case", "environment", "run", "commit", "branch", "attribute")
"""What `Gate.facet` knows; `attribute` gives `key=value`, from spans of the newest few traces."""


class Promotion(msgspec.Struct, frozen=True):
    """How far a promotion (or persist, demote) is over the two stores: `done`, or `pending` while the span store follows.
    A run's trace that cannot be promoted is `skipped`."""

    trace_id: str
    state: str
    flows: tuple[str, ...] = ()
    """The flows it is now (or no longer) a golden sample of."""
    reason: str = ""
    """Why it was skipped."""


class BaselineSample(msgspec.Struct, frozen=True):
    """One golden trace of a flow."""

    trace_id: str
    run: str
    commit: str
    promoted_at: str
    promoted_by: str
    reason: str = ""


class BaselineSummary(msgspec.Struct, frozen=True):
    """A flow with its golden samples."""

    id: str
    """Stable: a hash of environment class and flow key."""
    flow: str
    test_case: str
    service: str
    operation: str
    environment: str
    samples: tuple[BaselineSample, ...]
    notes: tuple[str, ...] = ()


class FlowStatus(msgspec.Struct, frozen=True):
    """A flow of the project: its baseline, and where it last ran among the newest runs."""

    flow: str
    environment: str
    key: FlowKey
    baseline: BaselineSummary | None
    """None: seen in a run, but without golden samples."""
    last_run: str = ""
    """Empty: none of the newest runs exercises it; without a baseline it was seen in a trace of no run."""
    last_at: str = ""
    last_trace: str = ""
    last_conclusion: Conclusion | None = None


class FlowOverview(msgspec.Struct, frozen=True):
    """Every flow with a baseline, or that one of the newest judged runs has; and without baseline, what the newest traces of no judged
    run have."""

    flows: tuple[FlowStatus, ...]
    runs: int
    """How many runs were looked at."""
    traces: int = 0
    """How many traces of no judged run were looked at."""


class AuditEntry(msgspec.Struct, frozen=True):
    """Who changed what. `run`: in which run it was decided, if in one."""

    at: str
    by: str
    action: str
    subject: str
    detail: str = ""
    run: str = ""


class AuditPage(msgspec.Struct, frozen=True):
    """Newest first; `next` is empty on the last page."""

    entries: tuple[AuditEntry, ...]
    next: str = ""


class LevelChange(msgspec.Struct, frozen=True):
    """What a policy makes of a finding, beside the present one. None: it is not a finding there."""

    fingerprint: str
    sentence: str
    flow: str
    before: Level | None
    after: Level | None
    rule: str = ""


class PolicyEffect(msgspec.Struct, frozen=True):
    """What a policy would change of one run."""

    run: Run
    before: Conclusion
    after: Conclusion
    changes: tuple[LevelChange, ...] = ()
    skipped: str = ""
    """Why it could not be judged again; then nothing else is said."""


class SpecOutcome(msgspec.Struct, frozen=True):
    """A spec on a stored trace of one environment."""

    environment: str
    trace_id: str
    checks: tuple[Check, ...]
    version: int
    """Of the spec that was checked."""
    at: str = ""
    by: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)


class SavedSpec(msgspec.Struct, frozen=True):
    """A spec that the server keeps: its file, the environments that it runs in, and the last result of each."""

    id: str
    name: str
    text: str
    """YAML."""
    version: int
    """Grows with every change; who saves says which one they changed."""
    environments: dict[str, dict[str, Value]] = {}
    """Environment → parameters that override the spec's own."""
    changed_at: str = ""
    changed_by: str = ""
    results: tuple[SpecOutcome, ...] = ()


class PruneResult(msgspec.Struct, frozen=True):
    """What a prune deleted, or would delete."""

    traces: int
    spans: int
    runs: int
    persistent_kept: int
    dry_run: bool
    state: str = "done"
    """`pending` while the span store has still to follow."""


class Stats(msgspec.Struct, frozen=True):
    """Counts over everything that is stored."""

    spans: int
    traces: int
    runs: int
    baselines: int


class Disagreement(msgspec.Struct, frozen=True):
    """One thing that the record store and the span store do not agree on."""

    project: str
    trace_id: str
    problem: str
    repaired: bool


class Examination(msgspec.Struct, frozen=True):
    """What a comparison of the two stores found."""

    traces: int
    """Records that were looked at."""
    disagreements: tuple[Disagreement, ...]


class Gate(Protocol):
    """Every use case. Unknown things raise `NotFound`, forbidden states `Conflict`; nothing is ever half-written."""

    async def create_project(self, name: str, *, retention_days: int | None = None, base_branch: str = "main") -> Project: ...
    async def projects(self) -> tuple[Project, ...]: ...
    async def project(self, name: str) -> Project: ...
    async def update_project(
        self,
        name: str,
        *,
        retention_days: int | None = None,
        base_branch: str | None = None,
        auto_promote: str | None = None,
        by: str = "",
    ) -> Project: ...
    async def policy(self, project: str) -> Policy: ...
    async def set_policy(self, project: str, policy: Policy, *, by: str) -> Policy: ...
    async def preview_policy(self, project: str, policy: Policy, *, runs: int = 10) -> tuple[PolicyEffect, ...]:
        """What the policy would change in the newest judged runs, newest first; nothing is written. Raises BadRequest."""
        ...

    async def history(
        self, project: str, *, run: str = "", subjects: tuple[str, ...] = (), limit: int = 50, after: str = ""
    ) -> AuditPage:
        """Who changed what, newest first; of one run, or about these subjects (trace ids, fingerprints, …), when named."""
        ...

    async def create_token(self, project: str, name: str, scopes: tuple[str, ...], *, by: str = "") -> tuple[Token, str]:
        """The stored token, and the secret (`sg_…`), which is shown this once."""
        ...

    async def tokens(self, project: str) -> tuple[Token, ...]: ...
    async def delete_token(self, project: str, token_id: str, *, by: str = "") -> None: ...
    async def authenticate(self, secret: str) -> Caller:
        """Raises Unauthenticated."""
        ...

    async def has_tokens(self) -> bool: ...

    async def receive(self, project: str, batch: Batch, *, run: str = "") -> Received:
        """Store one decoded export request. Returns only after commit. `run` (header) wins over resource attributes.
        An unknown or foreign run in the header raises NotFound; a run named by resource attributes is created when new."""
        ...

    async def create_run(self, run: Run) -> Run:
        """`run.id` empty: one is made. The same id again with the same commit and environment is the same run."""
        ...

    async def runs(self, project: str, *, branch: str = "", limit: int = 50, after: str = "") -> tuple[tuple[Run, ...], str]: ...
    async def conclusions(self, project: str, run_ids: tuple[str, ...]) -> dict[str, Conclusion]:
        """How those of these runs ended that were judged."""
        ...

    async def run(self, project: str, run_id: str) -> Run: ...
    async def finish_run(self, project: str, run_id: str, *, expect_traces: int = 0) -> Run:
        """Finishing twice is the same as once (the first answer again); two at once judge once."""
        ...

    async def verdict(self, project: str, run_id: str, *, wait: float = 0.0) -> Verdict | None:
        """None while the run is open or not yet complete after `wait` seconds."""
        ...

    async def report(self, project: str, run_id: str) -> Report:
        """Raises Conflict while there is no verdict."""
        ...

    async def approve(
        self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str, reason: str, replace: bool = False
    ) -> tuple[Approval, ...]:
        """Empty `fingerprints` approves all undecided findings of the run. Re-judges.

        Conflict, and nothing written, when somebody has rejected one of them, unless `replace`."""
        ...

    async def reject(
        self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str, reason: str, replace: bool = False
    ) -> tuple[Rejection, ...]:
        """Say that these findings are regressions, whatever their level: the run fails. Likewise."""
        ...

    async def withdraw(self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str) -> tuple[str, ...]:
        """Take back what was decided about these findings; those that were decided are returned. Re-judges."""
        ...

    async def judge_again(self, project: str, run_id: str, *, by: str) -> None:
        """Compare and judge from what is stored now: other baselines, another policy. Conflict when there is no verdict yet."""
        ...

    async def search(self, project: str, query: TraceQuery) -> TracePage: ...
    async def facet(self, project: str, name: str, *, text: str = "", limit: int = 20) -> tuple[FacetValue, ...]:
        """Values of one of `FACETS` that contain `text` (in any case), most frequent first, among the newest traces."""
        ...

    async def summary(self, project: str, trace_id: str) -> TraceSummary: ...
    async def trace(self, project: str, trace_id: str) -> Trace: ...
    async def compare(self, project: str, before: str, after: str) -> Comparison:
        """Any two traces: what the second does otherwise than the first."""
        ...

    async def compare_with_baseline(self, project: str, trace_id: str) -> Report:
        """A trace beside the baselines of its flows, chosen as for its run. Conflict when none of its flows has one."""
        ...

    async def check_trace(self, project: str, trace_id: str, against: str) -> SpecResult:
        """The regression test made of one trace, on another one: which validations hold. NoTraces when none can be made."""
        ...

    async def promote(self, project: str, trace_id: str, *, by: str, reason: str = "") -> Promotion:
        """Make it a golden sample of its flows, and persistent. NotFound and nothing written when it does not exist;
        Conflict when the trace is incomplete (orphans)."""
        ...

    async def promote_run(self, project: str, run_id: str, *, by: str, reason: str = "") -> tuple[Promotion, ...]: ...
    async def demote(self, project: str, trace_id: str, *, by: str) -> Promotion: ...
    async def persist(self, project: str, trace_id: str, *, by: str) -> Promotion: ...
    async def unpersist(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """Conflict while the trace is a golden sample: demote it first."""
        ...

    async def baselines(self, project: str) -> tuple[BaselineSummary, ...]: ...
    async def baseline(self, project: str, baseline_id: str) -> BaselineSummary: ...
    async def baseline_traces(self, project: str, baseline_id: str) -> tuple[Trace, ...]: ...

    async def learned(self, project: str, baseline_id: str) -> Learned:
        """What the baseline's samples agree on, and what they do not."""
        ...

    async def flows(self, project: str) -> FlowOverview:
        """Every flow with a baseline, and every one that the newest judged runs have."""
        ...

    async def specs(self, project: str) -> tuple[SavedSpec, ...]:
        """By name."""
        ...

    async def spec(self, project: str, spec_id: str) -> SavedSpec: ...
    async def create_spec(self, project: str, text: str, *, by: str) -> SavedSpec:
        """Keep a spec. Raises BadRequest naming line, field and reason."""
        ...

    async def generate_spec(self, project: str, *, baseline_id: str = "", trace_id: str = "", by: str) -> SavedSpec:
        """Generate one from a baseline's golden samples, or from one trace, and keep it."""
        ...

    async def change_spec(
        self, project: str, spec_id: str, *, version: int, text: str, environments: dict[str, dict[str, Value]], by: str
    ) -> SavedSpec:
        """Replace it. BadRequest as for `create_spec`; Conflict when another person saved it after `version`."""
        ...

    async def delete_spec(self, project: str, spec_id: str, *, by: str) -> None: ...
    async def check_spec(self, project: str, spec_id: str, *, environment: str = "", trace_id: str = "", by: str) -> SpecOutcome:
        """Check a stored trace with it, and keep the result. Without `trace_id` the newest trace of the environment that has the
        spec's request; NotFound when there is none."""
        ...

    async def prune(self, project: str, *, now_ns: int, dry_run: bool = False) -> PruneResult: ...
    async def examine(self, *, repair: bool = False) -> Examination:
        """Whether the record store and the span store agree, in all projects; with `repair` the span store is made to follow."""
        ...

    async def stats(self) -> Stats: ...
    async def check(self) -> dict[str, str]:
        """Component → `ok` or what is wrong; for `/health`."""
        ...

    async def stop_waiting(self) -> None:
        """From now on `verdict` answers at once: the server ends, and those who wait ask the next one."""
        ...

    async def close(self) -> None: ...
