"""What the stores are filled with: traces of 20 spans over 30 days, with rare and common values of everything that can be searched.

Deterministic. Goes through the product's own intake, without HTTP, in requests of 50 traces.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from bench.tracegen import ROUTES, trace
from gate.codec.encode import to_batch
from gate.model.trace import AttributeValue, Resource, Span, StatusCode
from gate.store.protocols import Stores
from gate.usecases.outbox import Follower

SECOND = 1_000_000_000
DAY = 24 * 3600 * SECOND
NOW = 1_780_012_800 * SECOND
"""When the newest trace arrived: a midnight (UTC)."""
DAYS = 30
SPANS_A_TRACE = 20
TRACES_A_REQUEST = 50
TRACES_A_RUN = 100
TEST_CASES = 500
TENANTS = 100
PROJECT = "shop"
_TEMPLATES = 60
_AT_ONCE = 8


def order_of(number: int) -> str:
    """The attribute value that only trace `number` has."""
    return f"order-{number:08x}"


def commit_of(run: int) -> str:
    """The commit of a run."""
    return f"{run * 2654435761 % 2**32:08x}" * 5


def traces(count: int, *, seed: int = 0) -> Iterator[tuple[int, list[Span]]]:
    """When each trace arrives, and its spans; oldest first. Of every 10,000: 8,000 have a test case and a run, 500 a queue, 300 are
    404, 100 are 500 with an error, 10 are slow, 2 are of a service, a route, an environment and a flag that nothing else has."""
    templates = [trace(SPANS_A_TRACE, seed) for seed in range(_TEMPLATES)]
    rng = random.Random(1 + seed)
    for number in range(count):
        arrives = NOW - (count - 1 - number) * DAYS * DAY // count
        yield arrives, _one(number, arrives, templates[rng.randrange(_TEMPLATES)], rng)


def _one(number: int, arrives: int, template: Sequence[Span], rng: random.Random) -> list[Span]:
    chance = rng.randrange(10_000)
    rare = number % 5_000 == 1_234
    tested = chance >= 2_000
    run = number // TRACES_A_RUN
    environment = "rare" if rare else "staging" if number % 5 == 0 else "ci"
    of_resource: dict[str, AttributeValue] = {"deployment.environment.name": environment}
    if tested:
        of_resource |= {"cicd.pipeline.run.id": f"run-{run}", "vcs.ref.head.revision": commit_of(run)}
    resources: dict[str, Resource] = {}
    trace_id = rng.randbytes(16).hex()
    ids = {span.span_id: rng.randbytes(8).hex() for span in template}
    stretch = 300 if chance < 10 else rng.uniform(0.2, 3)
    begin = arrives - SECOND - rng.randrange(10 * SECOND)
    first = template[0].start_ns
    status = 500 if chance % 100 == 0 else 404 if chance % 100 in (1, 2, 3) else 200
    made: list[Span] = []
    for span in template:
        service = "archive" if rare and span is template[-1] else span.resource.service
        resource = resources.setdefault(service, Resource({**of_resource, "service.name": service}, service))
        made.append(
            replace(
                span, trace_id=trace_id, span_id=ids[span.span_id], parent_span_id=ids.get(span.parent_span_id, ""),
                start_ns=begin + int((span.start_ns - first) * stretch), end_ns=begin + int((span.end_ns - first) * stretch),
                resource=resource,
            )
        )  # fmt: skip
    route = "/exports" if rare else ROUTES[number % len(ROUTES)]
    attributes: dict[str, AttributeValue] = {
        **made[0].attributes, "http.route": route, "http.response.status_code": status, "url.path": route.replace("{id}", str(number)),
        "app.tenant": f"t{number % TENANTS}", "app.order": order_of(number), "app.items": number % 17,
    }  # fmt: skip
    if tested:
        attributes["test.case.name"] = f"tests/test_shop.py::test_{number % TEST_CASES}"
    if chance % 20 == 5:
        attributes["messaging.system"] = "kafka"
    if rare:
        attributes["feature.flag"] = "beta"
    made[0] = replace(
        made[0], name=f"GET {route}", attributes=attributes, status=StatusCode.ERROR if status == 500 else StatusCode.UNSET
    )
    return made


async def fill(stores: Stores, count: int, *, arrives: int = 0) -> None:
    """Store so many traces, over the 30 days or all at one time; every 1,000th is made persistent."""
    group: list[asyncio.Task[frozenset[str]]] = []
    request: list[Span] = []
    persistent: list[str] = []
    for number, (over_time, spans) in enumerate(traces(count, seed=arrives)):
        request += spans
        if number % 1_000 == 500:
            persistent.append(spans[0].trace_id)
        if len(request) == TRACES_A_REQUEST * SPANS_A_TRACE or number == count - 1:
            batch, request = to_batch(request), []
            group.append(asyncio.create_task(stores.intake.accept(PROJECT, batch, run="", now_ns=arrives or over_time)))
            await asyncio.sleep(0)
        if len(group) == _AT_ONCE or number == count - 1:
            await asyncio.gather(*group)
            group = []
    for trace_id in persistent:
        await stores.traces.set_persistent(PROJECT, trace_id, persistent=True, by="bench", now_ns=NOW)
    await Follower(stores).drain()
