"""Runs and verdicts."""

import asyncio

import pytest

from gate.errors import BadRequest, Conflict, NotFound
from gate.model.policy import Policy
from gate.model.run import Run, RunState
from gate.model.verdict import Level
from gate.service import Project
from gate.store.protocols import Stores
from gate.store.values import Activity, Origin, StoredVerdict, Unjudged
from tests.contract.made import NOW, SECOND, give, span, trace_id

RUN = Run("r1", "shop", commit="abc", branch="main", pull_request=7, repository="https://example.org/shop", attempt=2)


async def test_a_run_is_what_was_given(stores: Stores):
    """Every field comes back, with state and time."""
    made = await stores.runs.create(RUN, now_ns=NOW)

    assert made == await stores.runs.one("shop", "r1")
    assert made.state == RunState.OPEN
    assert (made.commit, made.branch, made.pull_request, made.repository, made.attempt) == (
        "abc", "main", 7, "https://example.org/shop", 2,
    )  # fmt: skip
    assert made.created_at == "2026-05-28T20:26:40.000Z"


async def test_a_trace_knows_its_origin(stores: Stores):
    """The run that it belongs to, or what it said of itself; unknown ones are not found."""
    await stores.runs.create(Run("r1", "shop", environment="staging", gate="slow", commit="abc"), now_ns=NOW)
    await give(stores, span(1), run="r1")
    await give(stores, span(2, resource={"deployment.environment.name": "dev"}), span(3))

    assert await stores.traces.origin("shop", trace_id(1)) == Origin("r1", "slow", "staging", "abc")
    assert await stores.traces.origin("shop", trace_id(2)) == Origin("", "", "dev", "")
    assert await stores.traces.origin("shop", trace_id(3)) == Origin("", "", "", "")
    for call in (stores.traces.origin("shop", trace_id(4)), stores.traces.origin("nowhere", trace_id(1))):
        with pytest.raises(NotFound):
            await call


async def test_the_same_id_again_is_the_same_run(stores: Stores):
    """Creating twice, also at once, gives one run; unknown fields are filled in; another commit is a conflict."""
    await give(stores, span(run="r1"))
    made = await asyncio.gather(*[stores.runs.create(RUN, now_ns=NOW + 1) for _ in range(5)])

    assert {run.commit for run in made} == {"abc"}
    assert made[0].branch == "main"
    assert len((await stores.runs.page("shop", branch="", limit=10, after=""))[0]) == 1
    with pytest.raises(Conflict, match="abc"):
        await stores.runs.create(Run("r1", "shop", commit="def"), now_ns=NOW)
    with pytest.raises(Conflict, match="staging"):
        await stores.runs.create(Run("r1", "shop", environment="staging"), now_ns=NOW)


async def test_unknown_runs_are_not_found(stores: Stores):
    """Every question about a run that is not there is NotFound."""
    for call in (
        stores.runs.one("shop", "x"),
        stores.runs.finish("shop", "x", expect_traces=0, now_ns=NOW),
        stores.runs.activity("shop", "x"),
        stores.runs.traces("shop", "x"),
        stores.runs.verdict("shop", "x"),
        stores.runs.is_first("shop", "x"),
        stores.runs.one("nowhere", "x"),
        stores.runs.create(Run("x", "nowhere"), now_ns=NOW),
    ):
        with pytest.raises(NotFound):
            await call


async def test_the_first_run_of_a_gate(stores: Stores):
    """A run is first while its gate has no earlier one, whatever other gates and projects have; by order of creation."""
    await stores.projects.create(Project("other", 30), now_ns=1)
    await give(stores, span(run="elsewhere"), project="other")
    for run_id, gate in (("a1", "api"), ("w1", "web"), ("a2", "api"), ("w2", "web")):
        await stores.runs.create(Run(run_id, "shop", gate=gate), now_ns=NOW)

    first = {run_id: await stores.runs.is_first("shop", run_id) for run_id in ("a1", "w1", "a2", "w2")}
    assert first == {"a1": True, "w1": True, "a2": False, "w2": False}


async def test_runs_are_listed_newest_first(stores: Stores):
    """Pages, by branch too."""
    for number in range(7):
        await stores.runs.create(Run(f"r{number}", "shop", branch="main" if number % 2 else "topic"), now_ns=NOW - number)

    first, after = await stores.runs.page("shop", branch="", limit=4, after="")
    rest, end = await stores.runs.page("shop", branch="", limit=4, after=after)
    assert [run.id for run in (*first, *rest)] == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
    assert end == ""
    assert [run.id for run in (await stores.runs.page("shop", branch="main", limit=9, after=""))[0]] == ["r5", "r3", "r1"]
    with pytest.raises(BadRequest):
        await stores.runs.page("shop", branch="", limit=4, after="no cursor")


async def test_only_one_finisher_is_first(stores: Stores):
    """Of ten finishes at once exactly one is told that it was the one; all see the same finished run."""
    await stores.runs.create(RUN, now_ns=NOW)
    outcomes = await asyncio.gather(
        *[stores.runs.finish("shop", "r1", expect_traces=number, now_ns=NOW + number) for number in range(10)]
    )

    assert sum(first for _, first in outcomes) == 1
    assert len({run.finished_at for run, _ in outcomes}) == 1
    assert outcomes[0][0].state == RunState.FINISHED


async def test_activity_counts_what_is_new(stores: Stores):
    """Spans move it, a repeated delivery does not."""
    await stores.runs.create(RUN, now_ns=NOW)
    assert await stores.runs.activity("shop", "r1") == Activity()
    await give(stores, span(1), span(2), run="r1", now_ns=NOW + 5)
    await give(stores, span(1, 2, 1), run="r1", now_ns=NOW + 9)
    await give(stores, span(1, 2, 1), run="r1", now_ns=NOW + 20)

    assert await stores.runs.activity("shop", "r1") == Activity(2, 3, NOW + 9)


async def test_a_verdict_is_kept_and_replaced(stores: Stores):
    """The last one counts; a run with a verdict no longer waits for one."""
    await stores.runs.create(RUN, now_ns=NOW)
    assert await stores.runs.unjudged() == ()
    await stores.runs.finish("shop", "r1", expect_traces=0, now_ns=NOW)
    assert await stores.runs.unjudged() == (Unjudged("shop", "r1"),)
    assert await stores.runs.verdict("shop", "r1") is None
    for blob in (b"one", b"two"):
        verdict = StoredVerdict(Activity(1, 2, 3), blob, b"comparisons " + blob)
        await stores.runs.save_verdict("shop", "r1", verdict, conclusion="pass", now_ns=NOW)

    assert await stores.runs.verdict("shop", "r1") == StoredVerdict(Activity(1, 2, 3), b"two", b"comparisons two")
    assert await stores.runs.unjudged() == ()


async def test_a_changed_policy_is_a_revision_of_recent_runs(stores: Stores):
    """Verdicts of runs that finished since the given time are stale then, whether they were saved before or after; older ones and an
    unchanged policy are left alone."""
    for name, finished in (("old", NOW - 10 * SECOND), ("new", NOW)):
        await stores.runs.create(Run(name, "shop"), now_ns=NOW)
        await stores.runs.finish("shop", name, expect_traces=0, now_ns=finished)
        await stores.runs.save_verdict("shop", name, StoredVerdict(Activity(), b"", b""), conclusion="pass", now_ns=NOW)
    policy = Policy(levels={"call-added": Level.FAILURE})
    await stores.projects.set_policy("shop", policy, by="eve", now_ns=NOW, stale_since_ns=NOW - SECOND)

    assert [(await stores.runs.activity("shop", name)).revision for name in ("old", "new")] == [0, 1]
    assert await stores.projects.policy("shop") == policy
    for revision in (0, 1):
        judged = StoredVerdict(Activity(revision=revision), b"", b"")
        await stores.runs.save_verdict("shop", "new", judged, conclusion="pass", now_ns=NOW)
        assert await stores.runs.verdict("shop", "new") == judged
    await stores.projects.set_policy("shop", policy, by="eve", now_ns=NOW, stale_since_ns=0)
    assert await stores.runs.activity("shop", "new") == Activity(revision=1)
