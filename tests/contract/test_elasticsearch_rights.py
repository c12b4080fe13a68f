"""TLS, users, API keys and rights, as a real Elasticsearch with its security on sees them: at start, and while Spangate runs. Every
test speaks TLS."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from msgspec import structs

from gate.errors import BadRequest, Unavailable
from gate.service import Project
from gate.store.elasticsearch.cluster import Access
from gate.store.sql.stores import SqlStores, open_sqlite
from tests.acceptance.cli import spangate as command
from tests.contract.made import DAY, NOW, give, span, span_names, trace_id
from tests.faults.client import Client
from tests.faults.servers import SecuredElasticsearch, elasticsearch_server
from tests.faults.spangate import spangate
from tests.faults.workload import Workload
from tests.servers.certificates import Authority

pytestmark = [pytest.mark.xdist_group("elasticsearch-rights"), pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
DOCUMENTED = {"cluster": ["monitor", "manage_index_templates"], "indices": [{"names": ["spangate-*"], "privileges": ["all"]}]}
"""As `docs/deployment.md` says."""
_CREDENTIALS = "SPANGATE_ELASTICSEARCH_USER and SPANGATE_ELASTICSEARCH_PASSWORD, or SPANGATE_ELASTICSEARCH_API_KEY"
_PRIVILEGES = "SPANGATE_ELASTICSEARCH_USER or SPANGATE_ELASTICSEARCH_API_KEY.*`monitor` and `manage_index_templates`, and `all`"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[SecuredElasticsearch]:
    """One for these tests."""
    async with elasticsearch_server(make=SecuredElasticsearch) as started:
        yield started


async def user(server: SecuredElasticsearch, rights: dict[str, Any], prefix: str = "") -> Access:
    """Somebody new with these rights, and a prefix that the documented ones are for."""
    name = f"eve-{uuid4().hex[:8]}"
    await server.ask("PUT", f"/_security/role/{name}", rights)
    await server.ask("PUT", f"/_security/user/{name}", {"password": "secret-password", "roles": [name]})
    return Access(server.url, user=name, password="secret-password", ca=str(server.ca), prefix=prefix or f"spangate-{name}")


async def api_key(server: SecuredElasticsearch, rights: dict[str, Any], prefix: str = "") -> Access:
    """Likewise, as an API key."""
    name = f"key-{uuid4().hex[:8]}"
    made = await server.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": {"it": rights}})
    return Access(server.url, api_key=made["encoded"], ca=str(server.ca), prefix=prefix or f"spangate-{name}")


def variables(access: Access) -> dict[str, str]:
    """The settings that say this."""
    return {f"SPANGATE_ELASTICSEARCH_{key.upper()}": value for key, value in structs.asdict(access).items()}


@asynccontextmanager
async def opened(folder: Path, access: Access) -> AsyncIterator[SqlStores]:
    """Closed at the end."""
    stores = await open_sqlite(folder / "a.db", access)
    try:
        yield stores
    finally:
        await stores.close()


def without(right: str, *, of_cluster: bool = False) -> dict[str, Any]:
    """The documented rights but one."""
    privileges = ["create_index", "delete", "delete_index", "index", "maintenance", "monitor", "read", "view_index_metadata"]
    return {
        "cluster": [one for one in DOCUMENTED["cluster"] if one != right],
        "indices": [{"names": ["spangate-*"], "privileges": ["all"] if of_cluster else [p for p in privileges if p != right]}],
    }


@pytest.mark.parametrize("who", [user, api_key])
async def test_the_documented_rights_suffice(server: SecuredElasticsearch, who: Any, tmp_path: Path):
    """For each request of Spangate: to start, store, read, search, promote, demote, drop days, delete, compare, say its health."""
    access = await who(server, DOCUMENTED)
    async with opened(tmp_path, access) as stores:
        await stores.projects.create(Project("shop", 30), now_ns=1)
        for number in (1, 2, 3):
            await give(stores, span(number, color="red"), now_ns=NOW + number * DAY)
        await stores.spans.mark("shop", trace_id(1), persistent=True)
        assert await stores.spans.marked("shop") == {trace_id(1)}
        assert await span_names(stores, 1) == ["GET /orders"]
        assert await stores.spans.having("shop", "color", "red", limit=10) == {trace_id(number) for number in (1, 2, 3)}
        assert await stores.spans.with_attribute("shop", [trace_id(2)], "color", "red") == {trace_id(2)}
        assert await stores.spans.strays("shop", before_ns=NOW + 9 * DAY, delete=True) == set()
        assert await stores.spans.delete("shop", [trace_id(2)], before_ns=NOW + 2 * DAY + DAY) == 1  # its day goes whole
        assert await stores.spans.delete("shop", [trace_id(3)], before_ns=NOW + 3 * DAY + 1) == 1
        await stores.spans.mark("shop", trace_id(1), persistent=False)
        assert await stores.check() == {"database": "ok", "elasticsearch": "ok"}
    async with opened(tmp_path, access) as again:
        assert await span_names(again, 1) == ["GET /orders"]


@pytest.mark.parametrize("who", [user, api_key])
async def test_a_server_works_over_tls(server: SecuredElasticsearch, who: Any, tmp_path: Path):
    """`spangate serve` with nothing but its settings: it receives, promotes and gives back every span."""
    async with spangate(tmp_path, **variables(await who(server, DOCUMENTED))) as gate, Client(gate.url, "shop") as client:
        await gate.start()
        work = Workload(client, gate)
        await work.begin()
        await work.keep()
        await work.check()


_UNTRUSTED = "cannot be trusted: .*Set SPANGATE_ELASTICSEARCH_CA to the file"


@pytest.mark.parametrize(
    ("trusted", "address", "said"),
    [
        ("nobody", "https://127.0.0.1", _UNTRUSTED),
        ("another", "https://127.0.0.1", _UNTRUSTED),
        ("right", "https://localhost", "another host: .*'localhost'.*SPANGATE_ELASTICSEARCH_URL must name it.*_CA"),
        ("right", "http://127.0.0.1", "SPANGATE_ELASTICSEARCH_CA is set.*SPANGATE_ELASTICSEARCH_URL must begin with https://"),
        ("nobody", "http://127.0.0.1", "disconnected.*If it speaks TLS: SPANGATE_ELASTICSEARCH_URL must begin with https://"),
    ],
    ids=["no CA", "another CA", "another host name", "http with a CA", "http"],
)
async def test_what_is_wrong_with_tls_is_said_at_start(
    server: SecuredElasticsearch, trusted: str, address: str, said: str, tmp_path: Path
):
    """With the setting to change. The other authority has the name of the right one."""
    authorities = {"right": server.ca, "another": Authority().write(tmp_path / "ca.crt"), "nobody": ""}
    access = structs.replace(await user(server, DOCUMENTED), url=f"{address}:{server.port}", ca=str(authorities[trusted]))
    with pytest.raises((Unavailable, BadRequest), match=said) as error:
        await open_sqlite(tmp_path / "a.db", access)

    assert "secret-password" not in str(error.value)


async def test_the_authorities_of_the_system(server: SecuredElasticsearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """They are trusted when no CA is named, and only then."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca))
    access = await user(server, DOCUMENTED)
    async with opened(tmp_path, structs.replace(access, ca="")) as stores:
        assert (await stores.check())["elasticsearch"] == "ok"
    with pytest.raises(Unavailable, match=_UNTRUSTED):
        await open_sqlite(tmp_path / "a.db", structs.replace(access, ca=str(Authority().write(tmp_path / "ca.crt"))))


async def test_a_server_without_the_authority_ends_in_one_line(server: SecuredElasticsearch, tmp_path: Path):
    """`spangate serve` with exit 3 and no stack trace."""
    access = structs.replace(await user(server, DOCUMENTED), ca="")
    ended = await asyncio.to_thread(command, "serve", "--port", "0", cwd=tmp_path, **variables(access))
    assert re.search(_UNTRUSTED, ended.stderr), ended.stderr
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (3, "", 1), ended.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user": "", "password": ""}, f"does not accept the credentials.*missing authentication.*{_CREDENTIALS}"),
        ({"password": "wrong-password"}, f"does not accept the credentials.*unable to authenticate.*{_CREDENTIALS}"),
        ({"user": "nobody"}, f"does not accept the credentials.*unable to authenticate.*{_CREDENTIALS}"),
        ({"user": "", "password": "", "api_key": "aWQ6c2VjcmV0LWtleQ=="}, f"does not accept the credentials.*{_CREDENTIALS}"),
        ({"user": "", "password": "", "api_key": "secret-key"}, f"does not accept the credentials.*{_CREDENTIALS}"),
    ],
    ids=["none", "password", "user", "key", "no key"],
)
async def test_wrong_credentials_are_said_at_start(
    server: SecuredElasticsearch, change: dict[str, str], said: str, tmp_path: Path
):
    """With the settings to change, and no secret."""
    access = await user(server, DOCUMENTED)
    wrong = structs.replace(access, **change)
    with pytest.raises(Unavailable, match=said) as error:
        await open_sqlite(tmp_path / "a.db", wrong)

    assert not any(secret in str(error.value) for secret in ("wrong-password", "secret-password", "secret-key", "aWQ6c2VjcmV0"))


@pytest.mark.parametrize("who", [user, api_key])
@pytest.mark.parametrize("right", ["monitor", "manage_index_templates", "create_index", "view_index_metadata"])
async def test_missing_rights_are_said_at_start(server: SecuredElasticsearch, who: Any, right: str, tmp_path: Path):
    """The server's words, who it is that needs them, and all that is needed."""
    rights = without(right, of_cluster=right in DOCUMENTED["cluster"])
    with pytest.raises(Unavailable, match=f"forbids it: .*unauthorized for.*{_PRIVILEGES}"):
        await open_sqlite(tmp_path / "a.db", await who(server, rights))


@pytest.mark.parametrize("right", ["index", "read", "delete", "delete_index", "maintenance"])
async def test_missing_rights_are_said_by_what_needs_them(server: SecuredElasticsearch, right: str, tmp_path: Path):
    """Whoever lets Spangate start, and forbids to write, to read, to delete documents or days, or to refresh: each is said likewise."""
    access = await user(server, DOCUMENTED)
    async with opened(tmp_path, access) as stores:
        await stores.projects.create(Project("shop", 30), now_ns=1)
        await give(stores, span(1), now_ns=NOW)
    async with opened(tmp_path, await user(server, without(right), access.prefix)) as stores:
        work = {
            "index": lambda: give(stores, span(2), now_ns=NOW),
            "read": lambda: stores.spans.read("shop", [trace_id(1)]),
            "delete": lambda: stores.spans.delete("shop", [trace_id(1)], before_ns=NOW + 1),
            "delete_index": lambda: stores.spans.delete("shop", [trace_id(1)], before_ns=NOW + DAY),
            "maintenance": lambda: stores.spans.strays("shop", before_ns=NOW, delete=False),
        }
        with pytest.raises(Unavailable, match=f"forbids it: .*unauthorized for.*{_PRIVILEGES}"):
            await work[right]()


async def test_credentials_that_end_are_said_and_may_come_back(server: SecuredElasticsearch, tmp_path: Path):
    """A user who is disabled while Spangate runs: writing, reading and `/health` say which settings to change, nothing is stored; when
    it is enabled again all goes on."""
    access = await user(server, DOCUMENTED)
    async with opened(tmp_path, access) as stores:
        await stores.projects.create(Project("shop", 30), now_ns=1)
        await give(stores, span(1))
        await server.ask("PUT", f"/_security/user/{access.user}/_disable")
        with pytest.raises(Unavailable, match=_CREDENTIALS):
            await give(stores, span(2))
        with pytest.raises(Unavailable, match=_CREDENTIALS):
            await stores.spans.read("shop", [trace_id(1)])
        assert "does not accept the credentials" in (await stores.check())["elasticsearch"]
        assert (await stores.stats()).traces == 1
        await server.ask("PUT", f"/_security/user/{access.user}/_enable")
        await give(stores, span(2))
        assert await span_names(stores, 2) == ["GET /orders"]
