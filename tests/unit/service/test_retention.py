"""Prune over both stores."""

import asyncio

import pytest

from gate.errors import NotFound
from gate.model.run import Run
from gate.model.verdict import Conclusion
from gate.service import TraceQuery
from gate.usecases.gate import StoreGate
from tests.contract.backends import BACKENDS
from tests.contract.made import DAY, trace_id
from tests.unit.service.conftest import Clock
from tests.unit.service.story import golden, persist_trace, record

pytestmark = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name, indirect=True)


async def test_prune_spares_what_is_persistent(gate: StoreGate, clock: Clock):
    """Old traces go from both stores with their runs; golden and persistent ones stay, and still serve as baseline."""
    await golden(gate, 1)
    await record(gate, Run("old", "default"), persist_trace(2), persist_trace(3))
    await gate.persist("default", trace_id(3), by="eve")
    await record(gate, Run("gone", "default"), persist_trace(4))
    clock.move(31 * DAY)
    await record(gate, Run("young", "default"), persist_trace(5))

    planned = await gate.prune("default", now_ns=clock(), dry_run=True)
    assert (planned.traces, planned.spans, planned.runs, planned.persistent_kept, planned.dry_run) == (2, 8, 1, 2, True)
    assert len((await gate.search("default", TraceQuery())).traces) == 5
    done = await gate.prune("default", now_ns=clock())
    assert (done.traces, done.spans, done.runs, done.persistent_kept, done.dry_run) == (2, 8, 1, 2, False)

    left = {row.trace_id for row in (await gate.search("default", TraceQuery())).traces}
    assert left == {trace_id(number) for number in (1, 3, 5)}
    stored = await gate._stores.spans.read("default", [trace_id(number) for number in range(1, 6)])
    assert set(stored) == left
    assert {run.id for run in (await gate.runs("default"))[0]} == {"golden-1", "old", "young"}
    for number in (2, 4):
        with pytest.raises(NotFound):
            await gate.trace("default", trace_id(number))
    assert (await record(gate, Run("next", "default"), persist_trace(6))).conclusion == Conclusion.PASS
    assert (await gate.prune("default", now_ns=clock())).traces == 0


async def test_a_verdict_outlives_what_it_was_made_of(gate: StoreGate, clock: Clock):
    """A run of which retention left one trace keeps the verdict that it got with all of them, whoever looks at it."""
    await golden(gate, 1)
    verdict = await record(gate, Run("old", "default"), persist_trace(2), persist_trace(3, good=False))
    await gate.persist("default", trace_id(2), by="eve")
    clock.move(31 * DAY)
    await gate.prune("default", now_ns=clock())

    assert verdict is not None
    assert verdict.conclusion == Conclusion.FAIL
    assert await gate.verdict("default", "old", wait=1) == verdict
    assert not gate._verdicts._watches
    assert (await gate.report("default", "old")).verdict == verdict


async def test_a_run_that_is_pruned_while_it_is_waited_for(gate: StoreGate, clock: Clock):
    """Its watch ends, with a line in the log and no error that nobody sees."""
    await record(gate, Run("slow", "default"), persist_trace(1), finish=False)
    await gate.finish_run("default", "slow", expect_traces=5)
    watch = gate._verdicts._watches["default", "slow"]
    await gate._stores.traces.prune("default", before_ns=clock() + 31 * DAY, limit=10)
    await gate._stores.traces.prune_runs("default", before_ns=clock() + 31 * DAY, dry_run=False)
    await watch

    with pytest.raises(NotFound):
        await gate.run("default", "slow")


async def test_zero_days_keep_everything(gate: StoreGate, clock: Clock):
    """Retention 0 is for ever; a project of its own has its own days."""
    await gate.update_project("default", retention_days=0)
    await record(gate, Run("r1", "default"), persist_trace(1))
    clock.move(1000 * DAY)

    assert (await gate.prune("default", now_ns=clock())).traces == 0
    await gate.update_project("default", retention_days=999)
    assert (await gate.prune("default", now_ns=clock())).traces == 1


async def test_promote_and_prune_at_once(gate: StoreGate, clock: Clock):
    """Whoever is first: the trace is golden with its spans in both stores, or gone from both and the promotion is NotFound."""
    for number in range(1, 13):
        await record(gate, Run(f"r{number}", "default"), persist_trace(number, case=f"case {number}"))
    clock.move(31 * DAY)
    promotions = [gate.promote("default", trace_id(number), by="eve") for number in range(1, 13)]
    _, *outcomes = await asyncio.gather(gate.prune("default", now_ns=clock()), *promotions, return_exceptions=True)

    stored = await gate._stores.spans.read("default", [trace_id(number) for number in range(1, 13)])
    samples = {sample.trace_id for baseline in await gate.baselines("default") for sample in baseline.samples}
    promoted = {trace_id(number) for number, outcome in enumerate(outcomes, 1) if not isinstance(outcome, BaseException)}
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} <= {NotFound}
    assert samples == promoted == set(stored)
    assert {row.trace_id for row in (await gate.search("default", TraceQuery())).traces} == promoted
    assert await gate._stores.outbox.pending(limit=1) == ()


async def test_a_prune_of_many_is_in_steps(gate: StoreGate, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """More than one step prunes all, with ingest in between."""
    from gate.usecases import retention

    monkeypatch.setattr(retention, "_AT_ONCE", 3)
    await record(gate, Run("old", "default"), *[persist_trace(number) for number in range(1, 12)])
    clock.move(31 * DAY)

    assert (await gate.prune("default", now_ns=clock())).traces == 11
    assert (await gate.stats()).traces == 0


async def test_servers_prune_whole_days(gate: StoreGate, clock: Clock):
    """By itself a server prunes nothing of a day (UTC) that is not over, so that Elasticsearch's index of it goes whole; a
    person's prune does not wait."""
    hour = DAY // 24
    clock.move(DAY - clock() % DAY + 9 * hour)
    await record(gate, Run("nine", "default"), persist_trace(1))
    clock.move(3 * hour)
    await record(gate, Run("noon", "default"), persist_trace(2))
    clock.move(30 * DAY - hour)

    assert await gate.retention.turn()
    assert (await gate.stats()).traces == 2
    assert (await gate.prune("default", now_ns=clock())).traces == 1
    clock.move(13 * hour)
    assert await gate.retention.turn()
    assert (await gate.stats()).traces == 0
