"""Prune: delete what is older than the project's retention, never what is persistent."""

import asyncio
from collections.abc import Callable

import structlog

from gate.errors import GateError
from gate.service import PruneResult
from gate.store.protocols import Stores
from gate.usecases.outbox import Follower

_HOUR_NS = 60 * 60 * 1_000_000_000
_DAY_NS = 24 * _HOUR_NS
_AT_ONCE = 500
_LOOK_SECONDS = 60.0

_log = structlog.get_logger(__name__)


async def prune(stores: Stores, follower: Follower, project: str, *, now_ns: int, dry_run: bool) -> PruneResult:
    """Delete traces that last received spans more than `retention_days` ago (0 keeps everything), and old runs without any.

    Age is the time of arrival by the server's clock, so that a sender's wrong clock deletes nothing. In bounded steps: ingest
    goes on in between, and a stop in the middle leaves whole traces only."""
    days = (await stores.projects.one(project)).retention_days
    if days <= 0:
        return PruneResult(0, 0, 0, 0, dry_run)
    before_ns = now_ns - days * _DAY_NS
    if before_ns <= 0:
        return PruneResult(0, 0, 0, 0, dry_run)
    whole, kept = await stores.traces.prunable(project, before_ns=before_ns)
    if dry_run:
        runs = await stores.traces.prune_runs(project, before_ns=before_ns, dry_run=True)
        return PruneResult(whole.traces, whole.spans, runs, kept, True)
    traces = spans = 0
    while True:
        step = await stores.traces.prune(project, before_ns=before_ns, limit=_AT_ONCE)
        traces, spans = traces + step.traces, spans + step.spans
        if step.traces < _AT_ONCE:
            break
    runs = await stores.traces.prune_runs(project, before_ns=before_ns, dry_run=False)
    # All records first: then days of which nothing is left can be dropped whole.
    state = await follower.drain(project)
    await stores.tidy()
    return PruneResult(traces, spans, runs, kept, False, state)


class Retention:
    """Looks once an hour for days to prune, whichever of the servers comes first. `clock` gives nanoseconds since the epoch."""

    def __init__(self, stores: Stores, follower: Follower, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._follower = follower
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, a minute from now."""
        self._task = asyncio.create_task(self._run(), name="retention")

    async def close(self) -> None:
        """Stop; what was begun is finished by the outbox and the next turn."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> bool:
        """Prune when it is time and no other server does; says whether it did."""
        now_ns = self._clock()
        if not await self._stores.take_turn("retention", now_ns=now_ns, every_ns=_HOUR_NS):
            return False
        today_ns = now_ns - now_ns % _DAY_NS  # whole days (UTC): a span store that keeps days can drop them
        for project in await self._stores.projects.all():
            done = await prune(self._stores, self._follower, project.name, now_ns=today_ns, dry_run=False)
            if done.traces or done.runs:
                _log.info("pruned", project=project.name, traces=done.traces, spans=done.spans, runs=done.runs, state=done.state)
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.turn()
            except GateError as error:
                _log.warning("cannot prune", error=str(error))
            except Exception:  # nobody else would go on
                _log.exception("cannot prune")
