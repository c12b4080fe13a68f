"""What only PostgreSQL promises: several servers on one database, and errors that say which setting to change."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import event, make_url

from gate.errors import BadRequest, Unavailable
from gate.service import Project
from gate.store.sql import postgres
from gate.store.sql.postgres import must_be_known
from gate.store.sql.stores import open_postgres
from gate.store.values import Keeping
from tests.contract.backends import BACKENDS, Open, postgresql, postgresql_url
from tests.contract.made import NOW, give, owe, span, span_names, trace_id

SHARED = [backend for backend in BACKENDS if backend.name.startswith("postgresql")]


@pytest.fixture(params=SHARED, ids=lambda backend: backend.name)
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens servers on one new database (and one new prefix in Elasticsearch)."""
    async with request.param.empty(tmp_path) as open_stores:
        yield open_stores


async def test_servers_that_start_at_once_migrate_once(reopen: Open):
    """Five servers on an empty database: all of them work, the schema is there once."""
    servers = await asyncio.gather(*[reopen() for _ in range(5)])
    await servers[0].projects.create(Project("shop", 30), now_ns=1)
    await asyncio.gather(*[give(server, span(number)) for number, server in enumerate(servers, 1)])

    assert (await servers[4].stats()).traces == 5
    await asyncio.gather(*[server.close() for server in servers])


async def test_a_trace_whose_batches_go_to_two_servers(reopen: Open):
    """Three servers get the batches of the same traces, each of them twice: every span once, every summary whole."""
    servers = [await reopen() for _ in range(3)]
    await servers[0].projects.create(Project("shop", 30), now_ns=1)
    deliveries = [(trace, number) for trace in range(1, 11) for number in range(1, 10)]
    await asyncio.gather(
        *[
            give(server, span(trace, number, number - 1, name=f"op {number}", service=f"s{number}", run="r1", start=NOW + number))
            for trace, number in deliveries
            for server in (servers[number % 3], servers[(number + 1) % 3])
        ]
    )

    for trace in range(1, 11):
        summary = await servers[0].traces.one("shop", trace_id(trace))
        assert (summary.spans, summary.operation, summary.run, len(summary.services)) == (9, "op 1", "r1", 9)
        assert await span_names(servers[1], trace) == [f"op {number}" for number in range(1, 10)]
    assert (await servers[2].runs.activity("shop", "r1")).spans == 90
    await asyncio.gather(*[server.close() for server in servers])


async def test_servers_follow_what_another_left(reopen: Open):
    """Entries that one server is killed with are worked off by two others, each once, whatever they do at the same time."""
    from gate.usecases.outbox import Follower

    servers = [await reopen() for _ in range(3)]
    await servers[0].projects.create(Project("shop", 30), now_ns=1)
    await give(servers[0], *[span(number) for number in range(1, 21)])
    await owe(servers[0], *range(1, 21))
    for number in range(1, 21):
        for persistent in (True, number % 2 == 0):
            await servers[0].traces.set_persistent("shop", trace_id(number), persistent=persistent, by="eve", now_ns=NOW)
    await servers[0].close()

    followers = [Follower(server) for server in servers[1:]]
    await asyncio.gather(*[follower.drain() for follower in (*followers, *followers)])
    assert [await follower.drain() for follower in followers] == ["done", "done"]
    assert await servers[1].spans.marked("shop") == {trace_id(number) for number in range(2, 21, 2)}
    await asyncio.gather(*[server.close() for server in servers[1:]])


async def test_a_span_store_that_hangs_keeps_nobody_else_waiting(reopen: Open, monkeypatch: pytest.MonkeyPatch):
    """A transaction that waits for copies gives its locks up after a moment: late spans of the same trace are received meanwhile, and it
    is done again when the copies are there."""
    monkeypatch.setattr(postgres, "_PATIENCE", 0.01)
    stores = await reopen()
    await stores.projects.create(Project("shop", 30), now_ns=1)
    await give(stores, span(1))
    waiting = asyncio.get_running_loop().create_future()
    keeping = Keeping((), waiting)
    task = asyncio.create_task(
        stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW, keeping=keeping)
    )
    await asyncio.sleep(0.05)
    await give(stores, span(1, 2, 1, name="late"))
    assert (task.done(), (await stores.traces.one("shop", trace_id(1))).persistent) == (False, False)

    waiting.set_result(1)
    await task
    assert (await stores.traces.one("shop", trace_id(1))).persistent
    assert await span_names(stores, 1) == ["GET /orders", "late"]
    await stores.close()


async def test_two_servers_finish_once(reopen: Open):
    """Of finishes on two servers at once one is told that it was the one."""
    from gate.model.run import Run

    servers = [await reopen() for _ in range(2)]
    await servers[0].projects.create(Project("shop", 30), now_ns=1)
    for number in range(10):
        await servers[0].runs.create(Run(f"r{number}", "shop"), now_ns=NOW)
        outcomes = await asyncio.gather(
            *[server.runs.finish("shop", f"r{number}", expect_traces=0, now_ns=NOW) for server in servers]
        )
        assert sorted(first for _, first in outcomes) == [False, True]
    await asyncio.gather(*[server.close() for server in servers])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://nobody:secret-password@127.0.0.1:1/gate", "127.0.0.1:1/gate"),
        ("postgresql://nobody:secret-password@host.invalid/gate", "host.invalid/gate"),
    ],
)
async def test_a_server_that_is_not_there_is_said(url: str, said: str):
    """Unavailable names the address and the setting, never the password."""
    with pytest.raises(Unavailable) as error:
        await open_postgres(url)

    assert said in str(error.value)
    assert "SPANGATE_DATABASE_URL" in str(error.value)
    assert "secret-password" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [{"database": "no_such_database"}, {"username": "no_such_user", "password": "secret-password"}],
    ids=["database", "user"],
)
async def test_a_database_or_user_that_is_not_there_is_said(change: dict[str, str]):
    """In the database's own words."""
    url = make_url(await asyncio.to_thread(postgresql_url)).set(**change)
    with pytest.raises(Unavailable, match=r"no_such_") as error:
        await open_postgres(url.render_as_string(hide_password=False))

    assert "secret-password" not in str(error.value)


async def test_a_database_that_cannot_be_written_is_said():
    """Read-only, or of somebody else who gave no rights: an error at start, with the database's words and the setting."""
    async with postgresql() as url:
        name = url.partition("?")[0].rpartition("/")[2]
        admin = await asyncpg.connect(url)
        await admin.execute(
            f"create role {name}_guest login password 'guest'; alter database {name} set default_transaction_read_only = on"
        )
        with pytest.raises(Unavailable, match=r"read-only transaction.*SPANGATE_DATABASE_URL"):
            await open_postgres(url)
        await admin.execute(f"set default_transaction_read_only = off; alter database {name} reset default_transaction_read_only")
        try:
            guest = f"{url.partition('//')[0]}//{name}_guest:guest@{url.partition('@')[2]}"
            with pytest.raises(Unavailable, match=r"permission denied.*SPANGATE_DATABASE_URL"):
                await open_postgres(guest)
        finally:
            await admin.execute(f"drop role {name}_guest")
            await admin.close()


@pytest.mark.parametrize(("version", "fine"), [((13, 9), False), ((9, 6, 24), False), ((14, 0), True), ((18, 1), True)])
def test_an_old_postgresql_is_said(version: tuple[int, ...], fine: bool):
    """Asked for at start; the error names the setting."""
    if fine:
        return must_be_known(version)
    with pytest.raises(BadRequest, match="SPANGATE_DATABASE_URL"):
        must_be_known(version)
    return None


async def test_what_is_no_url_is_a_bad_request():
    """It names the setting."""
    with pytest.raises(BadRequest, match="SPANGATE_DATABASE_URL"):
        await open_postgres("not a url")


@pytest.mark.filterwarnings("ignore:unclosed connection")  # asyncpg is told that they are open
@pytest.mark.parametrize("silently", [False, True])
async def test_a_lost_connection_is_replaced(reopen: Open, monkeypatch: pytest.MonkeyPatch, *, silently: bool):
    """Connections that the database ends (a restart, a failover) are not used again; one that was lost silently is found by asking,
    when it was idle."""
    stores = await reopen()
    if silently:
        monkeypatch.setattr(asyncpg.Connection, "is_closed", lambda self: False)
        monkeypatch.setattr(postgres, "_IDLE_SECONDS", -1)
    await stores.projects.create(Project("shop", 30), now_ns=1)
    await give(stores, span(1))

    from sqlalchemy import text

    def end_the_others(connection: object) -> None:
        others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        connection.execute(text(f"select pg_terminate_backend(pid) {others}"))  # type: ignore[attr-defined]

    await asyncio.gather(*[stores.stats() for _ in range(10)])
    await stores.database.write(end_the_others)
    await give(stores, span(2))
    assert (await stores.stats()).traces == 2
    await stores.close()


@pytest.mark.parametrize("projects", [("shop", "shop"), ("shop", "bank")], ids=["runs", "runs of projects"])
async def test_two_servers_that_create_the_same_runs_in_opposite_order(projects: tuple[str, str]):
    """Groups on two servers name the same new runs, one the other way round than the other, and each waits after the first: neither waits
    for the other in a circle, which the database would end after a second with an error."""
    async with postgresql() as url:
        servers = [await open_postgres(url) for _ in range(2)]
        states: list[str] = []
        for server in servers:
            event.listen(
                server.database._engine.sync_engine,  # pyright: ignore[reportAttributeAccessIssue]
                "handle_error",
                lambda context: states.append(getattr(context.original_exception, "sqlstate", "")),
            )
        for project in set(projects):
            await servers[0].projects.create(Project(project, 30), now_ns=1)
        admin = await asyncpg.connect(url)
        await admin.execute(
            "create function wait() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return null; end';"
            "create trigger wait after insert on runs for each row execute function wait()"
        )
        for number in range(5):
            named = [(project, f"r{number}{letter}") for project, letter in zip(projects, "ab", strict=True)]
            await asyncio.gather(
                *[
                    give(server, span(1000 * which + 10 * number + place, run=run), project=project)
                    for which, (server, order) in enumerate(zip(servers, (named, named[::-1]), strict=True), 1)
                    for place, (project, run) in enumerate(order)
                ]
            )
            for project, run in named:
                assert len(await servers[0].runs.traces(project, run)) == 2
        await admin.close()
        await asyncio.gather(*[server.close() for server in servers])
    assert states == []
