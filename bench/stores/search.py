"""The first page of every filter, and pages deep in the list: p95, and the plan that the database (or Elasticsearch) has for it."""

import re
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ClauseElement, Connection, Executable
from sqlalchemy.ext.compiler import compiles

from bench.stores.filling import DAY, NOW, PROJECT, SECOND, TENANTS, TEST_CASES, TRACES_A_RUN, commit_of, order_of
from gate.service import TraceQuery
from gate.store.elasticsearch.spans import ElasticsearchSpans, with_term
from gate.store.sql.lookup import project_key
from gate.store.sql.search import page_query
from gate.store.sql.stores import SqlStores
from gate.usecases.search import search

ROWS = 50
"""Of a page, as people see it."""

Query = Callable[[int], TraceQuery]


class Row(NamedTuple):
    """One filter on one backend."""

    filter: str
    p50_ms: float
    p95_ms: float
    found: int
    plan: str


def filters(traces: int) -> dict[str, Query]:
    """What a person clicks: each filter with a common, a rare and an unknown value, several at once, and deep pages. `n` varies the
    value from one call to the next where there are many of its kind."""
    runs = traces // TRACES_A_RUN

    def one(**fields: Any) -> Query:
        return lambda _: TraceQuery(**fields, limit=ROWS)

    def many(make: Callable[[int], dict[str, Any]]) -> Query:
        return lambda n: TraceQuery(**make(n * 7919), limit=ROWS)

    middle = NOW - 15 * DAY
    deep = f"{middle}-{traces // 2}"
    return {
        "none": one(),
        "service, common": one(service="orders"),
        "service, rare": one(service="archive"),
        "service, unknown": one(service="nothing"),
        "operation, common": one(operation="GET /stock/{sku}"),
        "operation, rare": one(operation="GET /exports"),
        "operation, unknown": one(operation="GET /nothing"),
        "service and operation": one(service="payment", operation="SELECT"),
        "service and operation, never together": one(service="archive", operation="GET /exports"),
        "route, common": one(route="/charge"),
        "route, rare": one(route="/exports"),
        "route, unknown": one(route="/nothing"),
        "status 200": one(status="200"),
        "status 404": one(status="404"),
        "status 5xx": one(status="5xx"),
        "status 503, unknown": one(status="503"),
        "status 3xx, unknown": one(status="3xx"),
        "error": one(error=True),
        "no error": one(error=False),
        "test case": many(lambda n: {"test_case": f"tests/test_shop.py::test_{n % TEST_CASES}"}),
        "test case, unknown": one(test_case="nothing"),
        "environment, common": one(environment="ci"),
        "environment, rare": one(environment="rare"),
        "environment, unknown": one(environment="nothing"),
        "run": many(lambda n: {"run": f"run-{n % runs}"}),
        "run, unknown": one(run="nothing"),
        "commit": many(lambda n: {"commit": commit_of(n % runs)[:12]}),
        "commit, unknown": one(commit="f00f00f00f00"),
        "since yesterday": one(since_ns=NOW - DAY),
        "one day, long ago": many(lambda n: {"since_ns": NOW - (n % 28 + 2) * DAY, "until_ns": NOW - (n % 28 + 1) * DAY}),
        "an hour before there was any": one(until_ns=NOW - 40 * DAY),
        "duration, common": one(min_duration_ns=SECOND // 100),
        "duration, rare": one(min_duration_ns=4 * SECOND),
        "duration, unknown": one(min_duration_ns=3600 * SECOND),
        "persistent": one(persistent=True),
        "not persistent": one(persistent=False),
        "text, common": one(text="stock"),
        "text, rare": one(text="export"),
        "text, unknown": one(text="nosuchname"),
        "attribute, in every trace": one(attribute="db.namespace=shop"),
        "attribute, in 1 of 20": one(attribute="messaging.system=kafka"),
        "attribute, in 1 of 100": many(lambda n: {"attribute": f"app.tenant=t{n % TENANTS}"}),
        "attribute, in one trace": many(lambda n: {"attribute": f"app.order={order_of(n % traces)}"}),
        "attribute, in few": one(attribute="feature.flag=beta"),
        "attribute, unknown value": one(attribute="db.namespace=nothing"),
        "attribute, unknown key": one(attribute="nothing=1"),
        "attribute, number": one(attribute="http.response.status_code=500"),
        "attribute, number, unknown": one(attribute="http.response.status_code=418"),
        "attribute, of a resource": many(lambda n: {"attribute": f"vcs.ref.head.revision={commit_of(n % runs)}"}),
        "attribute, words that are elsewhere": one(attribute="db.namespace=orders"),
        "service, status, environment": one(service="mail", status="5xx", environment="staging"),
        "service, rare, and since yesterday": one(service="archive", since_ns=NOW - DAY),
        "test case and environment": many(lambda n: {"test_case": f"tests/test_shop.py::test_{n % TEST_CASES}", "environment": "ci"}),
        "route and error": one(route="/charge", error=True),
        "error and duration, rare": one(error=True, min_duration_ns=4 * SECOND),
        "environment and duration, never together": one(environment="rare", min_duration_ns=4 * SECOND),
        "attribute and service": one(attribute="feature.flag=beta", service="archive"),
        "attribute and status": many(lambda n: {"attribute": f"app.tenant=t{n % TENANTS}", "status": "404"}),
        "attribute and environment, never together": one(attribute="messaging.system=kafka", environment="nothing"),
        "run and attribute": many(lambda n: {"run": f"run-{n % runs}", "attribute": "messaging.system=kafka"}),
        "none, deep page": one(after=deep),
        "service, common, deep page": one(service="orders", after=deep),
        "status 404, deep page": one(status="404", after=deep),
        "attribute, in 1 of 100, deep page": many(lambda n: {"attribute": f"app.tenant=t{n % TENANTS}", "after": deep}),
    }  # fmt: skip


async def measure(stores: SqlStores, traces: int, times: int, *, only: str = "") -> list[Row]:
    """Each filter so many times, one after the other, as the use case behind REST and the page answers it."""
    rows: list[Row] = []
    for name, query in filters(traces).items():
        if only not in name:
            continue
        took: list[float] = []
        found = 0
        for n in range(times + 1):
            began = time.perf_counter()
            page = await search(stores, PROJECT, query(n))
            took.append((time.perf_counter() - began) * 1000)
            found = max(found, len(page.traces))
        took = took[1:]
        rows.append(Row(name, statistics.median(took), p95(took), found, await plan(stores, query(1))))
    return rows


def p95(values: list[float]) -> float:
    """The 95th percentile (of few values: their largest)."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


async def plan(stores: SqlStores, query: TraceQuery) -> str:
    """In one line: what the query of one page reads, by which index; with Elasticsearch an attribute's query there before it."""
    parts: list[str] = []
    if query.attribute and isinstance(stores.spans, ElasticsearchSpans):
        parts.append(await _profile(stores.spans, query))
        query = msgspec.structs.replace(query, attribute="")

    def explained(connection: Connection) -> list[str]:
        wanted = page_query(connection, project_key(connection, PROJECT), query).limit(query.limit + 1)
        rows = connection.execute(_Explain(wanted)).all()
        return [str(row[-1]) for row in rows]

    lines = await stores.database.read(explained)
    return "; ".join([*parts, *_short(lines)])


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(_Explain)
def _explain(element: _Explain, compiler: Any, **options: Any) -> str:
    how = "EXPLAIN (ANALYZE, COSTS OFF)" if compiler.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return f"{how} {compiler.process(element.statement, **options)}"


_NODE = re.compile(
    r"(Index Only Scan|Index Scan|Bitmap Heap Scan|Bitmap Index Scan|Seq Scan|Incremental Sort|Sort|Result)\b(?! Key| Method)(.*)"
)


def _short(lines: list[str]) -> list[str]:
    """The nodes that read or sort; of PostgreSQL with the rows that each gave and threw away."""
    found: list[str] = []
    for line in lines:
        if line.startswith(("SEARCH", "SCAN", "USE TEMP")):
            found.append(line)
        elif (match := _NODE.search(line)) and "(actual" in line:
            using = re.search(r"(?:using|on) (\w+)", match[2])
            rows = re.search(r"rows=([\d.]+)", line)
            found.append(f"{match[1]}{f' {using[1]}' if using else ''}{f' ({float(rows[1]):.0f} rows)' if rows else ''}")
        elif removed := re.search(r"Rows Removed by Filter: (\d+)", line):
            found[-1] += f", {int(removed[1]):,} refused"
    return found


async def _profile(spans: ElasticsearchSpans, query: TraceQuery) -> str:
    """What Elasticsearch itself says about the query for an attribute: its kinds, shards and milliseconds in all."""
    key, _, value = query.attribute.partition("=")
    of_project = {"bool": {"filter": [{"term": {"project": PROJECT}}]}}
    cluster, indices = spans._cluster, spans._indices
    call = cluster.client.search(
        index=indices.everywhere,
        query=with_term(of_project, key, value),
        size=1,
        source=False,
        profile=True,
        track_total_hits=False,
    )
    answer = await cluster.ask(call)
    shards = answer["profile"]["shards"]
    nanoseconds = sum(search["query"][0]["time_in_nanos"] for shard in shards for search in shard["searches"])
    kinds = sorted({child["type"] for shard in shards for search in shard["searches"] for child in _nodes(search["query"][0])})
    return f"{', '.join(kinds)} in {len(shards)} shards, {nanoseconds / 1e6:.1f} ms"


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    children = node.get("children", [])
    return [node, *(one for child in children for one in _nodes(child))]
