"""Prune: delete what is older than the project's retention, never what is persistent."""

from gate.service import PruneResult
from gate.store.protocols import Stores
from gate.usecases.outbox import Follower

_DAY_NS = 24 * 60 * 60 * 1_000_000_000
_AT_ONCE = 500


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
        await follower.drain(project)
        traces, spans = traces + step.traces, spans + step.spans
        if step.traces < _AT_ONCE:
            break
    runs = await stores.traces.prune_runs(project, before_ns=before_ns, dry_run=False)
    await stores.tidy()
    return PruneResult(traces, spans, runs, kept, False)
