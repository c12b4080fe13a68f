"""Receiving: what was acknowledged is there, once, however it was cut into batches."""

import asyncio
import random

import pytest

from gate.codec.assemble import build_traces
from gate.codec.otlp_protobuf import decode_spans
from gate.errors import NotFound, Unavailable
from gate.model.run import Run
from gate.service import Project, TraceQuery
from gate.store.protocols import Stores
from tests.contract.backends import Open
from tests.contract.made import NOW, SECOND, give, span, span_names, trace_id


async def test_what_was_accepted_is_read_back(stores: Stores):
    """A span is readable as soon as its delivery is answered, byte for byte what was sent."""
    await give(stores, span(http__route="/orders", http__response__status_code=200), span(1, 2, 1, name="SELECT", service="db"))

    assert await span_names(stores, 1) == ["GET /orders", "SELECT"]
    summary = await stores.traces.one("shop", trace_id(1))
    assert (summary.service, summary.operation, summary.route, summary.status) == ("web", "GET /orders", "/orders", 200)
    assert (summary.spans, summary.services, summary.error) == (2, ("db", "web"), False)
    assert (summary.start_ns, summary.duration_ns) == (NOW, SECOND)


async def test_a_repeated_delivery_changes_nothing(stores: Stores):
    """The same request delivered three times is stored once, and says that nothing was new."""
    first = await give(stores, span(run="r1"), span(1, 2, 1))
    again = [await give(stores, span(run="r1"), span(1, 2, 1), now_ns=NOW + SECOND) for _ in range(2)]

    assert first == {"r1"}
    assert again == [frozenset(), frozenset()]
    assert len(await span_names(stores, 1)) == 2
    assert (await stores.traces.one("shop", trace_id(1))).spans == 2
    assert (await stores.stats()).spans == 2


async def test_a_span_in_two_requests_is_one_span(stores: Stores):
    """A sender that cuts its batches anew delivers a span again: the assembled trace has it once, without a problem."""
    await give(stores, span(1, 1), span(1, 2, 1))
    await give(stores, span(1, 2, 1), span(1, 3, 1))

    bodies = (await stores.spans.read("shop", [trace_id(1)]))[trace_id(1)]
    (trace,) = build_traces(span for body in bodies for span in decode_spans(body))
    assert (len(trace.spans), trace.problems) == (3, ())


async def test_a_request_that_repeats_itself_is_stored_once(stores: Stores):
    """Two equal deliveries that share one commit are one."""
    await asyncio.gather(*[give(stores, span(), span(1, 2, 1)) for _ in range(20)])

    assert (await stores.traces.one("shop", trace_id(1))).spans == 2


async def test_batches_of_a_trace_assemble_in_any_order(stores: Stores):
    """Children before the root, the root last: the summary is that of one whole delivery."""
    whole = [
        span(1, 1, name="GET /orders", start=NOW, duration=9 * SECOND, http__route="/orders", http__response__status_code=503),
        span(1, 2, 1, name="call", service="pay", start=NOW + 1, error=True),
        span(1, 3, 2, name="SELECT", service="db", start=NOW + 2),
        span(1, 4, 2, name="SELECT", service="db", start=NOW + 3, resource={"spangate.run": "r1"}),
    ]
    await give(stores, *whole, now_ns=NOW)
    expected = await stores.traces.one("shop", trace_id(1))
    for seed in range(5):
        pieces = [
            span(10 + seed, int(one.span_id, 16), int(one.parent_span_id or "0", 16), name=one.name, service=one.service,
                 start=one.start_ns, duration=one.end_ns - one.start_ns, error=one.error,
                 resource=dict(one.resource.attributes), **dict(one.attributes))
            for one in whole
        ]  # fmt: skip
        random.Random(seed).shuffle(pieces)
        for piece in pieces:
            await give(stores, piece, now_ns=NOW)
        merged = await stores.traces.one("shop", trace_id(10 + seed))
        fields = [name for name in expected.__struct_fields__ if name != "trace_id"]
        assert {name: getattr(merged, name) for name in fields} == {name: getattr(expected, name) for name in fields}


async def test_the_earliest_parentless_span_is_the_entry(stores: Stores):
    """A late batch with an earlier root replaces what the list shows; a later root does not."""
    await give(stores, span(1, 1, name="second", start=NOW + 5))
    await give(stores, span(1, 2, name="first", start=NOW))
    await give(stores, span(1, 3, name="third", start=NOW + 9))

    assert (await stores.traces.one("shop", trace_id(1))).operation == "first"


async def test_a_trace_without_its_root_is_listed_and_becomes_whole(stores: Stores):
    """An orphan is stored and found; the root that follows names it."""
    await give(stores, span(1, 2, 1, name="SELECT", service="db"))
    assert (await stores.traces.one("shop", trace_id(1))).operation == ""

    await give(stores, span(1, 1))
    assert (await stores.traces.one("shop", trace_id(1))).operation == "GET /orders"


async def test_spans_join_the_run_they_name(stores: Stores):
    """A run named by a resource attribute is made when new, with what the spans know of it."""
    arrived = await give(
        stores, span(run="r1", resource={"deployment.environment.name": "staging", "vcs.ref.head.revision": "abc"})
    )

    run = await stores.runs.one("shop", "r1")
    assert arrived == {"r1"}
    assert (run.environment, run.commit) == ("staging", "abc")
    assert [trace.trace_id for trace in await stores.runs.traces("shop", "r1")] == [trace_id(1)]


async def test_the_header_wins_over_the_attribute(stores: Stores):
    """`run` given with the delivery joins every trace to that run."""
    await stores.runs.create(Run("r2", "shop"), now_ns=NOW)
    await give(stores, span(run="r1"), run="r2")

    assert (await stores.traces.one("shop", trace_id(1))).run == "r2"
    with pytest.raises(NotFound):
        await stores.runs.one("shop", "r1")


async def test_the_first_run_keeps_a_trace(stores: Stores):
    """A trace whose first batch named no run joins the first one that is named, and stays there."""
    await give(stores, span(1, 1))
    await give(stores, span(1, 2, 1, run="r1"))
    await give(stores, span(1, 3, 1, run="r2"))

    assert (await stores.traces.one("shop", trace_id(1))).run == "r1"


async def test_an_unknown_run_in_the_header_writes_nothing(stores: Stores):
    """NotFound, and not a span of the request is stored, whatever waited with it."""
    outcomes = await asyncio.gather(
        give(stores, span(1), run="nobody"), give(stores, span(2)), give(stores, span(3), project="none"), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [NotFound, frozenset, NotFound]
    assert (await stores.stats()).traces == 1
    assert await span_names(stores, 1) == []


async def test_a_run_of_another_project_is_not_found(stores: Stores):
    """Projects do not see each other's runs, traces or spans."""
    await stores.projects.create(Project("other", 30), now_ns=1)
    await stores.runs.create(Run("r1", "other"), now_ns=NOW)
    with pytest.raises(NotFound):
        await give(stores, span(1), run="r1")
    await give(stores, span(1), project="other", run="r1")

    with pytest.raises(NotFound):
        await stores.traces.one("shop", trace_id(1))
    assert await span_names(stores, 1) == []
    assert (await stores.traces.page("shop", TraceQuery())).trace_ids == ()


async def test_one_trace_id_in_two_projects_is_two_traces(stores: Stores):
    """Trace ids are unique within a project only."""
    await stores.projects.create(Project("other", 30), now_ns=1)
    await give(stores, span(1, name="a"))
    await give(stores, span(1, name="b"), project="other")

    assert await span_names(stores, 1) == ["a"]
    assert await span_names(stores, 1, "other") == ["b"]


async def test_a_trace_of_ten_thousand_spans(stores: Stores):
    """A big trace, delivered in twenty batches, is there whole."""
    for start in range(0, 10_000, 500):
        await give(
            stores, *[span(1, number + 1, 1 if number else 0, name=f"op {number % 50}") for number in range(start, start + 500)]
        )

    assert len(await span_names(stores, 1)) == 10_000
    assert (await stores.traces.one("shop", trace_id(1))).spans == 10_000


async def test_an_attribute_of_a_megabyte(stores: Stores):
    """A value of 1 MB comes back as it was."""
    body = "x" * (1024 * 1024 - 100)
    await give(stores, span(1, note=body))

    assert await stores.spans.with_attribute("shop", [trace_id(1)], "note", body) == {trace_id(1)}


@pytest.mark.parametrize(
    "name",
    ["", "a\x00b", "'; drop table traces; --", "%_\\", "dots.in.names", ",57,", "emoji 🦀 and \u202e", "x" * 5_000],
    ids=["empty", "nul", "quote", "wildcards", "dots", "commas", "unicode", "long"],
)
async def test_hostile_names_are_data(stores: Stores, name: str):
    """Any text is a service, operation, route, test case or environment, and is found by it."""
    hostile = {"test.case.name": name, "deployment.environment.name": name, "spangate.run": f"run {name}"[:200]}
    await give(stores, span(1, name=name, service=name, resource=hostile, http__route=name), span(2, name="other"))

    assert len(await span_names(stores, 1)) == 1
    if name:
        for field in ("service", "operation", "route", "test_case", "environment"):
            page = await stores.traces.page("shop", TraceQuery(**{field: name}))
            assert list(page.trace_ids) == [trace_id(1)], field


async def test_absurd_times_are_kept_in_order(stores: Stores):
    """A sender's clock may be absurd: year 1970, year 2262, an end before its start."""
    await give(stores, span(1, start=1, duration=0), span(2, start=2**63 - 2, duration=1), span(3, start=NOW, duration=-SECOND))

    page = await stores.traces.page("shop", TraceQuery())
    assert list(page.trace_ids) == [trace_id(2), trace_id(3), trace_id(1)]
    assert all(row.duration_ns >= 0 for row in await stores.traces.several("shop", page.trace_ids))


async def test_concurrent_writers_lose_nothing(stores: Stores):
    """Forty writers that split fifty traces between them: every span is there, every summary is right."""
    deliveries = [(trace, number) for trace in range(1, 51) for number in range(1, 9)]
    random.Random(1).shuffle(deliveries)
    queue = iter(deliveries)

    async def writer() -> None:
        for trace, number in queue:
            await give(stores, span(trace, number, number - 1, name=f"op {number}", run=f"r{trace % 3}"))

    await asyncio.gather(*[writer() for _ in range(40)])

    assert (await stores.stats()).spans == 400
    for trace in range(1, 51):
        assert await span_names(stores, trace) == [f"op {number}" for number in range(1, 9)]
        assert (await stores.traces.one("shop", trace_id(trace))).spans == 8
    assert sum([(await stores.runs.activity("shop", f"r{number}")).spans for number in range(3)]) == 400


async def test_all_is_there_after_a_restart(stores: Stores, reopen: Open):
    """A second opening finds what the first one wrote, and migrates nothing twice."""
    await give(stores, span(1, run="r1"))
    await stores.close()
    again = await reopen()
    await give(again, span(1, 2, 1))

    assert (await again.traces.one("shop", trace_id(1))).spans == 2
    assert (await again.runs.one("shop", "r1")).id == "r1"
    await again.close()


async def test_a_closed_store_says_so(stores: Stores):
    """After close every call is Unavailable, and no caller waits for ever."""
    await stores.close()
    with pytest.raises(Unavailable):
        await give(stores, span(1))
    with pytest.raises(Unavailable):
        await stores.stats()
    assert list(await stores.check()) and "ok" not in (await stores.check()).values()
