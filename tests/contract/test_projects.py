"""Projects and tokens."""

import asyncio

import msgspec
import pytest

from gate.errors import Conflict, NotFound
from gate.model.policy import Policy
from gate.service import Project, Token
from gate.store.protocols import Stores
from tests.contract.made import NOW


async def test_a_name_is_taken_once(stores: Stores):
    """Of five creations at once one succeeds."""
    made = await asyncio.gather(
        *[stores.projects.create(Project("new", number), now_ns=NOW) for number in range(5)], return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in made) == ["Conflict"] * 4 + ["Project"]
    assert [project.name for project in await stores.projects.all()] == ["new", "shop"]
    with pytest.raises(Conflict):
        await stores.projects.create(Project("shop", 1), now_ns=NOW)


async def test_updating_changes_only_what_is_named(stores: Stores):
    """The rest stays."""
    before = await stores.projects.one("shop")
    after = await stores.projects.update("shop", {"retention_days": 7})

    assert after == msgspec.structs.replace(before, retention_days=7) == await stores.projects.one("shop")
    assert await stores.projects.update("shop", {}) == after


async def test_unknown_projects_are_not_found(stores: Stores):
    """Everywhere."""
    for call in (
        stores.projects.one("x"),
        stores.projects.update("x", {"retention_days": 1}),
        stores.projects.policy("x"),
        stores.projects.set_policy("x", Policy(), by="", now_ns=NOW, stale_since_ns=0),
        stores.tokens.all("x"),
        stores.tokens.add(Token("t", "x", "n", ("read",), ""), b"d", now_ns=NOW),
        stores.spans.read("x", []),
        stores.baselines.samples("x"),
        stores.decisions.approvals("x"),
        stores.decisions.rejections("x"),
        stores.specs.all("x"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_tokens_are_known_by_digest(stores: Stores):
    """A token is found by its digest until it is deleted, and only in its project."""
    assert not await stores.tokens.any()
    made = await stores.tokens.add(Token("t1", "shop", "ci", ("ingest", "read"), ""), b"digest", now_ns=NOW)

    assert await stores.tokens.any()
    assert await stores.tokens.by_digest(b"digest") == made
    assert await stores.tokens.by_digest(b"other") is None
    assert await stores.tokens.all("shop") == (made,)
    await stores.projects.create(Project("other", 1), now_ns=NOW)
    with pytest.raises(NotFound):
        await stores.tokens.delete("other", "t1", now_ns=NOW)
    await stores.tokens.delete("shop", "t1", now_ns=NOW)
    assert await stores.tokens.by_digest(b"digest") is None
    with pytest.raises(NotFound):
        await stores.tokens.delete("shop", "t1", now_ns=NOW)
