"""A database of an older release is upgraded at start, with all that is in it: from every revision, on both dialects."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gate.model.flow import FlowKey
from gate.model.policy import Policy
from gate.model.run import RunState
from gate.service import AuditEntry, SavedSpec, SpecOutcome, TraceQuery
from gate.spec import Check
from gate.store import migrations
from gate.store.compression import compress
from gate.store.elasticsearch.bulk import Action, Bulk
from gate.store.elasticsearch.cluster import Access, Cluster
from gate.store.elasticsearch.documents import document_id, encode
from gate.store.elasticsearch.indices import Indices
from gate.store.migrations import migrate
from gate.store.protocols import Stores
from gate.store.sql.lookup import digest_of
from gate.store.sql.postgres import PostgresDatabase
from gate.store.sql.schema import metadata
from gate.store.sql.sqlite import SqliteDatabase
from gate.store.sql.stores import open_postgres, open_sqlite
from gate.store.times import to_text
from gate.store.values import Activity, RunTrace, StoredChunk, StoredVerdict, Unjudged
from gate.usecases.outbox import Follower
from tests.contract.backends import Open, elasticsearch, postgresql
from tests.contract.made import DAY, NOW, SECOND, batch, give, span, span_names, trace_id

_CONFIG = Config()
_CONFIG.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
REVISIONS = sorted(version.revision for version in ScriptDirectory.from_config(_CONFIG).walk_revisions())

GOLDEN, OTHER = 1, 2
INSTALLATION = 7
CHECKS = b'[{"sentence":"it happens","ok":true}]'
POLICY = b'{"partial_runs":true}'
SPANS = {
    GOLDEN: (span(GOLDEN, 1, run="r1"), span(GOLDEN, 2, 1, name="SELECT orders", service="db", db__system="postgresql")),
    OTHER: (span(OTHER, 1, start=NOW + SECOND, run="r2", error=True),),
}


class Old(NamedTuple):
    """An empty database: made and filled at a revision, then opened by the server."""

    database: Callable[[], SqliteDatabase | PostgresDatabase]
    open: Callable[[Access | None], Awaitable[Stores]]


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Old]:
    path = folder / "data" / "spangate.db"
    yield Old(lambda: SqliteDatabase(path), partial(open_sqlite, path))


@asynccontextmanager
async def _postgresql(_: Path) -> AsyncIterator[Old]:
    async with postgresql() as url:
        yield Old(lambda: PostgresDatabase(url), partial(open_postgres, url))


@pytest.fixture(params=[_sqlite, _postgresql], ids=["sqlite", "postgresql"])
async def old(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Old]:
    """On one of the dialects."""
    async with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    """Where the older release was."""
    return request.param


@pytest.fixture
async def reopen(revision: str, old: Old) -> Open:
    """Opens a database that was left at the revision, with the rows of `_fill` in it."""
    await _leave(old, revision, partial(_fill, revision=revision))
    return partial(old.open, None)


async def _leave(old: Old, revision: str, fill: Callable[[Connection], None]) -> None:
    database = old.database()
    await database.open(partial(migrate, revision=revision))
    await database.write(fill)
    assert await database.read(lambda connection: connection.scalar(text("select version_num from spangate_version")))
    await database.close()


def _add(connection: Connection, table: str, **values: object) -> None:
    columns = ", ".join(f'"{name}"' for name in values)
    connection.execute(text(f"insert into {table} ({columns}) values ({', '.join(f':{name}' for name in values)})"), values)


def _fill(connection: Connection, revision: str, *, separate: bool = False) -> None:
    """What a revision can hold, by plain SQL and with internal numbers from 1, as that release's own writes gave them. `separate`:
    the spans are in Elasticsearch, and the manifest says which."""
    add = partial(_add, connection)
    add("projects", name="shop", retention_days=30, base_branch="main", auto_promote="on", policy=POLICY, created_ns=NOW)
    add("tokens", id="t1", project=1, name="ci", scopes="ingest read", digest=b"d" * 32, created_ns=NOW)
    for number in (1, 2):
        add(
            "runs",
            project=1,
            id=f"r{number}",
            environment="ci",
            gate="default",
            commit=f"c{number}",
            branch="main",
            base_commit="c0",
            base_branch="main",
            pull_request=number,
            repository="shop/web",
            url="https://ci.example/1",
            attempt=1,
            state="finished",
            created_ns=NOW,
            finished_ns=NOW + SECOND,
            expect_traces=1,
            judged_ns=NOW + 2 * SECOND if number == 1 else 0,
        )
    add(
        "verdicts",
        run=1,
        conclusion="pass",
        traces=1,
        spans=2,
        last_ns=NOW,
        verdict=b"{}",
        comparisons=b"[]",
        **({"stale": "policy changed"} if revision < "0005" else {}),
    )
    add("services", name="web")
    add("services", name="db")
    add("operations", service="web", name="GET /orders")
    add("operations", service="db", name="SELECT orders")
    for number, words in ((GOLDEN, ",s1,1,s2,2,"), (OTHER, ",s1,1,")):
        identity = {"project": 1, "trace_id": bytes.fromhex(trace_id(number))}
        add(
            "traces",
            **identity,
            run=number,
            environment="ci",
            test_case=f"test {number}",
            service="web",
            operation="GET /orders",
            route="/orders",
            status=200,
            entry_ns=NOW,
            error=number == OTHER,
            spans=len(SPANS[number]),
            start_ns=SPANS[number][0].start_ns,
            end_ns=SPANS[number][0].end_ns,
            persistent=number == GOLDEN,
            received_ns=NOW,
            words=words,
        )
        for chunk in batch(*SPANS[number]).chunks:
            (blob,) = compress([chunk.body])
            digest = digest_of(chunk.body)
            if separate:
                add("manifest", **identity, digest=digest, received_ns=NOW, size=len(blob), kept=False)
            else:
                add("chunks", **identity, digest=digest, received_ns=NOW, body=blob)
    golden = {"project": 1, "trace_id": bytes.fromhex(trace_id(GOLDEN))}
    add(
        "samples",
        **golden,
        baseline_id="b1",
        gate="default",
        environment="ci",
        test_case="test 1",
        service="web",
        operation="GET /orders",
        run="r1",
        commit="c1",
        pinned=True,
        promoted_ns=NOW,
        promoted_by="eve",
        reason="looks right",
    )
    add("outbox", **golden, action="mark", before_ns=0)  # promoted, and stopped before the span store followed
    add("approvals", project=1, fingerprint="f1", run="r1", approved_by="eve", reason="meant", approved_ns=NOW)
    add("audit", project=1, at_ns=NOW, by="eve", action="approve", subject="f1", detail="meant")
    if separate:
        add("counters", name="installation", value=INSTALLATION)
    if revision >= "0003":
        spec = {"id": "s1", "name": "kept", "text": "checks: []", "version": 2, "environments": b'{"ci":{"retries":2}}'}
        add("specs", project=1, **spec, changed_ns=NOW, changed_by="eve")
        result = {"environment": "ci", "version": 2, "trace_id": bytes.fromhex(trace_id(GOLDEN)), "checks": CHECKS}
        add("spec_results", spec=1, **result, at_ns=NOW, by="eve")


async def test_what_an_older_release_stored_is_read(reopen: Open, revision: str):
    """Projects, tokens, runs, verdicts, traces, spans, samples, decisions and the audit log come out as they went in."""
    stores = await reopen()

    (project,) = await stores.projects.all()
    assert (project.name, project.retention_days, project.auto_promote) == ("shop", 30, "on")
    assert await stores.projects.policy("shop") == msgspec.json.decode(POLICY, type=Policy)
    token = await stores.tokens.by_digest(b"d" * 32)
    assert token is not None
    assert (token.id, token.project, token.scopes) == ("t1", "shop", ("ingest", "read"))

    run = await stores.runs.one("shop", "r1")
    assert (run.commit, run.pull_request, run.state, run.created_at) == ("c1", 1, RunState.FINISHED, to_text(NOW))
    assert [run.id for run in (await stores.runs.page("shop", branch="main", limit=9, after=""))[0]] == ["r2", "r1"]
    assert await stores.runs.verdict("shop", "r1") == StoredVerdict(Activity(1, 2, NOW), b"{}", b"[]")
    assert (await stores.runs.activity("shop", "r1")).revision == (1 if revision < "0005" else 0)
    assert (await stores.runs.activity("shop", "r2")).revision == 0
    assert await stores.runs.conclusions("shop", ["r1", "r2"]) == {"r1": "pass"}
    assert await stores.runs.unjudged() == (Unjudged("shop", "r2"),)
    assert await stores.runs.traces("shop", "r1") == (RunTrace(trace_id(GOLDEN), 2),)

    summary = await stores.traces.one("shop", trace_id(GOLDEN))
    assert (summary.run, summary.test_case, summary.spans, summary.services) == ("r1", "test 1", 2, ("db", "web"))
    assert (summary.persistent, summary.baseline, summary.state) == (True, True, "pending")
    for query, found in (
        (TraceQuery(), [OTHER, GOLDEN]),
        (TraceQuery(service="db"), [GOLDEN]),
        (TraceQuery(operation="GET /orders"), [OTHER, GOLDEN]),
        (TraceQuery(error=True), [OTHER]),
        (TraceQuery(commit="c2"), [OTHER]),
        (TraceQuery(persistent=True), [GOLDEN]),
    ):
        assert (await stores.traces.page("shop", query)).trace_ids == tuple(map(trace_id, found)), query
    assert await span_names(stores, GOLDEN) == ["GET /orders", "SELECT orders"]
    both = [trace_id(GOLDEN), trace_id(OTHER)]
    assert await stores.spans.with_attribute("shop", both, "db.system", "postgresql") == {trace_id(GOLDEN)}

    (sample,) = await stores.baselines.samples("shop")
    assert (sample.key, sample.trace_id) == (FlowKey("test 1", "web", "GET /orders"), trace_id(GOLDEN))
    assert (sample.pinned, sample.promoted_by, sample.reason) == (True, "eve", "looks right")
    assert list(await stores.decisions.approvals("shop")) == ["f1"]
    assert await stores.decisions.rejections("shop") == {}
    (entry,), _ = await stores.history.page("shop", run="", subjects=(), limit=9, after="")
    assert entry == AuditEntry(to_text(NOW), "eve", "approve", "f1", "meant")
    kept = SpecOutcome("ci", trace_id(GOLDEN), (Check("it happens", True),), 2, to_text(NOW), "eve")
    spec = SavedSpec("s1", "kept", "checks: []", 2, {"ci": {"retries": 2}}, to_text(NOW), "eve", (kept,))
    assert await stores.specs.all("shop") == ((spec,) if revision >= "0003" else ())
    assert (await stores.stats()).spans == 3
    await stores.close()


async def test_work_goes_on_after_an_upgrade(reopen: Open):
    """The outbox is worked off, a repeated delivery is known, what is new is kept, retention spares the golden trace."""
    stores = await reopen()

    assert await Follower(stores).drain() == "done"
    assert await stores.spans.marked("shop") == {trace_id(GOLDEN)}
    assert await give(stores, *SPANS[GOLDEN], now_ns=NOW + 1) == frozenset()
    assert await give(stores, span(GOLDEN, 3, 1, name="late", run="r1"), now_ns=NOW + 1) == {"r1"}
    assert (await stores.traces.one("shop", trace_id(GOLDEN))).spans == 3
    await stores.decisions.decide("shop", "r1", "reject", ["f2"], by="eve", reason="", replace=False, now_ns=NOW)
    assert list(await stores.decisions.rejections("shop")) == ["f2"]
    await stores.specs.add("shop", "s2", "a spec", "checks: []", by="eve", now_ns=NOW)

    assert (await stores.traces.prune("shop", before_ns=NOW + DAY, limit=9)).traces == 1
    assert await Follower(stores).drain() == "done"
    await stores.close()

    again = await reopen()
    assert await span_names(again, OTHER) == []
    assert await span_names(again, GOLDEN) == ["GET /orders", "SELECT orders", "late"]
    assert "a spec" in [spec.name for spec in await again.specs.all("shop")]
    await again.close()


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision >= "0002"], indirect=True)
async def test_spans_in_elasticsearch_are_found_after_an_upgrade(old: Old, revision: str):
    """By the manifest of an older release, in the indices that it made: read, searched, kept when golden, pruned."""
    async with elasticsearch() as access:
        await _leave(old, revision, partial(_fill, revision=revision, separate=True))
        await _put(access)
        stores = await old.open(access)

        both = [trace_id(GOLDEN), trace_id(OTHER)]
        assert await stores.spans.missing("shop", both) == frozenset()
        assert await span_names(stores, GOLDEN) == ["GET /orders", "SELECT orders"]
        assert await stores.spans.with_attribute("shop", both, "db.system", "postgresql") == {trace_id(GOLDEN)}
        assert await stores.spans.having("shop", "db.system", "postgresql", limit=9) == {trace_id(GOLDEN)}
        assert await Follower(stores).drain() == "done"
        assert await stores.spans.marked("shop") == {trace_id(GOLDEN)}
        assert await give(stores, *SPANS[GOLDEN], now_ns=NOW + 1) == frozenset()
        assert await stores.spans.strays("shop", before_ns=NOW + DAY, delete=False) == frozenset()

        assert (await stores.traces.prune("shop", before_ns=NOW + DAY, limit=9)).traces == 1
        assert await Follower(stores).drain() == "done"
        assert await span_names(stores, OTHER) == []
        assert await span_names(stores, GOLDEN) == ["GET /orders", "SELECT orders"]
        await stores.close()


async def _put(access: Access) -> None:
    """The documents of `SPANS`, as every release so far has written them."""
    cluster = Cluster(access)
    indices = Indices(cluster, f"{INSTALLATION:016x}")
    await indices.open()
    await indices.make(indices.of(NOW))
    actions: list[Action] = []
    for spans in SPANS.values():
        for chunk in batch(*spans).chunks:
            (blob,) = compress([chunk.body])
            place = StoredChunk(digest_of(chunk.body), NOW, len(blob), False)
            trace = chunk.trace_id.hex()
            actions.append(
                Action(indices.of(NOW), document_id("shop", trace, place), encode("shop", trace, NOW, blob, chunk.body))
            )
    await Bulk(cluster).send(actions)
    await cluster.close()


async def test_an_upgraded_postgresql_has_the_schema(revision: str):
    """From every revision, with rows in it: columns, constraints and indexes are those of `schema`, to the letter."""
    async with postgresql() as upgraded, postgresql() as made:
        old = Old(lambda: PostgresDatabase(upgraded), partial(open_postgres, upgraded))
        await _leave(old, revision, partial(_fill, revision=revision))
        await (await old.open(None)).close()
        fresh = PostgresDatabase(made)
        await fresh.open(metadata.create_all)
        await fresh.close()

        assert await _shape(upgraded) == await _shape(made)


async def _shape(url: str) -> set[tuple[str, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = [row for query in _SHAPE for row in await connection.fetch(query)]
    finally:
        await connection.close()
    assert len(rows) > 100
    return {tuple(map(str, row)) for row in rows}


_SHAPE = (
    "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns "
    "where table_schema = 'public' and table_name <> 'spangate_version'",
    "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
    "where connamespace = 'public'::regnamespace and conrelid::regclass::text <> 'spangate_version'",
    "select tablename, indexdef from pg_indexes where schemaname = 'public' and tablename <> 'spangate_version'",
)
