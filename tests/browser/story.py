"""The story's two calls as spans, and larger traces, for the tests of pages."""

from gate.model.trace import Event, Resource, Scope, Span, SpanKind, StatusCode

MORNING = 1_795_514_640_000_000_000
"""2026-11-24, 10:04:00 UTC."""
GOOD, BAD = "1" * 32, "2" * 32
ROUTE = "POST /traces/{id}/persist"


def persist_call(trace_id: str, start: int, *, found: bool, case: str = "") -> list[Span]:
    """One call of the persist endpoint: fetch, then both updates, unless the fetch came back empty."""
    api, database, search = (Resource({"service.name": name}, name) for name in ("traces-api", "postgresql", "elasticsearch"))
    calls = [
        (api, ROUTE, SpanKind.SERVER, 0, {"http.route": "/traces/{id}/persist", "http.request.method": "POST", "http.response.status_code": 202}),
        (api, "TraceRepository.fetch", SpanKind.INTERNAL, 1, {"db.response.returned_rows": int(found)}),
        (api, "SELECT traces", SpanKind.CLIENT, 2, {"db.system.name": "postgresql", "db.query.text": "SELECT id, name FROM traces WHERE id = '4711' AND organisation = 'acme'"}),
    ]  # fmt: skip
    if found:
        calls += [
            (api, "UPDATE traces", SpanKind.CLIENT, 1, {"db.system.name": "postgresql", "db.query.text": "UPDATE traces SET persistent = true WHERE id = '4711'"}),
            (api, "update", SpanKind.CLIENT, 1, {"db.system.name": "elasticsearch", "db.operation.name": "update", "http.request.method": "POST", "url.full": "http://search:9200/traces/_update/4711", "http.response.status_code": 200}),
        ]  # fmt: skip
    if case:
        calls[0][4]["test.case.name"] = case
    del database, search
    scope = Scope("traces", "1.0")
    return [
        Span(
            trace_id, f"{number + 1:016x}", f"{parent:016x}" if parent else "", name, kind, start + number * 1_000_000,
            start + 12_000_000 - number * 1_000_000, attributes, resource, scope,
        )
        for number, (resource, name, kind, parent, attributes) in enumerate(calls)
    ]  # fmt: skip


def large(trace_id: str, size: int, *, start: int = MORNING, skip: frozenset[int] = frozenset(), fail: int = -1) -> list[Span]:
    """A trace of `size` spans in requests of ten, less those of `skip`; span `fail` has an error."""
    resources = [Resource({"service.name": name}, name) for name in ("gateway", "orders", "stock")]
    made: list[Span] = []
    step = 100_000
    for number in range(size):
        if number in skip:
            continue
        within = number % 10
        parent = 0 if number == 0 else 1 if within == 0 or number < 10 else number - within + 1
        bad = number == fail
        made.append(
            Span(
                trace_id, f"{number + 1:016x}", f"{parent:016x}" if parent else "",
                "run" if number == 0 else f"GET /orders/{number // 10 % 7}" if within == 0 else f"SELECT item{within}",
                SpanKind.SERVER if within == 0 else SpanKind.CLIENT, start + number * step,
                start + size * step if number == 0 else start + (number + (10 - within if within == 0 else 1)) * step,
                {"db.query.text": f"SELECT * FROM item{within} WHERE id = {number}", "db.system.name": "postgresql"} if within else {},
                resources[number % 3 if within else 0], Scope("large"),
                StatusCode.ERROR if bad else StatusCode.UNSET, "broken" if bad else "",
                (Event("exception", start, {"exception.type": "Broken"}),) if bad else (),
            )
        )  # fmt: skip
    return made
