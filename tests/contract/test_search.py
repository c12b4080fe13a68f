"""Search: every filter, newest first, page by page."""

import msgspec
import pytest

from gate.errors import BadRequest
from gate.model.run import Run
from gate.service import Project, TraceQuery
from gate.store.protocols import Stores
from tests.contract.made import NOW, SECOND, give, span, trace_id


def _filters(value: object) -> str | None:
    if not isinstance(value, TraceQuery):
        return None
    given = {key: getattr(value, key) for key in value.__struct_fields__ if getattr(value, key) != getattr(TraceQuery(), key)}
    return ",".join(f"{key}={text}" for key, text in given.items()) or "all"


@pytest.fixture
async def shop(stores: Stores) -> Stores:
    """Six traces, trace 6 the newest."""
    await stores.runs.create(Run("r1", "shop"), now_ns=NOW)
    await give(
        stores,
        span(1, start=NOW + 1, http__route="/orders", http__response__status_code=200),
        span(1, 2, 1, name="SELECT orders", service="db", start=NOW + 1),
        span(2, start=NOW + 2, name="POST /pay", service="pay", http__route="/pay", http__response__status_code=503, error=True),
        span(3, start=NOW + 3, http__route="/orders", http__response__status_code=404),
        span(3, 2, 1, name="SELECT users", service="db", start=NOW + 3, error=True),
        run="r1",
    )
    await give(
        stores,
        span(4, start=NOW + 4, duration=30 * SECOND, resource={"deployment.environment.name": "staging"}),
        span(5, start=NOW + 5, name="job", service="worker", test__case__name="checkout works"),
        span(6, start=NOW + 6, name="SELECT orders", service="worker"),
    )
    await stores.traces.set_persistent("shop", trace_id(5), persistent=True, by="eve", now_ns=NOW)
    return stores


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TraceQuery(), [6, 5, 4, 3, 2, 1]),
        (TraceQuery(service="db"), [3, 1]),
        (TraceQuery(service="worker"), [6, 5]),
        (TraceQuery(operation="SELECT orders"), [6, 1]),
        (TraceQuery(service="db", operation="SELECT orders"), [1]),
        (TraceQuery(service="web", operation="SELECT orders"), []),
        (TraceQuery(service="nobody"), []),
        (TraceQuery(operation="nothing"), []),
        (TraceQuery(route="/orders"), [3, 1]),
        (TraceQuery(status="404"), [3]),
        (TraceQuery(status="4xx"), [3]),
        (TraceQuery(status="5xx"), [2]),
        (TraceQuery(status="200"), [1]),
        (TraceQuery(status="2xx"), [1]),
        (TraceQuery(error=True), [3, 2]),
        (TraceQuery(error=False), [6, 5, 4, 1]),
        (TraceQuery(test_case="checkout works"), [5]),
        (TraceQuery(run="r1"), [3, 2, 1]),
        (TraceQuery(run="unknown"), []),
        (TraceQuery(environment="staging"), [4]),
        (TraceQuery(since_ns=NOW + 3, until_ns=NOW + 5), [4, 3]),
        (TraceQuery(min_duration_ns=20 * SECOND), [4]),
        (TraceQuery(persistent=True), [5]),
        (TraceQuery(persistent=False), [6, 4, 3, 2, 1]),
        (TraceQuery(run="r1", service="db", error=True, route="/orders"), [3]),
    ],
    ids=_filters,
)
async def test_each_filter(shop: Stores, query: TraceQuery, expected: list[int]):
    """A filter gives exactly the traces that match it, newest first."""
    rows = await shop.traces.page("shop", query)

    assert [int(trace, 16) for trace in rows.trace_ids] == expected
    assert not rows.more


async def test_a_summary_in_a_list_is_the_summary(shop: Stores):
    """Lists and single answers show the same, in the order asked for; unknown traces are left out."""
    wanted = [trace_id(number) for number in (6, 5, 4, 3, 2, 1)]
    rows = await shop.traces.several("shop", [*wanted[:3], trace_id(99), *wanted[3:]])

    assert [await shop.traces.one("shop", one) for one in wanted] == list(rows)
    assert [row.run for row in rows] == ["", "", "", "r1", "r1", "r1"]
    assert rows[3].services == ("db", "web")
    assert [row.persistent for row in rows] == [False, True, False, False, False, False]
    assert await shop.traces.several("shop", []) == ()


@pytest.mark.parametrize(
    "query", [TraceQuery(), TraceQuery(service="web"), TraceQuery(persistent=False)], ids=["all", "service", "persistent"]
)
async def test_paging_visits_each_trace_once(stores: Stores, query: TraceQuery):
    """Pages of two, while newer traces arrive in between: every trace once, in order, also with equal start times."""
    await give(stores, *[span(number, start=NOW + number // 3) for number in range(1, 21)])
    seen: list[str] = []
    after = ""
    for page in range(30):
        rows = await stores.traces.page("shop", msgspec.structs.replace(query, limit=2, after=after))
        seen += rows.trace_ids
        await give(stores, span(100 + page, start=NOW + SECOND))
        if not rows.more:
            break
        after = rows.cursors[-1]

    assert sorted(seen) == [trace_id(number) for number in range(1, 21)]
    starts = [(await stores.traces.one("shop", one)).start_ns for one in seen]
    assert starts == sorted(starts, reverse=True)


async def test_a_page_among_given_traces(shop: Stores):
    """Other filters and paging hold; unknown traces, and none, are no error."""
    wanted = [trace_id(number) for number in (1, 3, 5, 99)]
    first = await shop.traces.page("shop", TraceQuery(limit=2), among=wanted)
    rest = await shop.traces.page("shop", TraceQuery(limit=2, after=first.cursors[-1]), among=wanted)

    assert ([int(one, 16) for one in (*first.trace_ids, *rest.trace_ids)], first.more, rest.more) == ([5, 3, 1], True, False)
    assert (await shop.traces.page("shop", TraceQuery(service="db"), among=wanted[1:])).trace_ids == (trace_id(3),)
    assert (await shop.traces.page("shop", TraceQuery(), among=[])).trace_ids == ()


async def test_all_that_have_an_attribute(stores: Stores):
    """A store with an index of attributes names them all, also what was written just now; or says that they are too many."""
    await give(stores, *[span(number, colour="red" if number % 2 else "blue") for number in range(1, 8)])
    found = await stores.spans.having("shop", "colour", "red", limit=4)

    assert found in (None, frozenset(trace_id(number) for number in (1, 3, 5, 7)))
    assert await stores.spans.having("shop", "colour", "red", limit=3) is None
    assert await stores.spans.having("shop", "colour", "green", limit=3) in (None, frozenset())


@pytest.mark.parametrize("after", ["x", "1", "-1-1", "1-", "9" * 30 + "-1", "1-1'", "１-１"])
async def test_a_foreign_cursor_is_a_bad_request(stores: Stores, after: str):
    """A cursor that no page gave is refused, not guessed at."""
    with pytest.raises(BadRequest):
        await stores.traces.page("shop", TraceQuery(after=after))


@pytest.mark.parametrize("status", ["abc", "6xx", "20", "2000", "-404", "4xx5", "٤٠٤"])
async def test_a_bad_status_is_a_bad_request(stores: Stores, status: str):
    """Only a status or a class of them can be asked for."""
    with pytest.raises(BadRequest):
        await stores.traces.page("shop", TraceQuery(status=status))


async def test_any_number_as_time(stores: Stores):
    """Times beyond 64 bits match nothing or everything, and are no error."""
    await give(stores, span(1))

    assert (await stores.traces.page("shop", TraceQuery(since_ns=2**70))).trace_ids == ()
    assert len((await stores.traces.page("shop", TraceQuery(until_ns=2**70, since_ns=-(2**70)))).trace_ids) == 1


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("db.system.name", "postgresql", {1}),
        ("http.response.status_code", "200", {1, 2}),
        ("http.response.status_code", "20", set()),
        ("cached", "true", {2}),
        ("cached", "false", {3}),
        ("ratio", "0.5", {3}),
        ("service.name", "db", {1}),
        ("db.system.name", "", set()),
        ("nothing", "postgresql", set()),
        ("postgresql", "db.system.name", set()),
        ("tags", "a", set()),
    ],
)
async def test_attribute_search(stores: Stores, key: str, value: str, expected: set[int]):
    """An attribute of any span, or of its resource, is found by its text; numbers and booleans as JSON writes them."""
    await give(
        stores,
        span(1, http__response__status_code=200),
        span(1, 2, 1, service="db", db__system__name="postgresql"),
        span(2, http__response__status_code="200", cached=True),
        span(3, cached=False, ratio=0.5, tags=["a"]),
    )

    found = await stores.spans.with_attribute("shop", [trace_id(number) for number in (1, 2, 3, 99)], key, value)
    assert found == {trace_id(number) for number in expected}


async def found(stores: Stores, **query: str) -> list[int]:
    """The numbers of the traces that a search finds, newest first."""
    page = await stores.traces.page("shop", TraceQuery(**query))
    return [int(each, 16) for each in page.trace_ids]


async def test_text_finds_parts_of_names(stores: Stores) -> None:
    """Each word is a part of an operation, a service, the route or the test case, in any case; wildcards are no wildcards."""
    await give(stores, span(1, name="POST /traces/{id}/persist", service="traces-api", http__route="/traces/{id}/persist"))
    await give(stores, span(2, name="GET /orders", service="shop", test__case__name="test_orders"))
    assert await found(stores, text="PERSIST") == [1]
    assert await found(stores, text="persist traces-") == [1]
    assert await found(stores, text="test_ord") == [2]
    assert await found(stores, text="persist orders") == []
    assert await found(stores, text="%") == []
    assert await found(stores, text="_") == [2]


async def test_commits_are_found_by_how_they_begin(stores: Stores) -> None:
    """The first digits of a commit are enough; those of another one find nothing."""
    await stores.runs.create(Run("r1", "shop", commit="abc123"), now_ns=1)
    await give(stores, span(1), run="r1")
    assert await found(stores, commit="abc") == [1]
    assert await found(stores, commit="bc1") == []


async def test_facets_count_the_newest_traces(stores: Stores) -> None:
    """Values with the number of traces that have them, of this project only, that contain the text."""
    await stores.runs.create(Run("r1", "shop", commit="abc123", branch="main"), now_ns=1)
    await stores.projects.create(Project("other", retention_days=30), now_ns=1)
    await give(stores, span(1, service="web", http__route="/a"), span(1, 2, 1, name="SELECT", service="db"), run="r1")
    await give(stores, span(2, service="web", http__response__status_code=404))
    await give(stores, span(3, service="secret"), project="other")

    async def values(facet: str, text: str = "", newest: int = 10) -> dict[str, int]:
        return await stores.traces.values("shop", facet, text=text, newest=newest)

    assert await values("service") == {"web": 2, "db": 1}
    assert await values("operation", "sel") == {"SELECT": 1}
    assert await values("route") == {"/a": 1}
    assert await values("status") == {"404": 1}
    assert await values("commit") == {"abc123": 1}
    assert await values("branch") == {"main": 1}
    assert await values("run") == {"r1": 1}
    assert await values("service", newest=1) == {"web": 1}
    with pytest.raises(BadRequest):
        await values("nothing")
