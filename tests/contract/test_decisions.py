"""What people decided: one yes or no a fingerprint, nothing half-written, and all of it in the audit log."""

import asyncio

import pytest

from gate.errors import BadRequest, Conflict, NotFound
from gate.model.run import Run
from gate.store.protocols import Stores
from gate.store.values import Activity, Decision
from tests.contract.made import NOW

ONE, OTHER = "sg1:0000", "sg1:1111"


async def decide(
    stores: Stores,
    decision: Decision,
    *fingerprints: str,
    by: str = "eve",
    reason: str = "",
    replace: bool = False,
    at: int = NOW,
) -> tuple[str, ...]:
    """A decision in run `r1`."""
    return await stores.decisions.decide("shop", "r1", decision, fingerprints, by=by, reason=reason, replace=replace, now_ns=at)


async def test_the_first_approval_stays(stores: Stores):
    """A fingerprint is approved once, by whoever was first, also when ten do it at once; one audit row."""
    people = [f"person {number}" for number in range(10)]
    changed = await asyncio.gather(
        *[decide(stores, "approve", ONE, by=one, reason=one, at=NOW + n) for n, one in enumerate(people)]
    )

    assert sorted(changed) == [()] * 9 + [(ONE,)]
    found = await stores.decisions.approvals("shop")
    assert list(found) == [ONE]
    assert found[ONE].reason == found[ONE].by
    assert found[ONE].at.startswith("2026-05-28T20:26:40")
    assert await stores.decisions.rejections("shop") == {}
    entries, _ = await stores.history.page("shop", run="", subjects=(), limit=50, after="")
    assert [(entry.by, entry.action, entry.subject, entry.run) for entry in entries] == [(found[ONE].by, "approve", ONE, "r1")]


async def test_a_yes_and_a_no_at_once(stores: Stores):
    """One of two who decide otherwise at the same moment gets the conflict, which says who was first and why."""
    answers = await asyncio.gather(
        decide(stores, "approve", ONE, by="ann", reason="as wanted"),
        decide(stores, "reject", ONE, by="bob", reason="no"),
        return_exceptions=True,
    )

    (refused,) = [answer for answer in answers if isinstance(answer, Conflict)]
    approvals, rejections = await stores.decisions.approvals("shop"), await stores.decisions.rejections("shop")
    assert len(approvals) + len(rejections) == 1
    first = {**approvals, **rejections}[ONE]
    assert first.by in refused.detail and first.reason in refused.detail


async def test_a_conflict_writes_nothing(stores: Stores):
    """Of several fingerprints none is decided when one was decided otherwise; `replace` decides all of them."""
    await decide(stores, "reject", OTHER, by="bob")
    with pytest.raises(Conflict, match="bob has rejected sg1:1111"):
        await decide(stores, "approve", ONE, OTHER)
    assert await stores.decisions.approvals("shop") == {}

    assert await decide(stores, "approve", ONE, OTHER, replace=True, at=NOW + 1) == (ONE, OTHER)
    assert {*await stores.decisions.approvals("shop")} == {ONE, OTHER}
    assert await stores.decisions.rejections("shop") == {}


async def test_withdrawing(stores: Stores):
    """What was decided is undecided again; what was not decided stays so, without an audit row."""
    await decide(stores, "reject", ONE)
    assert await decide(stores, "withdraw", ONE, OTHER) == (ONE,)

    assert await stores.decisions.rejections("shop") == {}
    entries, _ = await stores.history.page("shop", run="r1", subjects=(ONE, OTHER), limit=50, after="")
    assert [(entry.action, entry.subject) for entry in entries] == [("withdraw", ONE), ("reject", ONE)]


async def test_history_is_paged(stores: Stores):
    """Newest first, every entry once; by run and by subject; a foreign cursor is refused."""
    for number in range(5):
        await decide(stores, "approve", f"sg1:{number}", at=NOW + number)
    await stores.projects.update("shop", {"retention_days": 7}, by="eve", now_ns=NOW)

    found, after = [], ""
    while True:
        entries, after = await stores.history.page("shop", run="r1", subjects=(), limit=2, after=after)
        found += [entry.subject for entry in entries]
        if not after:
            break
    assert found == ["sg1:4", "sg1:3", "sg1:2", "sg1:1", "sg1:0"]
    (settings,), _ = await stores.history.page("shop", run="", subjects=("shop",), limit=5, after="")
    assert (settings.action, settings.by, settings.detail) == ("settings", "eve", "retention_days 7")
    with pytest.raises(BadRequest, match="cursor"):
        await stores.history.page("shop", run="", subjects=(), limit=5, after="x")
    with pytest.raises(NotFound):
        await stores.history.page("nobody", run="", subjects=(), limit=5, after="")


async def test_only_a_verdict_can_be_stale(stores: Stores):
    """Conflict for a run without one, NotFound for no run."""
    await stores.runs.create(Run("r1", "shop"), now_ns=NOW)
    with pytest.raises(Conflict):
        await stores.runs.make_stale("shop", "r1", by="eve", now_ns=NOW)
    with pytest.raises(NotFound):
        await stores.runs.make_stale("shop", "r2", by="eve", now_ns=NOW)
    assert await stores.runs.activity("shop", "r1") == Activity()


async def test_a_decision_is_a_revision_of_its_run(stores: Stores):
    """However many fingerprints it is about; one that changes nothing is none, and other runs have theirs."""
    for run in ("r1", "r2"):
        await stores.runs.create(Run(run, "shop"), now_ns=NOW)

    revisions: list[int] = []
    steps: tuple[Decision, ...] = ("approve", "approve", "withdraw", "withdraw")
    for decision in steps:
        await decide(stores, decision, ONE, OTHER)
        revisions.append((await stores.runs.activity("shop", "r1")).revision)

    assert revisions == [1, 1, 2, 2]
    assert (await stores.runs.activity("shop", "r2")).revision == 0
