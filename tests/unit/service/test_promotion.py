"""Golden traces: by people, and by the base branch."""

import asyncio

import pytest

from gate.codec.encode import to_batch
from gate.errors import Conflict, NotFound, Unavailable
from gate.model.run import Run
from gate.model.verdict import Conclusion
from gate.usecases.gate import StoreGate
from tests.contract.backends import BACKENDS
from tests.contract.made import lose, owe, span, trace_id
from tests.unit.service.conftest import Open
from tests.unit.service.story import BAD, golden, persist_trace, record

pytestmark = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name, indirect=True)


async def test_promoting_changes_both_stores(gate: StoreGate):
    """The record says baseline and persistent, the span store keeps the spans, the baseline lists the sample."""
    await record(gate, Run("r1", "default", commit="abc"), persist_trace(1))
    promotion = await gate.promote("default", trace_id(1), by="eve", reason="reviewed")

    assert promotion.state == "done"
    assert promotion.flows == ("persist a trace · api: POST /traces/{id}/persist",)
    summary = await gate.summary("default", trace_id(1))
    assert (summary.persistent, summary.baseline) == (True, True)
    assert await gate._stores.spans.marked("default") == {trace_id(1)}
    (baseline,) = await gate.baselines("default")
    assert (baseline.test_case, baseline.service, baseline.environment) == ("persist a trace", "api", "ci")
    (sample,) = baseline.samples
    assert (sample.trace_id, sample.run, sample.commit, sample.promoted_by, sample.reason) == (
        trace_id(1), "r1", "abc", "eve", "reviewed",
    )  # fmt: skip
    assert await gate.baseline("default", baseline.id) == baseline
    assert [trace.trace_id for trace in await gate.baseline_traces("default", baseline.id)] == [trace_id(1)]


async def test_promoting_what_does_not_exist(gate: StoreGate):
    """NotFound, and nothing is written."""
    with pytest.raises(NotFound):
        await gate.promote("default", trace_id(99), by="eve")

    assert await gate.baselines("default") == ()
    assert await gate._stores.spans.marked("default") == frozenset()
    assert await gate._stores.outbox.pending(limit=10) == ()
    with pytest.raises(NotFound):
        await gate.baseline("default", "0123")


async def test_promoting_an_incomplete_trace_is_a_conflict(gate: StoreGate):
    """Orphans: a golden trace must be whole."""
    await record(gate, Run("r1", "default"), persist_trace(1, broken=True))
    with pytest.raises(Conflict, match="incomplete"):
        await gate.promote("default", trace_id(1), by="eve")

    assert not (await gate.summary("default", trace_id(1))).persistent


async def test_a_span_store_that_is_away_is_followed_later(gate: StoreGate, reopen: Open, monkeypatch: pytest.MonkeyPatch):
    """It has older work to do: the answer says `pending`, the record is promoted, and the next server's start finishes it."""
    await record(gate, Run("r1", "default"), persist_trace(1))

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("the span store is away")

    monkeypatch.setattr(gate._stores.spans, "mark", away)
    await owe(gate._stores, 1, project="default")
    promotion = await gate.promote("default", trace_id(1), by="eve")
    assert promotion.state == "pending"
    assert (await gate.summary("default", trace_id(1))).baseline
    await gate.close()

    again = await reopen()
    while await again._stores.outbox.pending(limit=1):  # noqa: ASYNC110  # the follower gives no other sign
        await asyncio.sleep(0.01)
    assert await again._stores.spans.marked("default") == {trace_id(1)}


async def test_twenty_promotions_at_once_are_one(gate: StoreGate):
    """No sample twice, nothing pending."""
    await record(gate, Run("r1", "default"), persist_trace(1))
    promotions = await asyncio.gather(*[gate.promote("default", trace_id(1), by="eve") for _ in range(20)])

    assert {promotion.state for promotion in promotions} == {"done"}
    assert [len(baseline.samples) for baseline in await gate.baselines("default")] == [1]
    assert await gate._stores.outbox.pending(limit=1) == ()


async def test_promoting_a_run(gate: StoreGate):
    """Every whole trace becomes golden; the incomplete one is answered as skipped, with the reason."""
    await record(gate, Run("r1", "default"), persist_trace(1), persist_trace(2, case="other"), persist_trace(3, broken=True))
    promotions = await gate.promote_run("default", "r1", by="eve")

    assert [(one.trace_id, one.state) for one in promotions] == [
        (trace_id(1), "done"), (trace_id(2), "done"), (trace_id(3), "skipped"),
    ]  # fmt: skip
    assert "incomplete" in promotions[2].reason
    assert len(await gate.baselines("default")) == 2


async def test_what_is_lost_keeps_no_other_trace_of_a_run_back(gate: StoreGate):
    """A trace whose spans the span store has lost is answered as skipped, with the reason; the others become golden."""
    await gate.create_run(Run("r1", "default"))
    for number in (1, 2):
        await gate.receive("default", to_batch(persist_trace(number, case=f"case {number}")), run="r1")
    await lose(gate._stores, 1, "default")
    promotions = await gate.promote_run("default", "r1", by="eve")

    assert [(one.trace_id, one.state) for one in promotions] == [(trace_id(1), "skipped"), (trace_id(2), "done")]
    assert "missing in the span store" in promotions[0].reason
    assert not (await gate.summary("default", trace_id(1))).persistent
    assert len(await gate.baselines("default")) == 1


async def test_a_promoted_run_is_not_compared_with_itself(gate: StoreGate):
    """Judging it again after its promotion still finds no baseline: else late data could only pass."""
    await record(gate, Run("r1", "default"), persist_trace(1))
    await gate.promote_run("default", "r1", by="eve")
    await gate.receive("default", to_batch(persist_trace(2)), run="r1")
    verdict = await gate.verdict("default", "r1", wait=30)

    assert verdict is not None
    assert verdict.conclusion == Conclusion.NEW


async def test_demoting(gate: StoreGate):
    """No baseline any more, not persistent any more, in both stores."""
    await golden(gate, 1)
    promotion = await gate.demote("default", trace_id(1), by="eve")

    assert promotion.state == "done" and len(promotion.flows) == 1
    assert await gate.baselines("default") == ()
    assert await gate._stores.spans.marked("default") == frozenset()
    assert (await record(gate, Run("r1", "default"), persist_trace(2))).conclusion == Conclusion.NEW


async def test_persist_and_unpersist(gate: StoreGate):
    """Both stores follow; a golden trace must be demoted first."""
    await record(gate, Run("r1", "default"), persist_trace(1))
    assert (await gate.persist("default", trace_id(1), by="eve")).state == "done"
    assert await gate._stores.spans.marked("default") == {trace_id(1)}
    assert (await gate.unpersist("default", trace_id(1), by="eve")).state == "done"
    assert await gate._stores.spans.marked("default") == frozenset()
    await gate.promote("default", trace_id(1), by="eve")
    with pytest.raises(Conflict, match="Demote it first"):
        await gate.unpersist("default", trace_id(1), by="eve")


async def test_the_base_branch_promotes_itself(gate: StoreGate):
    """What is new or passes on main becomes the baseline of pull requests; a failing flow does not, a pull request never does."""
    first = await record(gate, Run("main-1", "default", branch="main", commit="c1"), persist_trace(1))
    pull = Run("pr-1", "default", branch="topic", base_branch="main", base_commit="c1", pull_request=1)
    equal = await record(gate, pull, persist_trace(2))
    broken = await record(gate, Run("main-2", "default", branch="main", commit="c2"), persist_trace(3, good=BAD))
    after = await record(gate, Run("pr-2", "default", branch="topic", base_commit="c2", pull_request=2), persist_trace(4))

    conclusions = [verdict.conclusion for verdict in (first, equal, broken, after)]
    assert conclusions == [Conclusion.NEW, Conclusion.PASS, Conclusion.FAIL, Conclusion.PASS]
    assert equal.flows[0].baseline == "merge-base"
    assert after.flows[0].baseline == "branch-latest"
    (baseline,) = await gate.baselines("default")
    assert [(sample.trace_id, sample.promoted_by) for sample in baseline.samples] == [(trace_id(1), "run main-1 on main")]


@pytest.mark.parametrize(("mode", "expected"), [("hold", []), ("if-approved", [1]), ("accept", [1, 3])])
async def test_how_the_base_branch_promotes_is_the_projects(gate: StoreGate, mode: str, expected: list[int]):
    """`hold`: never; `if-approved`: what passes or is new; `accept`: everything that is whole."""
    await gate.update_project("default", auto_promote=mode)
    await record(gate, Run("main-1", "default", branch="main"), persist_trace(1))
    await record(gate, Run("main-2", "default", branch="main"), persist_trace(3, good=BAD), persist_trace(4, broken=True))

    golden = {sample.trace_id for baseline in await gate.baselines("default") for sample in baseline.samples}
    # On `hold` nothing is golden, so the second run is new as well.
    assert golden == {trace_id(number) for number in expected}


async def test_comparing_any_two_traces(gate: StoreGate):
    """The first is golden, whatever runs they are of; flows of different names are compared too."""
    await record(gate, Run("r1", "default"), persist_trace(1), persist_trace(2, good=BAD), [span(3)])
    comparison = await gate.compare("default", trace_id(1), trace_id(2))

    assert comparison.flow is not None and comparison.sample is not None
    assert (comparison.sample.trace_id, comparison.flow.trace_id) == (trace_id(1), trace_id(2))
    assert len(comparison.findings) == 1
    assert (await gate.compare("default", trace_id(1), trace_id(1))).findings == ()
    assert (await gate.compare("default", trace_id(1), trace_id(3))).findings != ()
    with pytest.raises(NotFound):
        await gate.compare("default", trace_id(1), trace_id(9))
