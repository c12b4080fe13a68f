"""Golden samples and persistence: the record store with its outbox, and the span store that follows."""

import asyncio

import pytest

from gate.errors import Conflict, NotFound, Unavailable
from gate.model.flow import FlowKey
from gate.store.elasticsearch.spans import ElasticsearchSpans
from gate.store.protocols import Stores
from gate.store.sql.spans import SqlSpans
from gate.store.values import Copied, Keeping, Sample
from gate.usecases.outbox import Follower
from tests.contract.backends import Open
from tests.contract.made import DAY, NOW, give, owe, span, span_names, trace_id


def sample(trace: int, flow: str = "checkout", *, pinned: bool = True, by: str = "eve", at: int = NOW) -> Sample:
    """A golden sample as a use case makes it."""
    key = FlowKey(flow, "web", "GET /orders")
    return Sample(f"id-{flow}", "default", "ci", key, trace_id(trace), "r1", "abc", pinned, at, by, "looks right")


async def test_promoting_writes_everything_at_once(stores: Stores):
    """Sample, persistence and outbox entry are there together; beside the records the mark is as well, and needs no entry."""
    await give(stores, span(1))
    behind = await stores.baselines.promote("shop", {trace_id(1): [sample(1)]}, by="eve", reason="ok", now_ns=NOW)

    assert await stores.baselines.samples("shop") == (sample(1),)
    summary = await stores.traces.one("shop", trace_id(1))
    assert (summary.persistent, summary.baseline) == (True, True)
    entries = [(work.project, work.trace_id, work.action, work.persistent) for work in await stores.outbox.pending(limit=10)]
    assert await stores.spans.marked("shop") == {trace_id(1)}
    if isinstance(stores.spans, SqlSpans):
        assert (entries, behind) == ([], frozenset())
    else:
        assert (entries, behind) == ([("shop", trace_id(1), "mark", True)], {trace_id(1)})


async def test_what_was_just_read_is_kept_before_the_commit(stores: Stores):
    """Then a promotion leaves the span store nothing to follow, wherever the spans lie."""
    await give(stores, span(1), span(2))
    both = [trace_id(1), trace_id(2)]
    await stores.spans.read("shop", both)
    keeping = await stores.spans.keep("shop", both)
    new = {trace_id(number): [sample(number)] for number in (1, 2)}
    behind = await stores.baselines.promote("shop", new, by="eve", reason="", now_ns=NOW, keeping=keeping)

    assert (behind, await stores.outbox.pending(limit=10)) == (frozenset(), ())
    assert await stores.spans.marked("shop") == set(both)
    assert await stores.spans.unkept("shop", both) == frozenset()
    assert [await span_names(stores, number) for number in (1, 2)] == [["GET /orders"]] * 2


async def test_a_commit_waits_for_the_copies(stores: Stores):
    """Until they are written nobody sees the promotion. When they could not be it is committed without them; when it fails itself,
    that is said after their end."""
    await give(stores, span(1), span(2))
    waiting = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(promote_after(stores, 1, waiting))
    await asyncio.sleep(0.05)
    assert (await stores.baselines.samples("shop"), task.done()) == ((), False)
    waiting.set_result(1)
    assert await task == frozenset()

    waiting = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(promote_after(stores, 9, waiting))
    await asyncio.sleep(0.05)
    assert not task.done()
    waiting.set_result(1)
    with pytest.raises(NotFound):
        await task

    waiting = asyncio.get_running_loop().create_future()
    waiting.set_exception(Unavailable("the span store is away"))
    behind = await promote_after(stores, 2, waiting)
    assert [one.trace_id for one in await stores.baselines.samples("shop")] == [trace_id(2), trace_id(1)]
    assert behind == (frozenset() if isinstance(stores.spans, SqlSpans) else {trace_id(2)})


async def promote_after(stores: Stores, trace: int, written: asyncio.Future[int]) -> frozenset[str]:
    """Promote a trace whose chunks are copied as soon as `written` ends."""
    copied = ()
    if isinstance(stores.spans, ElasticsearchSpans):
        chunks = (await stores.spans._manifest.chunks("shop", [trace_id(trace)])).get(trace_id(trace), ())
        copied = (Copied("shop", trace_id(trace), tuple(chunk.digest for chunk in chunks)),)
    keeping = Keeping(copied, written)
    new = {trace_id(trace): [sample(trace)]}
    return await stores.baselines.promote("shop", new, by="eve", reason="", now_ns=NOW, keeping=keeping)


async def test_many_are_promoted_in_one_transaction(stores: Stores):
    """All of them, or none when one does not exist."""
    await give(stores, span(1), span(2))
    new = {trace_id(number): [sample(number)] for number in (2, 9, 1)}
    with pytest.raises(NotFound, match=trace_id(9)):
        await stores.baselines.promote("shop", new, by="eve", reason="", now_ns=NOW)
    assert await stores.baselines.samples("shop") == ()
    assert await stores.outbox.pending(limit=10) == ()
    assert await stores.spans.marked("shop") == frozenset()

    del new[trace_id(9)]
    await stores.baselines.promote("shop", new, by="eve", reason="", now_ns=NOW)
    assert {one.trace_id for one in await stores.baselines.samples("shop")} == {trace_id(1), trace_id(2)}
    assert await Follower(stores).drain() == "done"
    assert await stores.spans.marked("shop") == {trace_id(1), trace_id(2)}


async def test_a_mark_waits_for_the_entries_before_it(stores: Stores):
    """A trace that was pruned and came again is promoted before its old spans are deleted: they are, for they came first. Beside the
    records they are gone already."""
    await give(stores, span(1, name="old"), now_ns=NOW - 10 * DAY)
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=10)
    await give(stores, span(1, name="new"))
    behind = await stores.baselines.promote("shop", {trace_id(1): [sample(1)]}, by="eve", reason="", now_ns=NOW)

    beside = isinstance(stores.spans, SqlSpans)
    assert behind == (frozenset() if beside else {trace_id(1)})
    assert [work.action for work in await stores.outbox.pending(limit=10)] == ([] if beside else ["delete", "mark"])
    assert await Follower(stores).drain() == "done"
    assert await stores.spans.marked("shop") == {trace_id(1)}
    assert await span_names(stores, 1) == ["new"]


async def test_promoting_what_does_not_exist_writes_nothing(stores: Stores):
    """NotFound: no sample, no outbox entry, no mark."""
    for unknown in (trace_id(9), "no hex", "", "A" * 32):
        with pytest.raises(NotFound):
            await stores.baselines.promote("shop", {unknown: [sample(9)]}, by="eve", reason="", now_ns=NOW)

    assert await stores.baselines.samples("shop") == ()
    assert await stores.outbox.pending(limit=10) == ()


async def test_promoting_twice_is_once(stores: Stores):
    """The first promotion stays, with who and when; a person's promotion pins what a run had promoted, never the reverse."""
    await give(stores, span(1))
    for one in (sample(1, pinned=False, by="run"), sample(1, pinned=True, at=NOW + 5), sample(1, pinned=False)):
        await stores.baselines.promote("shop", {trace_id(1): [one]}, by="eve", reason="", now_ns=NOW)

    assert await stores.baselines.samples("shop") == (sample(1, pinned=True, by="run"),)


async def test_samples_are_newest_first(stores: Stores):
    """Of several flows and traces."""
    await give(stores, span(1), span(2), span(3))
    for trace, at in ((2, NOW), (3, NOW + 2), (1, NOW + 1)):
        await stores.baselines.promote("shop", {trace_id(trace): [sample(trace, at=at)]}, by="eve", reason="", now_ns=at)

    assert [one.trace_id for one in await stores.baselines.samples("shop")] == [trace_id(3), trace_id(1), trace_id(2)]


async def test_demoting_undoes_it(stores: Stores):
    """Samples and persistence are gone, and the outbox says so where it has older entries; once more changes nothing; an unknown trace is NotFound."""
    await give(stores, span(1))
    await owe(stores, 1)
    await stores.baselines.promote("shop", {trace_id(1): [sample(1), sample(1, "login")]}, by="eve", reason="", now_ns=NOW)
    removed, behind = await stores.baselines.demote("shop", trace_id(1), by="eve", now_ns=NOW)

    assert behind
    assert {one.key.test_case for one in removed} == {"checkout", "login"}
    assert await stores.baselines.samples("shop") == ()
    assert not (await stores.traces.one("shop", trace_id(1))).persistent
    assert [work.persistent for work in await stores.outbox.pending(limit=10)] == [False] * 3
    assert await stores.baselines.demote("shop", trace_id(1), by="eve", now_ns=NOW) == ((), False)
    with pytest.raises(NotFound):
        await stores.baselines.demote("shop", trace_id(9), by="eve", now_ns=NOW)


async def test_demoting_what_is_only_persistent_leaves_it_persistent(stores: Stores):
    """A trace that a person keeps, but that is no golden sample, is not touched."""
    await give(stores, span(1))
    await stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW)
    await stores.baselines.demote("shop", trace_id(1), by="eve", now_ns=NOW)

    assert (await stores.traces.one("shop", trace_id(1))).persistent


async def test_a_golden_sample_stays_persistent(stores: Stores):
    """Unpersist is a conflict while it is a sample."""
    await give(stores, span(1))
    await stores.baselines.promote("shop", {trace_id(1): [sample(1)]}, by="eve", reason="", now_ns=NOW)
    with pytest.raises(Conflict):
        await stores.traces.set_persistent("shop", trace_id(1), persistent=False, by="eve", now_ns=NOW)

    assert (await stores.traces.one("shop", trace_id(1))).persistent
    with pytest.raises(NotFound):
        await stores.traces.set_persistent("shop", trace_id(9), persistent=True, by="eve", now_ns=NOW)


async def test_the_outbox_forgets_what_is_done(stores: Stores):
    """Entries go one by one, oldest first; a failed one stays, also an entry that was made meanwhile."""
    await give(stores, span(1), span(2))
    await owe(stores, 1, 2)
    async with stores.outbox.claim(limit=10) as claim:
        second = claim.work.pop()
        await stores.traces.set_persistent("shop", trace_id(1), persistent=False, by="eve", now_ns=NOW)
    await stores.outbox.failed([second], "the span store was away")

    left = await stores.outbox.pending(limit=10)
    assert [(work.trace_id, work.attempts, work.error) for work in left if work.trace_id == trace_id(2)] == [
        (trace_id(2), 1, "the span store was away")
    ]
    assert {work.trace_id for work in left} == {trace_id(2), trace_id(1)}
    of_first = await stores.outbox.pending(limit=10, project="shop", trace_id=trace_id(1))
    assert {work.persistent for work in of_first} == {False}
    assert await stores.outbox.pending(limit=1) == left[:1]


async def test_what_is_pending_is_read_in_parts(stores: Stores):
    """More entries than one statement reads are all there, in their order; of them a limit takes the oldest."""
    await give(stores, *(span(number) for number in range(1, 1_202)))
    await owe(stores, *range(1, 1_202))

    entries = await stores.outbox.pending(project="shop")
    assert [work.trace_id for work in entries] == [trace_id(number) for number in range(1, 1_202)]
    assert await stores.outbox.pending(limit=700) == entries[:700]


async def test_what_fails_in_the_middle_stays(stores: Stores):
    """A block that raises forgets nothing."""
    await give(stores, span(1))
    await owe(stores, 1)
    with pytest.raises(ValueError, match="in the middle"):
        async with stores.outbox.claim(limit=10):
            raise ValueError("in the middle")

    assert len(await stores.outbox.pending(limit=10)) == 1


async def test_nobody_works_at_the_same_trace(stores: Stores, reopen: Open):
    """While one server works at a trace's entry, another gets neither that one nor a newer one of the same trace."""
    await give(stores, span(1), span(2))
    await owe(stores, 1)
    other = await reopen()
    holds, ended = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def second() -> None:
        await holds.wait()
        async with stores.outbox.claim(limit=10) as claim:
            seen.extend("while held" if not ended.is_set() and one.trace_id == trace_id(1) else "fine" for one in claim.work)

    task = asyncio.create_task(second())
    async with stores.outbox.claim(limit=10) as claim:
        assert [one.trace_id for one in claim.work] == [trace_id(1)]
        await other.traces.set_persistent("shop", trace_id(1), persistent=False, by="eve", now_ns=NOW)
        holds.set()
        await asyncio.sleep(0.05)
        ended.set()
    await task
    await other.close()
    assert "while held" not in seen


async def test_a_turn_is_one_servers(stores: Stores, reopen: Open):
    """Of many servers that ask at once one may; again when the time has passed."""
    other = await reopen()
    asked = [one.take_turn("job", now_ns=NOW, every_ns=10) for one in (stores, other) for _ in range(5)]
    assert sum(await asyncio.gather(*asked)) == 1
    assert not await other.take_turn("job", now_ns=NOW + 9, every_ns=10)
    assert await stores.take_turn("another job", now_ns=NOW, every_ns=10)
    assert await other.take_turn("job", now_ns=NOW + 10, every_ns=10)
    await other.close()


async def test_a_record_says_whether_the_span_store_follows(stores: Stores):
    """`pending` until the outbox entry is done."""
    await give(stores, span(1))
    assert (await stores.traces.one("shop", trace_id(1))).state == "done"
    await owe(stores, 1)
    assert (await stores.traces.one("shop", trace_id(1))).state == "pending"
    async with stores.outbox.claim(limit=10):
        pass
    assert (await stores.traces.one("shop", trace_id(1))).state == "done"


async def test_marks_are_idempotent(stores: Stores):
    """Marking twice is once; unmarking what was never marked is nothing; a mark may come before the spans."""
    for persistent in (True, True):
        await stores.spans.mark("shop", trace_id(1), persistent=persistent)
    await stores.spans.mark("shop", trace_id(2), persistent=False)

    assert await stores.spans.marked("shop") == {trace_id(1)}
    await stores.spans.mark("shop", trace_id(1), persistent=False)
    assert await stores.spans.marked("shop") == frozenset()
