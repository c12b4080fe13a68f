"""What only Elasticsearch promises: its shape, days dropped whole, and errors that say which setting to change."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gate.errors import BadRequest, Unavailable
from gate.service import Project
from gate.store.elasticsearch.bulk import Action
from gate.store.elasticsearch.cluster import Access, Cluster
from gate.store.elasticsearch.spans import ElasticsearchSpans
from gate.store.protocols import Stores
from gate.store.sql.stores import open_sqlite
from gate.store.values import Copied
from gate.usecases.outbox import Follower
from gate.usecases.promotion import Promotions
from tests.contract.backends import elasticsearch
from tests.contract.elasticsearch_double import answering
from tests.contract.made import DAY, NOW, give, lose, span, span_names, trace_id
from tests.parts import elasticsearch_url
from tests.servers.certificates import Authority

_ANOTHER = "the certificate of another host: IP address mismatch.*SPANGATE_ELASTICSEARCH_URL must name it.*_CA"
REFUSED = {"error": {"type": "security_exception", "reason": "unable to authenticate user [eve]"}, "status": 401}


@pytest.fixture
async def access() -> AsyncIterator[Access]:
    """A prefix that nobody uses."""
    async with elasticsearch() as access:
        yield access


@pytest.fixture
async def stores(access: Access, tmp_path: Path) -> AsyncIterator[Stores]:
    """Records in SQLite, spans in Elasticsearch, the project `shop`."""
    stores = await open_sqlite(tmp_path / "a.db", access)
    await stores.projects.create(Project("shop", 30), now_ns=1)
    yield stores
    await stores.close()


async def indices(access: Access) -> list[str]:
    """The names without the prefix."""
    cluster = Cluster(access)
    names = await cluster.client.indices.get(index=f"{access.prefix}-*", filter_path="*.settings.index.uuid")
    await cluster.close()
    return sorted(name.removeprefix(access.prefix) for name in names)


async def having(stores: Stores, key: str, value: str, *numbers: int) -> set[int]:
    """Which of these traces the search finds."""
    found = await stores.spans.with_attribute("shop", [trace_id(number) for number in numbers], key, value)
    return {int(one, 16) for one in found}


async def marked(stores: Stores, number: int, *, persistent: bool) -> None:
    """The mark, and what was copied for it noted."""
    digests = await stores.spans.mark("shop", trace_id(number), persistent=persistent)
    await stores.outbox.note(Copied("shop", trace_id(number), digests))


async def test_attribute_keys_are_no_fields(stores: Stores, access: Access):
    """Ten thousand different keys, with dots and hostile ones, leave the mapping as it was, and each is found."""
    hostile = ["a.b", "a", "a.b.c", "_id", "_source", "project", "x" * 3_000, "*", "", "a\x00b", "ключ"]
    keys = [*hostile, *[f"key.{number}.name" for number in range(10_000)]]
    for start in range(0, len(keys), 500):
        await give(stores, span(start // 500 + 1, **dict.fromkeys(keys[start : start + 500], "v")))

    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    mapping: Any = (await spans._cluster.client.indices.get_mapping(index=f"{access.prefix}-spans-*")).body
    (properties,) = [one["mappings"]["properties"] for one in mapping.values()]
    assert set(properties) == {"project", "trace_id", "received_ns", "attributes", "unindexed", "body"}
    for key in ("a.b", "a", "_id", "x" * 3_000, "a\x00b", "ключ", "key.0.name"):
        assert await having(stores, key, "v", 1, 2, 20) == {1}, key
    assert await having(stores, "key.9999.name", "v", *range(1, 22)) == {21}
    assert await having(stores, "key.9999.name", "w", *range(1, 22)) == set()


async def test_long_values_are_told_apart(stores: Stores):
    """A value is indexed by its beginning; what comes after it is looked for in the spans."""
    long = "v" * 40_000
    await give(stores, span(1, note=f"{long}1"), span(2, note=f"{long}2"), span(3, note="v" * 100))

    assert await having(stores, "note", f"{long}2", 1, 2, 3) == {2}
    assert await having(stores, "note", long, 1, 2, 3) == set()
    assert await having(stores, "note", "v" * 100, 1, 2, 3) == {3}


async def test_more_attributes_than_are_indexed(stores: Stores):
    """A delivery with more distinct attributes than its document has terms is searched all the same."""
    await give(stores, *[span(1, number, number - 1, **{f"k{number}.{n}": n for n in range(500)}) for number in range(1, 26)])
    await give(stores, span(2))

    for number in (1, 13, 25):
        assert await having(stores, f"k{number}.499", "499", 1, 2) == {1}
    assert await having(stores, "k1.499", "498", 1, 2) == set()


async def test_a_day_is_dropped_whole(stores: Stores, access: Access):
    """When nothing in it is needed but persistent traces, whose copies stay; a later day stays as it is."""
    days = [span(number, name=f"op {number}", shelf=number) for number in range(1, 6)]
    await give(stores, *days, now_ns=NOW - 10 * DAY)
    await give(stores, span(6), now_ns=NOW)
    await stores.traces.set_persistent("shop", trace_id(3), persistent=True, by="eve", now_ns=NOW)
    await marked(stores, 3, persistent=True)
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=2)
    deleted = await stores.spans.delete("shop", [trace_id(1), trace_id(2)], before_ns=NOW - DAY)
    assert (deleted, await indices(access)) == (2, ["-persistent", "-spans-2026.05.18", "-spans-2026.05.28"])

    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=10)
    deleted = await stores.spans.delete("shop", [trace_id(4), trace_id(5)], before_ns=NOW - DAY)
    assert (deleted, await indices(access)) == (2, ["-persistent", "-spans-2026.05.28"])
    assert [await span_names(stores, number) for number in (1, 3, 4, 6)] == [[], ["op 3"], [], ["GET /orders"]]
    assert await stores.spans.missing("shop", [trace_id(3), trace_id(6)]) == frozenset()
    # Its copy is found by its attributes, too.
    assert await stores.spans.having("shop", "shelf", "3", limit=10) == {trace_id(3)}
    assert await having(stores, "shelf", "3", 3, 6) == {3}
    # No longer persistent, it goes like any other.
    await marked(stores, 3, persistent=False)
    assert await stores.spans.delete("shop", [trace_id(3)], before_ns=NOW - DAY) == 1
    assert await span_names(stores, 3) == []


async def test_what_was_copied_is_noted_with_the_end_of_its_entry(stores: Stores):
    """Both or none: after a stop in between the entry is there, and the chunks are copied again."""
    await give(stores, span(1))
    await stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW)
    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    digests = await spans.mark("shop", trace_id(1), persistent=True)
    with pytest.raises(ValueError, match="in between"):
        async with stores.outbox.claim(limit=10) as claim:
            claim.copied.append(Copied("shop", trace_id(1), digests))
            raise ValueError("in between")
    assert (len(digests), len(await stores.outbox.pending(limit=10))) == (1, 1)
    assert await spans.mark("shop", trace_id(1), persistent=True) == digests

    async with stores.outbox.claim(limit=10) as claim:
        claim.copied.append(Copied("shop", trace_id(1), digests))
    assert await stores.outbox.pending(limit=10) == ()
    assert await spans.mark("shop", trace_id(1), persistent=True) == ()
    assert await span_names(stores, 1) == ["GET /orders"]


async def test_a_promotion_copies_before_its_commit(stores: Stores, access: Access):
    """Nothing is left to the outbox, and the day of the trace can be dropped; so it is with a person who keeps a trace."""
    await give(stores, span(1, note="x"), span(2, note="x"), now_ns=NOW - 10 * DAY)
    golden = Promotions(stores, Follower(stores), clock=lambda: NOW)
    assert (await golden.promote("shop", trace_id(1), by="eve", reason="")).state == "done"
    assert (await golden.persist("shop", trace_id(2), by="eve", persistent=True)).state == "done"
    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    assert await spans._manifest.needed([(0, NOW)]) == (False,)

    await stores.spans.delete("shop", [trace_id(9)], before_ns=NOW - DAY)
    assert await indices(access) == ["-persistent"]
    assert [await span_names(stores, number) for number in (1, 2)] == [["GET /orders"]] * 2
    assert await having(stores, "note", "x", 1, 2) == {1, 2}


async def test_copies_that_fail_are_made_later(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """A cluster that refuses them: the promotion is committed with an outbox entry, is `pending`, and is not asked for again at once."""
    await give(stores, span(1))
    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    asked: list[int] = []

    async def refuse(actions: Sequence[Action]) -> int:
        asked.append(len(actions))
        raise Unavailable("no room")

    with monkeypatch.context() as away:
        away.setattr(spans._bulk, "send", refuse)
        done = await Promotions(stores, Follower(stores), clock=lambda: NOW).promote("shop", trace_id(1), by="eve", reason="")
    assert (done.state, asked) == ("pending", [1])
    assert (await stores.traces.one("shop", trace_id(1))).state == "pending"
    assert [sample.trace_id for sample in await stores.baselines.samples("shop")] == [trace_id(1)]

    assert await Follower(stores).drain() == "done"
    assert await stores.spans.unkept("shop", [trace_id(1)]) == frozenset()
    assert await spans._manifest.needed([(0, 2 * NOW)]) == (False,)


async def test_spans_that_come_while_a_trace_is_promoted_are_kept(stores: Stores):
    """They arrive after it was read, before it is persistent: the transaction sees that they were not copied."""
    await give(stores, span(1))
    await stores.spans.read("shop", [trace_id(1)])
    await give(stores, span(1, 2, 1, name="late"), now_ns=NOW + 1)
    keeping = await stores.spans.keep("shop", [trace_id(1)])
    assert await stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW, keeping=keeping)
    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    assert [one.kept for one in (await spans._manifest.chunks("shop", [trace_id(1)]))[trace_id(1)]] == [True, False]

    assert await Follower(stores).drain() == "done"
    assert await spans._manifest.needed([(0, 2 * NOW)]) == (False,)
    assert await span_names(stores, 1) == ["GET /orders", "late"]


async def test_another_projects_day_is_not_dropped(stores: Stores, access: Access):
    """What one project keeps for ever stays when another's days are over, which then go one by one."""
    await stores.projects.create(Project("archive", 0), now_ns=1)
    await give(stores, span(1), span(2), now_ns=NOW - 10 * DAY)
    await give(stores, span(1), project="archive", now_ns=NOW - 10 * DAY)
    await stores.traces.prune("shop", before_ns=NOW - DAY, limit=10)

    assert await stores.spans.delete("shop", [trace_id(1), trace_id(2)], before_ns=NOW - DAY) == 2
    assert await indices(access) == ["-persistent", "-spans-2026.05.18"]
    assert await span_names(stores, 1, "archive") == ["GET /orders"]


async def test_late_spans_of_a_persistent_trace_are_kept(stores: Stores, access: Access):
    """They come with an outbox entry of their own, and their day is not dropped before they are copied."""
    await give(stores, span(1), now_ns=NOW - 10 * DAY)
    await stores.traces.set_persistent("shop", trace_id(1), persistent=True, by="eve", now_ns=NOW)
    await marked(stores, 1, persistent=True)
    async with stores.outbox.claim(limit=10):
        pass
    await give(stores, span(1, 2, 1, name="late"), now_ns=NOW - 9 * DAY)

    assert [(work.action, work.persistent) for work in await stores.outbox.pending(limit=10)] == [("mark", True)]
    await stores.spans.delete("shop", [trace_id(9)], before_ns=NOW - DAY)
    assert await indices(access) == ["-persistent", "-spans-2026.05.19"]
    await marked(stores, 1, persistent=True)
    await stores.spans.delete("shop", [trace_id(9)], before_ns=NOW - DAY)
    assert await indices(access) == ["-persistent"]
    assert await span_names(stores, 1) == ["GET /orders", "late"]


async def test_a_persistent_trace_whose_copy_is_gone(stores: Stores, access: Access):
    """As after the restore of an older snapshot: it can be read as long as its day is there, is told from others, and marking it copies it
    again."""
    await give(stores, span(1), span(2), now_ns=NOW - 10 * DAY)
    for number in (1, 2):
        await stores.traces.set_persistent("shop", trace_id(number), persistent=True, by="eve", now_ns=NOW)
        await marked(stores, number, persistent=True)
    assert await stores.spans.unkept("shop", [trace_id(1), trace_id(2)]) == frozenset()
    persistent = f"{access.prefix}-persistent"
    cluster = Cluster(access)
    await cluster.client.indices.refresh(index=persistent)
    found = await cluster.client.search(index=persistent, query={"term": {"trace_id": trace_id(1)}}, source=False)
    for hit in found["hits"]["hits"]:
        await cluster.client.delete(index=persistent, id=hit["_id"])
    await cluster.close()
    assert await stores.spans.unkept("shop", [trace_id(1), trace_id(2)]) == {trace_id(1)}
    assert await span_names(stores, 1) == ["GET /orders"]

    await marked(stores, 1, persistent=True)
    assert await stores.spans.unkept("shop", [trace_id(1), trace_id(2)]) == frozenset()
    await stores.spans.delete("shop", [trace_id(9)], before_ns=NOW - DAY)
    assert await indices(access) == ["-persistent"]
    assert await span_names(stores, 1) == ["GET /orders"]


async def test_a_dropped_day_is_missing_not_empty(stores: Stores, access: Access):
    """An index that somebody deleted: its traces are missing, and receiving goes on in a new one with our mapping."""
    await give(stores, span(1))
    cluster = Cluster(access)
    await cluster.client.indices.delete(index=f"{access.prefix}-spans-2026.05.28")
    assert await stores.spans.missing("shop", [trace_id(1)]) == {trace_id(1)}
    await give(stores, span(2, note="x"))
    mapping: Any = (await cluster.client.indices.get_mapping(index=f"{access.prefix}-spans-2026.05.28")).body
    await cluster.close()

    assert [one["mappings"]["_meta"]["application"] for one in mapping.values()] == ["spangate"]
    assert await having(stores, "note", "x", 2) == {2}


async def test_a_day_that_goes_while_it_is_read(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """Retention of another server drops a day between two pages of the doctor's look at all documents: it looks again."""
    await give(stores, span(1), now_ns=NOW - 10 * DAY)
    await give(stores, span(2))
    spans = stores.spans
    assert isinstance(spans, ElasticsearchSpans)
    opened = spans._cluster.client.open_point_in_time
    drops = iter([spans._indices.of(NOW - 10 * DAY)])

    async def open_then_drop(**options: Any) -> Any:
        point = await opened(**options)
        for name in drops:
            await spans._indices.drop(name)
        return point

    monkeypatch.setattr(spans._cluster.client, "open_point_in_time", open_then_drop)
    await stores.traces.prune("shop", before_ns=NOW + DAY, limit=2)
    assert await stores.spans.strays("shop", before_ns=NOW + DAY, delete=False) == {trace_id(2)}


async def test_what_cannot_be_read_now_is_not_lost(stores: Stores, access: Access):
    """An index that answers an error for each document, as one that is being recovered does (here: a closed one): Unavailable, and
    neither `missing` nor an empty mark."""
    await give(stores, span(1))
    cluster = Cluster(access)
    await cluster.client.indices.close(index=f"{access.prefix}-spans-2026.05.28")
    for call in (
        stores.spans.missing("shop", [trace_id(1)]),
        stores.spans.read("shop", [trace_id(1)]),
        marked(stores, 1, persistent=True),
    ):
        with pytest.raises(Unavailable, match="cannot read all of its documents"):
            await call
    await cluster.client.indices.open(index=f"{access.prefix}-spans-2026.05.28", wait_for_active_shards="1")
    await cluster.close()

    assert await stores.spans.missing("shop", [trace_id(1)]) == frozenset()
    assert await span_names(stores, 1) == ["GET /orders"]


async def test_a_trace_that_lost_a_part_is_lost(stores: Stores):
    """One of two deliveries gone: the rest is not given as if it were the trace."""
    await give(stores, span(1))
    await lose(stores, 1)
    await give(stores, span(1, 2, 1), span(2))

    wanted = [trace_id(1), trace_id(2)]
    assert set(await stores.spans.read("shop", wanted)) == {trace_id(2)}
    assert await stores.spans.missing("shop", wanted) == {trace_id(1)}


async def test_an_existing_prefix_is_taken_up(access: Access, tmp_path: Path):
    """The same database finds its spans again; another database is refused, and told which setting to change."""
    first = await open_sqlite(tmp_path / "a.db", access)
    await first.projects.create(Project("shop", 30), now_ns=1)
    await give(first, span(1))
    await first.close()

    again = await open_sqlite(tmp_path / "a.db", access)
    assert await span_names(again, 1) == ["GET /orders"]
    await again.close()
    with pytest.raises(BadRequest, match=r"another database.*SPANGATE_ELASTICSEARCH_PREFIX"):
        await open_sqlite(tmp_path / "b.db", access)
    with pytest.raises(BadRequest, match="SPANGATE_ELASTICSEARCH_URL is not set"):
        await open_sqlite(tmp_path / "a.db")


async def test_spans_in_the_database_are_not_left_behind(access: Access, tmp_path: Path):
    """A database with spans of its own is not opened with Elasticsearch, which would not have them."""
    stores = await open_sqlite(tmp_path / "a.db")
    await stores.projects.create(Project("shop", 30), now_ns=1)
    await give(stores, span(1))
    await stores.close()

    with pytest.raises(BadRequest, match="SPANGATE_ELASTICSEARCH_URL is set"):
        await open_sqlite(tmp_path / "a.db", access)


async def test_a_foreign_index_is_left_alone(access: Access, tmp_path: Path):
    """An index of somebody else with our name is not written to."""
    cluster = Cluster(access)
    name = f"{access.prefix}-spans-2026.05.28"
    await cluster.client.indices.create(index=name)
    with pytest.raises(BadRequest, match=f"{name}.* is not of Spangate.*SPANGATE_ELASTICSEARCH_PREFIX"):
        await open_sqlite(tmp_path / "a.db", access)

    assert await indices(access) == ["-spans-2026.05.28"]
    await cluster.close()


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"url": "http://127.0.0.1:1"}, "URL"),
        ({"url": "http://nobody:secret@host.invalid:9200"}, "URL"),
        ({"url": "localhost:9200"}, "URL"),
        ({"url": "not a url"}, "URL"),
        ({"url": "https://127.0.0.1:1", "ca": "/no/such/file.pem"}, "CA"),
        ({"url": "http://127.0.0.1:1", "prefix": "Upper Case"}, "PREFIX"),
        ({"url": "http://127.0.0.1:1", "prefix": "_internal"}, "PREFIX"),
        ({"url": "http://127.0.0.1:1", "api_key": "x", "user": "y"}, "API_KEY"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else ",".join(f"{key}={text}" for key, text in value.items()),
)
async def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], setting: str):
    """At start, without the password."""
    with pytest.raises((Unavailable, BadRequest), match=f"SPANGATE_ELASTICSEARCH_{setting}") as error:
        await open_sqlite(tmp_path / "a.db", Access(**settings))

    assert "secret" not in str(error.value)


async def test_a_plain_server_is_not_spoken_to_with_tls(tmp_path: Path):
    """`https` to a server without it is said as such."""
    url = elasticsearch_url().replace("http://", "https://")
    with pytest.raises(Unavailable, match=r"does not speak TLS.*SPANGATE_ELASTICSEARCH_URL begins with http://"):
        await open_sqlite(tmp_path / "a.db", Access(url))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1,http://127.0.0.1:2"])
async def test_an_authority_is_not_for_http(tmp_path: Path, url: str):
    """Who names a CA expects TLS of every node."""
    ca = Authority().write(tmp_path / "ca.crt")
    with pytest.raises(
        BadRequest, match=r"SPANGATE_ELASTICSEARCH_CA is set.*SPANGATE_ELASTICSEARCH_URL must begin with https://"
    ):
        await open_sqlite(tmp_path / "a.db", Access(url, ca=str(ca)))


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_a_file_without_certificates(tmp_path: Path, text: str):
    """As the CA: said at start."""
    (tmp_path / "ca.crt").write_text(text)
    with pytest.raises(BadRequest, match=r"SPANGATE_ELASTICSEARCH_CA=.*ca\.crt' has no certificates"):
        await open_sqlite(tmp_path / "a.db", Access("https://127.0.0.1:1", ca=str(tmp_path / "ca.crt")))


@pytest.mark.parametrize(
    ("host", "days", "said"),
    [
        ("127.0.0.2", 30, _ANOTHER),
        ("elsewhere.example", 30, _ANOTHER),
        ("127.0.0.1", -1, "cannot be trusted: certificate has expired.*Renew.*SPANGATE_ELASTICSEARCH_CA"),
    ],
)
async def test_a_certificate_that_is_wrong_is_explained(tmp_path: Path, host: str, days: int, said: str):
    """Though the right authority has signed it; the server at this IP address hears no credentials."""
    authority = Authority()
    certificate, key = tmp_path / "node.crt", tmp_path / "node.key"
    authority.certify(host, certificate, key, days=days)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        access = Access(url, user="eve", password="secret-password", ca=str(authority.write(tmp_path / "ca.crt")))
        with pytest.raises(Unavailable, match=said):
            await open_sqlite(tmp_path / "a.db", access)
    assert heard == []


@pytest.mark.parametrize(
    ("status", "body", "product", "said"),
    [
        (200, {"nodes": {"a": {"version": "8.19.1"}}}, "Elasticsearch", "of version 8.19.1.*SPANGATE_ELASTICSEARCH_URL"),
        (
            400,
            {"error": {"type": "media_type_header_exception", "reason": "Invalid media-type value on headers [Accept]"}},
            "Elasticsearch",
            "not of version 9.*SPANGATE_ELASTICSEARCH_URL",
        ),
        (200, {"nodes": {"a": {"version": "3.0.0"}}}, "OpenSearch", "not Elasticsearch.*SPANGATE_ELASTICSEARCH_URL"),
        (503, {"error": {"type": "master_not_discovered_exception"}}, "Elasticsearch", "answers 503"),
    ],
    ids=["version 8", "version 8 by header", "OpenSearch", "no master"],
)
async def test_what_the_server_refuses_is_said(tmp_path: Path, status: int, body: dict[str, Any], product: str, said: str):
    """Against a double of the answers: each names the setting, or what the server said."""
    async with answering(status, body, product=product) as double:
        with pytest.raises((Unavailable, BadRequest), match=said):
            await open_sqlite(tmp_path / "a.db", Access(double.url))


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"user": "eve", "password": "pass:word"}, f"authorization: basic {base64.b64encode(b'eve:pass:word').decode()}"),
        ({"api_key": "c2VjcmV0"}, "authorization: apikey c2VjcmV0"),
    ],
)
async def test_credentials_are_sent(tmp_path: Path, settings: dict[str, str], header: str):
    """User and password, or an API key, with every request; neither is in the message."""
    async with answering(401, REFUSED) as double:
        with pytest.raises(Unavailable) as error:
            await open_sqlite(tmp_path / "a.db", Access(double.url, **settings))

    assert header.lower() in double.headers
    assert not any(secret in str(error.value) for secret in ("pass:word", "c2VjcmV0"))
