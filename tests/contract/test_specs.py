"""Specs that the server keeps."""

import asyncio

import pytest

from gate.errors import Conflict, NotFound
from gate.service import Project, SpecOutcome
from gate.spec import Check
from gate.store.protocols import Stores
from tests.contract.made import NOW, trace_id


async def test_a_spec_comes_back_as_it_was_kept(stores: Stores):
    """With its version, environments and the last result of each; of its project only."""
    made = await stores.specs.add("shop", "s1", "checkout", "name: é\n", by="eve", now_ns=NOW)
    assert (made.version, made.text, made.changed_by, made.results) == (1, "name: é\n", "eve", ())
    environments = {"staging": {"base_url": "https://staging", "retries": 2, "dry": True}}
    changed = await stores.specs.change(
        "shop", "s1", version=1, name="new", text="x", environments=environments, by="bob", now_ns=NOW + 1
    )
    assert (changed.version, changed.name, changed.environments, changed.changed_by) == (2, "new", environments, "bob")
    for ok in (True, False):
        outcome = SpecOutcome("staging", trace_id(1), (Check("it happens", ok, "" if ok else "it never happened"),), 2, by="eve")
        await stores.specs.save_result("shop", "s1", outcome, now_ns=NOW + 2)

    kept = await stores.specs.one("shop", "s1")
    (result,) = kept.results
    assert (result.ok, result.environment, result.trace_id, result.version, result.by) == (
        False,
        "staging",
        trace_id(1),
        2,
        "eve",
    )
    assert result.checks == outcome.checks
    assert await stores.specs.all("shop") == (kept,)
    await stores.projects.create(Project("other", 1), now_ns=NOW)
    assert await stores.specs.all("other") == ()
    with pytest.raises(NotFound):
        await stores.specs.one("other", "s1")


async def test_two_people_save_at_once(stores: Stores):
    """One wins; the other is told who was first, and nothing of theirs is written."""
    await stores.specs.add("shop", "s1", "checkout", "old", by="eve", now_ns=NOW)
    answers = await asyncio.gather(
        *[
            stores.specs.change("shop", "s1", version=1, name="n", text=by, environments={}, by=by, now_ns=NOW + 1)
            for by in ("ann", "bob")
        ],
        return_exceptions=True,
    )

    (refused,) = [answer for answer in answers if isinstance(answer, Conflict)]
    kept = await stores.specs.one("shop", "s1")
    assert (kept.version, kept.text) == (2, kept.changed_by)
    assert kept.changed_by in refused.detail


async def test_deleting_takes_the_results_along(stores: Stores):
    """And a second time there is nothing to delete."""
    await stores.specs.add("shop", "s1", "checkout", "x", by="eve", now_ns=NOW)
    await stores.specs.save_result("shop", "s1", SpecOutcome("ci", trace_id(1), (), 1), now_ns=NOW)
    await stores.specs.delete("shop", "s1", by="eve", now_ns=NOW)

    for call in (
        stores.specs.one("shop", "s1"),
        stores.specs.delete("shop", "s1", by="eve", now_ns=NOW),
        stores.specs.save_result("shop", "s1", SpecOutcome("ci", trace_id(1), (), 1), now_ns=NOW),
        stores.specs.change("shop", "s1", version=1, name="n", text="", environments={}, by="", now_ns=NOW),
    ):
        with pytest.raises(NotFound):
            await call
