"""Retention: what is old goes, in both stores; what is persistent stays."""

import pytest

from gate.model.run import Run
from gate.service import TraceQuery
from gate.store.protocols import Stores
from gate.store.sql.spans import SqlSpans
from gate.store.values import Pruned
from tests.contract.backends import Open
from tests.contract.made import DAY, NOW, give, span, span_names, trace_id
from tests.contract.test_golden import sample


async def test_a_step_deletes_what_is_old(stores: Stores):
    """At most `limit` traces, with an outbox entry each unless their spans lie beside the records and go with them; persistent and
    young ones stay."""
    await give(stores, *[span(number) for number in range(1, 6)], now_ns=NOW - 10 * DAY)
    await give(stores, span(6), now_ns=NOW)
    await stores.traces.set_persistent("shop", trace_id(3), persistent=True, by="eve", now_ns=NOW)
    assert await stores.traces.prunable("shop", before_ns=NOW - DAY) == (Pruned(4, 4), 1)

    steps = [await stores.traces.prune("shop", before_ns=NOW - DAY, limit=3) for _ in range(3)]
    assert steps == [Pruned(3, 3), Pruned(1, 1), Pruned(0, 0)]
    left = await stores.traces.page("shop", TraceQuery())
    assert {int(trace, 16) for trace in left.trace_ids} == {3, 6}
    deletions = [work for work in await stores.outbox.pending(limit=100) if work.action == "delete"]
    assert {int(work.trace_id, 16) for work in deletions} == (set() if isinstance(stores.spans, SqlSpans) else {1, 2, 4, 5})
    if isinstance(stores.spans, SqlSpans):
        assert await stores.spans.delete("shop", list(map(trace_id, range(1, 6))), before_ns=NOW) == 0


async def test_late_spans_make_a_trace_young(stores: Stores):
    """Age is that of the last arrival, by the server's clock; a sender's clock does not count."""
    await give(stores, span(1, start=1), now_ns=NOW - 10 * DAY)
    await give(stores, span(1, 2, 1), now_ns=NOW)
    await give(stores, span(2, start=1), now_ns=NOW)

    assert await stores.traces.prune("shop", before_ns=NOW - DAY, limit=10) == Pruned(0, 0)


async def test_deleting_spans_spares_persistent_and_newer_ones(stores: Stores):
    """The span store refuses to delete a persistent trace, and chunks that came after the decision."""
    await give(stores, span(1), span(2), span(3), now_ns=NOW)
    await give(stores, span(3, 2, 1, name="late"), now_ns=NOW + 10)
    await stores.spans.mark("shop", trace_id(1), persistent=True)

    assert await stores.spans.delete("shop", [trace_id(number) for number in (1, 2, 3, 99)], before_ns=NOW + 5) == 2
    assert [await span_names(stores, number) for number in (1, 2, 3)] == [["GET /orders"], [], ["late"]]
    assert await stores.spans.delete("shop", [trace_id(2)], before_ns=NOW + 5) == 0


async def test_what_comes_again_before_the_span_store_follows_stays(stores: Stores):
    """The same spans, delivered after a prune and before their deletion: they are a new trace, which the deletion spares."""
    await give(stores, span(1), now_ns=NOW - 10 * DAY)
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=10)
    await give(stores, span(1), now_ns=NOW)
    await stores.spans.delete("shop", [trace_id(1)], before_ns=NOW - DAY)

    assert (await stores.traces.one("shop", trace_id(1))).spans == 1
    assert await span_names(stores, 1) == ["GET /orders"]


async def test_what_is_lost_is_missing(stores: Stores):
    """A record whose spans are gone is told from one that has them, and from an unknown trace by nothing: both have none."""
    await give(stores, span(1), span(2), now_ns=NOW)
    await stores.spans.delete("shop", [trace_id(2)], before_ns=NOW + 1)

    wanted = [trace_id(number) for number in (1, 2, 3)]
    assert await stores.spans.missing("shop", wanted) == {trace_id(2), trace_id(3)}
    assert set(await stores.spans.read("shop", wanted)) == {trace_id(1)}


async def test_late_spans_of_a_persistent_trace_are_persistent(stores: Stores):
    """The mark is on the trace, not on the chunks that were there."""
    await stores.spans.mark("shop", trace_id(1), persistent=True)
    await give(stores, span(1), now_ns=NOW)
    await give(stores, span(1, 2, 1), now_ns=NOW + 1)

    assert await stores.spans.delete("shop", [trace_id(1)], before_ns=NOW + DAY) == 0


async def test_runs_go_when_nothing_needs_them(stores: Stores):
    """Old runs without traces and samples go; one with a persistent trace, a golden sample or young traces stays."""
    for name in ("empty", "persistent", "young"):
        await stores.runs.create(Run(name, "shop"), now_ns=NOW - 10 * DAY)
    await stores.runs.create(Run("new", "shop"), now_ns=NOW)
    await give(stores, span(1), run="persistent", now_ns=NOW - 10 * DAY)
    await give(stores, span(2), run="young", now_ns=NOW)
    await give(stores, span(3, run="r1"), span(4, run="gone"), now_ns=NOW - 10 * DAY)
    await stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW)
    await stores.baselines.promote("shop", {trace_id(3): [sample(3)]}, by="eve", reason="", now_ns=NOW)

    assert await stores.traces.prune_runs("shop", before_ns=NOW - DAY, dry_run=True) == 2
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=100)
    assert await stores.traces.prune_runs("shop", before_ns=NOW - DAY, dry_run=False) == 2
    left, _ = await stores.runs.page("shop", branch="", limit=10, after="")
    assert {run.id for run in left} == {"persistent", "young", "new", "r1"}


@pytest.mark.parametrize("dictionary", [100_000, 0], ids=["small", "shrunk"])
async def test_tidying_loses_nothing(stores: Stores, monkeypatch: pytest.MonkeyPatch, dictionary: int):
    """After a prune and a tidy what is left is found by service and operation as before, and receiving goes on."""
    from gate.store.sql import stores as sql

    monkeypatch.setattr(sql, "_DICTIONARY", dictionary)
    await give(stores, *[span(number, name=f"op {number}", service=f"service {number % 5}") for number in range(1, 40)], now_ns=1)
    await give(stores, span(50, name="op 1", service="service 1"), now_ns=NOW)
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=100)
    await stores.tidy()
    await give(stores, span(51, name="op 2", service="service 2"), now_ns=NOW)

    found = await stores.traces.page("shop", TraceQuery(service="service 1", operation="op 1"))
    assert [(row.trace_id, row.services) for row in await stores.traces.several("shop", found.trace_ids)] == [
        (trace_id(50), ("service 1",))
    ]
    found = await stores.traces.page("shop", TraceQuery(operation="op 2"))
    assert [(row.trace_id, row.services) for row in await stores.traces.several("shop", found.trace_ids)] == [
        (trace_id(51), ("service 2",))
    ]


async def test_another_process_may_tidy(stores: Stores, reopen: Open, monkeypatch: pytest.MonkeyPatch):
    """Numbers that one process remembers are void when another has deleted them and given them away again."""
    from gate.store.sql import stores as sql

    monkeypatch.setattr(sql, "_DICTIONARY", 0)
    await give(stores, span(1, name="old", service="old service"), now_ns=1)
    other = await reopen()
    await other.traces.prune("shop", before_ns=NOW - DAY, limit=100)
    await other.tidy()
    await give(other, span(2, name="new", service="new service"), now_ns=NOW)
    await give(stores, span(3, name="old", service="old service"), now_ns=NOW)
    await other.close()

    for operation, trace in (("old", 3), ("new", 2)):
        found = await stores.traces.page("shop", TraceQuery(operation=operation, service=f"{operation} service"))
        rows = await stores.traces.several("shop", found.trace_ids)
        assert [(row.trace_id, row.services) for row in rows] == [(trace_id(trace), (f"{operation} service",))]
