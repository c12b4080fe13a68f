"""`StoreGate`: the `Gate` protocol on stores. Each method is a few lines; the groups of use cases are in files of their own."""

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from gate.codec.batch import Batch
from gate.compare import check_policy
from gate.compare.learned import Learned
from gate.errors import BadRequest
from gate.model.policy import Policy
from gate.model.run import Report, Run
from gate.model.trace import Trace
from gate.model.verdict import Approval, Comparison, Conclusion, Rejection, Verdict
from gate.service import (
    AuditPage,
    BaselineSummary,
    Caller,
    Examination,
    FacetValue,
    FlowOverview,
    PolicyEffect,
    Project,
    Promotion,
    PruneResult,
    Received,
    SavedSpec,
    SpecOutcome,
    Stats,
    Token,
    TracePage,
    TraceQuery,
    TraceSummary,
)
from gate.spec import SpecResult
from gate.spec.spec import Value
from gate.store.protocols import Stores
from gate.usecases import projects
from gate.usecases.baselines import one_baseline, summaries
from gate.usecases.checking import check_traces
from gate.usecases.completion import Patience
from gate.usecases.decisions import Decisions, no_verdict
from gate.usecases.doctor import examine
from gate.usecases.facets import facet
from gate.usecases.flows import load_traces
from gate.usecases.judging import Judge
from gate.usecases.outbox import Follower
from gate.usecases.overview import learned_of, overview
from gate.usecases.policy_preview import preview
from gate.usecases.promotion import Promotions
from gate.usecases.retention import Retention, prune
from gate.usecases.run_ids import check_run_id, without_unusable_runs
from gate.usecases.search import search
from gate.usecases.side_by_side import SideBySide
from gate.usecases.specs import Specs
from gate.usecases.tokens import Tokens
from gate.usecases.verdicts import Verdicts

_DAY_NS = 24 * 60 * 60 * 1_000_000_000


class Options(msgspec.Struct, frozen=True):
    """What the use cases need to know of the settings."""

    patience: Patience
    retention_days: int
    """Of a new project."""
    admin_token: str = ""
    server_url: str = ""
    """How people reach the server; empty when the settings do not say."""
    version: str = ""


class StoreGate:
    """See `gate.service.Gate`. `clock` gives nanoseconds since the epoch. Call `start` once, `close` at the end."""

    def __init__(self, stores: Stores, options: Options, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._options = options
        self._clock = clock
        self._follower = Follower(stores)
        self.retention = Retention(stores, self._follower, clock=clock)
        self._promotions = Promotions(stores, self._follower, clock=clock)
        self._verdicts = Verdicts(stores, clock=clock, patience=options.patience, judged=self._promotions.promote_itself)
        self._decisions = Decisions(stores, self._verdicts, clock=clock)
        self._specs = Specs(stores, clock=clock)
        self._side_by_side = SideBySide(stores, Judge(stores), version=options.version)
        self._tokens = Tokens(stores, admin_token=options.admin_token, default_project=projects.DEFAULT)

    async def start(self, *, serve: bool = True) -> None:
        """Make the default project, and (not for one command alone) go on with what the last server left: outbox entries, runs without
        a verdict, retention."""
        await projects.ensure_default(self._stores, self._options.retention_days, now_ns=self._clock())
        if not serve:
            return
        self._follower.start()
        self.retention.start()
        await self._verdicts.resume()

    async def create_project(self, name: str, *, retention_days: int | None = None, base_branch: str = "main") -> Project:
        """See `Gate.create_project`."""
        days = self._options.retention_days if retention_days is None else retention_days
        return await projects.create(self._stores, Project(name, days, base_branch), now_ns=self._clock())

    async def projects(self) -> tuple[Project, ...]:
        """By name."""
        return await self._stores.projects.all()

    async def project(self, name: str) -> Project:
        """Raises NotFound."""
        return await self._stores.projects.one(name)

    async def update_project(
        self,
        name: str,
        *,
        retention_days: int | None = None,
        base_branch: str | None = None,
        auto_promote: str | None = None,
        by: str = "",
    ) -> Project:
        """Change what is not None. Raises NotFound, BadRequest."""
        changes = {"retention_days": retention_days, "base_branch": base_branch, "auto_promote": auto_promote}
        wanted = {key: value for key, value in changes.items() if value is not None}
        return await projects.update(self._stores, name, wanted, by=by, now_ns=self._clock())

    async def policy(self, project: str) -> Policy:
        """The empty policy when none was set."""
        return await self._stores.projects.policy(project)

    async def set_policy(self, project: str, policy: Policy, *, by: str) -> Policy:
        """Verdicts of the last day are made again when they are next asked for. Raises BadRequest."""
        check_policy(policy)
        now_ns = self._clock()
        await self._stores.projects.set_policy(project, policy, by=by, now_ns=now_ns, stale_since_ns=now_ns - _DAY_NS)
        return policy

    async def preview_policy(self, project: str, policy: Policy, *, runs: int = 10) -> tuple[PolicyEffect, ...]:
        """See `Gate.preview_policy`."""
        return await preview(self._stores, self._verdicts.judge, project, policy, runs)

    async def history(
        self, project: str, *, run: str = "", subjects: tuple[str, ...] = (), limit: int = 50, after: str = ""
    ) -> AuditPage:
        """See `Gate.history`."""
        return AuditPage(*await self._stores.history.page(project, run=run, subjects=subjects, limit=limit, after=after))

    async def create_token(self, project: str, name: str, scopes: tuple[str, ...], *, by: str = "") -> tuple[Token, str]:
        """See `Gate.create_token`."""
        return await self._tokens.create(project, name, scopes, now_ns=self._clock(), by=by)

    async def tokens(self, project: str) -> tuple[Token, ...]:
        """Oldest first."""
        return await self._stores.tokens.all(project)

    async def delete_token(self, project: str, token_id: str, *, by: str = "") -> None:
        """Raises NotFound."""
        await self._tokens.delete(project, token_id, now_ns=self._clock(), by=by)

    async def authenticate(self, secret: str) -> Caller:
        """Raises Unauthenticated."""
        return await self._tokens.authenticate(secret)

    async def has_tokens(self) -> bool:
        """Whether anybody needs a token at all."""
        return await self._tokens.any()

    async def receive(self, project: str, batch: Batch, *, run: str = "") -> Received:
        """See `Gate.receive`."""
        batch = batch if run else without_unusable_runs(batch)
        runs = await self._stores.intake.accept(project, batch, run=run, now_ns=self._clock())
        self._verdicts.arrived(project, runs)
        return Received(batch.spans, batch.rejected, batch.message)

    async def create_run(self, run: Run) -> Run:
        """See `Gate.create_run`."""
        run = run if run.id else msgspec.structs.replace(run, id=secrets.token_hex(8))
        check_run_id(run.id)
        return await self._stores.runs.create(run, now_ns=self._clock())

    async def runs(self, project: str, *, branch: str = "", limit: int = 50, after: str = "") -> tuple[tuple[Run, ...], str]:
        """Newest first, with the cursor of the next page."""
        return await self._stores.runs.page(project, branch=branch, limit=limit, after=after)

    async def conclusions(self, project: str, run_ids: tuple[str, ...]) -> dict[str, Conclusion]:
        """See `Gate.conclusions`."""
        return await self._stores.runs.conclusions(project, run_ids)

    async def run(self, project: str, run_id: str) -> Run:
        """Raises NotFound."""
        return await self._stores.runs.one(project, run_id)

    async def finish_run(self, project: str, run_id: str, *, expect_traces: int = 0) -> Run:
        """See `Gate.finish_run`."""
        if not 0 <= expect_traces < 2**31:
            raise BadRequest(f"expect_traces is {expect_traces}; it must be 0 (not known) or a number of traces.")
        run, first = await self._stores.runs.finish(project, run_id, expect_traces=expect_traces, now_ns=self._clock())
        if first:
            self._verdicts.watch(project, run_id)
        return run

    async def verdict(self, project: str, run_id: str, *, wait: float = 0.0) -> Verdict | None:
        """See `Gate.verdict`."""
        return await self._verdicts.verdict(project, run_id, wait=wait)

    async def report(self, project: str, run_id: str) -> Report:
        """Raises Conflict while there is no verdict."""
        run = await self._stores.runs.one(project, run_id)
        judged = await self._verdicts.comparisons(project, run_id)
        if judged is None:
            raise no_verdict(run_id)
        verdict, comparisons = judged
        return Report(
            run,
            verdict,
            comparisons,
            server_url=self._options.server_url,
            version=self._options.version,
            first=verdict.conclusion is Conclusion.NEW and await self._stores.runs.is_first(project, run_id),
        )

    async def approve(
        self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str, reason: str, replace: bool = False
    ) -> tuple[Approval, ...]:
        """See `Gate.approve`."""
        done = await self._decisions.decide(project, run_id, "approve", fingerprints, by=by, reason=reason, replace=replace)
        given = await self._stores.decisions.approvals(project)
        return tuple(given[each] for each in done if each in given)

    async def reject(
        self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str, reason: str, replace: bool = False
    ) -> tuple[Rejection, ...]:
        """See `Gate.reject`."""
        done = await self._decisions.decide(project, run_id, "reject", fingerprints, by=by, reason=reason, replace=replace)
        given = await self._stores.decisions.rejections(project)
        return tuple(given[each] for each in done if each in given)

    async def withdraw(self, project: str, run_id: str, fingerprints: tuple[str, ...], *, by: str) -> tuple[str, ...]:
        """See `Gate.withdraw`."""
        return await self._decisions.decide(project, run_id, "withdraw", fingerprints, by=by)

    async def judge_again(self, project: str, run_id: str, *, by: str) -> None:
        """See `Gate.judge_again`."""
        await self._verdicts.judge_again(project, run_id, by=by)

    async def search(self, project: str, query: TraceQuery) -> TracePage:
        """See `gate.usecases.search`."""
        return await search(self._stores, project, query)

    async def facet(self, project: str, name: str, *, text: str = "", limit: int = 20) -> tuple[FacetValue, ...]:
        """See `gate.usecases.facets`."""
        return await facet(self._stores, project, name, text=text, limit=limit)

    async def summary(self, project: str, trace_id: str) -> TraceSummary:
        """Raises NotFound."""
        return await self._stores.traces.one(project, trace_id)

    async def trace(self, project: str, trace_id: str) -> Trace:
        """Raises NotFound; Conflict when the span store has lost its spans."""
        await self._stores.traces.one(project, trace_id)
        return (await load_traces(self._stores, project, [trace_id]))[0]

    async def compare(self, project: str, before: str, after: str) -> Comparison:
        """See `Gate.compare`."""
        return await self._side_by_side.two(project, before, after)

    async def compare_with_baseline(self, project: str, trace_id: str) -> Report:
        """See `Judge.beside_baseline`."""
        return await self._side_by_side.with_baseline(project, trace_id)

    async def check_trace(self, project: str, trace_id: str, against: str) -> SpecResult:
        """See `Gate.check_trace`."""
        golden, other = await self.trace(project, trace_id), await self.trace(project, against)
        return await asyncio.to_thread(check_traces, golden, other)

    async def promote(self, project: str, trace_id: str, *, by: str, reason: str = "") -> Promotion:
        """See `Gate.promote`."""
        return await self._promotions.promote(project, trace_id, by=by, reason=reason)

    async def promote_run(self, project: str, run_id: str, *, by: str, reason: str = "") -> tuple[Promotion, ...]:
        """See `Promotions.promote_run`."""
        return await self._promotions.promote_run(project, run_id, by=by, reason=reason)

    async def demote(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """See `Promotions.demote`."""
        return await self._promotions.demote(project, trace_id, by=by)

    async def persist(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """Exempt from retention."""
        return await self._promotions.persist(project, trace_id, by=by, persistent=True)

    async def unpersist(self, project: str, trace_id: str, *, by: str) -> Promotion:
        """Conflict while the trace is a golden sample: demote it first."""
        return await self._promotions.persist(project, trace_id, by=by, persistent=False)

    async def baselines(self, project: str) -> tuple[BaselineSummary, ...]:
        """By flow and environment."""
        return summaries(await self._stores.baselines.samples(project))

    async def baseline(self, project: str, baseline_id: str) -> BaselineSummary:
        """Raises NotFound."""
        return one_baseline(await self._stores.baselines.samples(project), baseline_id)

    async def baseline_traces(self, project: str, baseline_id: str) -> tuple[Trace, ...]:
        """The golden traces, newest first."""
        baseline = await self.baseline(project, baseline_id)
        return await load_traces(self._stores, project, [sample.trace_id for sample in baseline.samples])

    async def learned(self, project: str, baseline_id: str) -> Learned:
        """See `Gate.learned`."""
        return await learned_of(self._stores, project, baseline_id)

    async def flows(self, project: str) -> FlowOverview:
        """See `Gate.flows`."""
        return await overview(self._stores, project)

    async def specs(self, project: str) -> tuple[SavedSpec, ...]:
        """By name."""
        return await self._stores.specs.all(project)

    async def spec(self, project: str, spec_id: str) -> SavedSpec:
        """Raises NotFound."""
        return await self._stores.specs.one(project, spec_id)

    async def create_spec(self, project: str, text: str, *, by: str) -> SavedSpec:
        """See `Gate.create_spec`."""
        return await self._specs.create(project, text, by=by)

    async def generate_spec(self, project: str, *, baseline_id: str = "", trace_id: str = "", by: str) -> SavedSpec:
        """See `Gate.generate_spec`."""
        if bool(baseline_id) == bool(trace_id):
            raise BadRequest("Name a baseline or a trace to generate a spec from, one of them.")
        samples = await self.baseline_traces(project, baseline_id) if baseline_id else (await self.trace(project, trace_id),)
        return await self._specs.generate(project, samples, by=by)

    async def change_spec(
        self, project: str, spec_id: str, *, version: int, text: str, environments: dict[str, dict[str, Value]], by: str
    ) -> SavedSpec:
        """See `Gate.change_spec`."""
        return await self._specs.change(project, spec_id, version=version, text=text, environments=environments, by=by)

    async def delete_spec(self, project: str, spec_id: str, *, by: str) -> None:
        """Raises NotFound."""
        await self._stores.specs.delete(project, spec_id, by=by, now_ns=self._clock())

    async def check_spec(self, project: str, spec_id: str, *, environment: str = "", trace_id: str = "", by: str) -> SpecOutcome:
        """See `Gate.check_spec`."""
        return await self._specs.check(project, spec_id, environment=environment, trace_id=trace_id, by=by)

    async def prune(self, project: str, *, now_ns: int, dry_run: bool = False) -> PruneResult:
        """See `gate.usecases.retention`."""
        return await prune(self._stores, self._follower, project, now_ns=now_ns, dry_run=dry_run)

    async def examine(self, *, repair: bool = False) -> Examination:
        """See `gate.usecases.doctor`."""
        return await examine(self._stores, self._follower, repair=repair, now_ns=self._clock())

    async def stats(self) -> Stats:
        """Counts over everything that is stored."""
        return await self._stores.stats()

    async def check(self) -> dict[str, str]:
        """Component → `ok` or what is wrong."""
        return await self._stores.check()

    async def stop_waiting(self) -> None:
        """See `Gate.stop_waiting`."""
        await self._verdicts.stop_waiting()

    async def close(self) -> None:
        """Stop background work, commit what waits, release the stores."""
        await self._verdicts.close()
        await self.retention.close()
        await self._follower.close()
        await self._stores.close()
