"""Projects, tokens, search, health: the rest of the gate."""

import pytest

from gate.codec.encode import to_batch
from gate.errors import BadRequest, NotFound, Unauthenticated
from gate.service import Token, TraceQuery
from gate.store.sql.stores import open_sqlite
from gate.usecases.completion import Patience
from gate.usecases.gate import Options, StoreGate
from tests.contract.made import NOW, span, trace_id
from tests.unit.service.conftest import Open


async def test_the_default_project_is_there(gate: StoreGate, reopen: Open):
    """From the start, once, also after a restart."""
    await reopen()

    assert [(project.name, project.retention_days) for project in await gate.projects()] == [("default", 30)]


@pytest.mark.parametrize("name", ["", "Shop", "a b", "a/b", "-a", "x" * 64, "ä", "a\n", "a\x00"])
async def test_a_bad_project_name_is_refused(gate: StoreGate, name: str):
    """The message says what a name is."""
    with pytest.raises(BadRequest, match="lower-case"):
        await gate.create_project(name)

    assert len(await gate.projects()) == 1


@pytest.mark.parametrize(
    "change", [{"retention_days": -1}, {"base_branch": ""}, {"auto_promote": "maybe"}, {"retention_days": 10**9}]
)
async def test_a_bad_setting_is_refused(gate: StoreGate, change: dict[str, object]):
    """Nothing is changed."""
    before = await gate.project("default")
    with pytest.raises(BadRequest):
        await gate.update_project("default", **change)

    assert await gate.project("default") == before


async def test_a_token_opens_its_project_until_it_is_deleted(gate: StoreGate):
    """The secret is high-entropy, known by its digest alone, and refused at once after deletion."""
    await gate.create_project("shop")
    assert not await gate.has_tokens()
    token, secret = await gate.create_token("shop", "ci", ("read", "ingest"))

    assert secret.startswith("sg_") and len(secret) > 40
    assert token.scopes == ("ingest", "read")
    assert await gate.has_tokens()
    caller = await gate.authenticate(secret)
    assert (caller.project, caller.scopes, caller.name) == ("shop", ("ingest", "read"), "ci")
    await gate.delete_token("shop", token.id)
    for wrong in (secret, "", "sg_", secret[:-1], "\ud800"):
        with pytest.raises(Unauthenticated):
            await gate.authenticate(wrong)


async def test_a_token_that_is_deleted_while_it_is_looked_up_is_not_remembered(gate: StoreGate, monkeypatch: pytest.MonkeyPatch):
    """A request that found it just before is answered; the next one is refused."""
    token, secret = await gate.create_token("default", "ci", ("read",))
    by_digest = gate._stores.tokens.by_digest

    async def then_deleted(digest: bytes) -> Token | None:
        found = await by_digest(digest)
        await gate.delete_token("default", token.id)
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(gate._stores.tokens, "by_digest", then_deleted)
        await gate.authenticate(secret)
    with pytest.raises(Unauthenticated):
        await gate.authenticate(secret)


async def test_no_secret_is_stored(gate: StoreGate, tmp_path):
    """Neither the secret nor a part of it is in the files."""
    _, secret = await gate.create_token("default", "ci", ("ingest",))
    await gate.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret[3:].encode() not in stored and secret[10:30].encode() not in stored


@pytest.mark.parametrize(
    ("name", "scopes"), [("ci", ()), ("ci", ("root",)), ("", ("read",)), ("  ", ("read",)), ("x" * 201, ("read",))]
)
async def test_a_bad_token_is_refused(gate: StoreGate, name: str, scopes: tuple[str, ...]):
    """Unknown scopes, none, or no name."""
    with pytest.raises(BadRequest):
        await gate.create_token("default", name, scopes)

    assert not await gate.has_tokens()


async def test_the_admin_token_of_the_settings(tmp_path):
    """It has every scope, is stored nowhere, and makes that a token is needed."""
    options = Options(Patience(1, 1), 30, admin_token="a long secret")
    gate = StoreGate(await open_sqlite(tmp_path / "a.db"), options, clock=lambda: NOW)
    await gate.start()

    assert await gate.has_tokens()
    assert (await gate.authenticate("a long secret")).scopes == ("ingest", "read", "review", "admin")
    with pytest.raises(Unauthenticated):
        await gate.authenticate("a long secret ")
    await gate.close()


async def test_attribute_search_pages(gate: StoreGate):
    """Every match once, newest first, over pages that end in the middle of what was looked into."""
    spans = [span(number, start=NOW + number, color="red" if number % 3 == 0 else "blue") for number in range(1, 31)]
    await gate.receive("default", to_batch(spans))
    seen: list[int] = []
    after = ""
    while True:
        page = await gate.search("default", TraceQuery(attribute="color=red", limit=4, after=after))
        seen += [int(row.trace_id, 16) for row in page.traces]
        after = page.next
        if not after:
            break

    assert seen == [30, 27, 24, 21, 18, 15, 12, 9, 6, 3]


async def test_a_long_attribute_search_is_bounded(gate: StoreGate, monkeypatch: pytest.MonkeyPatch):
    """A page looks into a bounded number of traces; it may be empty and still have a next, and the match is found in the end."""
    from gate.usecases import search

    monkeypatch.setattr(search, "_SCANNED", 10)
    await gate.receive(
        "default", to_batch([span(number, start=NOW + number, rare="no" if number > 1 else "yes") for number in range(1, 31)])
    )
    pages = [await gate.search("default", TraceQuery(attribute="rare=yes", limit=5))]
    while pages[-1].next:
        pages.append(await gate.search("default", TraceQuery(attribute="rare=yes", limit=5, after=pages[-1].next)))

    assert [len(page.traces) for page in pages] == [0, 0, 1]


@pytest.mark.parametrize(
    "query", [TraceQuery(limit=0), TraceQuery(limit=501), TraceQuery(attribute="x"), TraceQuery(attribute="=x")]
)
async def test_a_bad_search_is_refused(gate: StoreGate, query: TraceQuery):
    """With a message."""
    with pytest.raises(BadRequest):
        await gate.search("default", query)


async def test_a_trace_comes_back_assembled(gate: StoreGate):
    """With its problems; cycles, orphans and duplicates are no exception."""
    spans = [span(1, 1, 2, name="a"), span(1, 2, 1, name="b"), span(1, 3, 9, name="orphan"), span(1, 4), span(1, 4, name="again")]
    for one in spans:
        await gate.receive("default", to_batch([one]))
    trace = await gate.trace("default", trace_id(1))

    assert len(trace.spans) == 4
    assert {problem.kind.value for problem in trace.problems} == {"cycle", "orphan", "duplicate"}
    with pytest.raises(NotFound):
        await gate.trace("default", trace_id(2))


async def test_health(gate: StoreGate):
    """Ok while the store works; after close it says what is wrong, and does not raise."""
    assert await gate.check() == {"database": "ok"}
    await gate.close()
    assert "closed" in (await gate.check())["database"]
