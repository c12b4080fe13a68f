"""Traces for speed benchmarks: services that call each other and their database, with current semantic conventions.

Deterministic by seed. A pair is a golden trace and a run of the same code (new ids and times), the same or with five changes:
a rename, a lost call, an added call, a moved call, another status.
"""

import importlib
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gate.model.trace import AttributeValue, Resource, Scope, Span, SpanKind

SERVICES = tuple(Resource({"service.name": name}, name) for name in ("gateway", "orders", "stock", "payment", "mail", "users"))
SCOPE = Scope("opentelemetry.instrumentation.http", "0.66b1")
DATABASE = Scope("opentelemetry.instrumentation.asyncpg", "0.66b1")
TABLES = ("orders", "order_items", "products", "customers", "audit", "outbox", "prices", "reservations")
ROUTES = ("/orders/{id}", "/stock/{sku}", "/charge", "/users/{id}/profile", "/mail", "/prices", "/search", "/reservations")


def trace(spans: int, seed: int) -> list[Span]:
    """One trace of exactly so many spans: pairs of CLIENT and SERVER spans, queries as leaves."""
    rng = random.Random(seed)
    trace_id = rng.randbytes(16).hex()
    made: list[Span] = []

    def add(
        parent: Span | None, name: str, kind: SpanKind, resource: Resource, scope: Scope, attributes: dict[str, AttributeValue]
    ) -> Span:
        start = 1_700_000_000_000_000_000 + len(made) * 1_000_000
        span = Span(
            trace_id=trace_id, span_id=rng.randbytes(8).hex(), parent_span_id=parent.span_id if parent else "",
            name=name, kind=kind, start_ns=start, end_ns=start + 900_000, attributes=attributes, resource=resource, scope=scope,
        )  # fmt: skip
        made.append(span)
        return span

    def serve(parent: Span | None, route: str, resource: Resource) -> Span:
        attributes: dict[str, AttributeValue] = {
            "http.request.method": "GET", "http.route": route, "http.response.status_code": 200, "url.path": route,
            "server.port": rng.randrange(1024, 60000), "client.address": "10.0.0.7", "network.protocol.version": "1.1",
        }  # fmt: skip
        return add(parent, f"GET {route}", SpanKind.SERVER, resource, SCOPE, attributes)

    servers = [serve(None, ROUTES[0], SERVICES[0])]
    while len(made) < spans:
        server = servers[min(len(servers) - 1, int(rng.expovariate(1) * len(servers) / 3))]
        if rng.random() < 0.6 or spans - len(made) < 2:
            table, verb = rng.choice(TABLES), rng.choice(("SELECT", "INSERT", "UPDATE"))
            text = {"SELECT": f"SELECT * FROM {table} WHERE id = $1", "INSERT": f"INSERT INTO {table} (id) VALUES ($1)"}.get(
                verb, f"UPDATE {table} SET state = $1 WHERE id = $2"
            )
            query: dict[str, AttributeValue] = {
                "db.system.name": "postgresql", "db.namespace": "shop", "db.query.text": text, "server.address": "127.0.0.1",
                "server.port": 5432, "network.transport": "tcp",
            }  # fmt: skip
            add(server, verb, SpanKind.CLIENT, server.resource, DATABASE, query)
        else:
            resource = rng.choice(SERVICES)
            route = rng.choice(ROUTES)
            call: dict[str, AttributeValue] = {
                "http.request.method": "GET", "url.full": f"http://{resource.service}:8080{route}",
                "http.response.status_code": 200, "server.address": resource.service, "server.port": 8080,
            }  # fmt: skip
            client = add(server, "GET", SpanKind.CLIENT, server.resource, SCOPE, call)
            servers.append(serve(client, route, resource))
    return made[:spans]


def again(spans: Sequence[Span], seed: int) -> list[Span]:
    """The same trace in another run: new ids, other times."""
    rng = random.Random(seed)
    ids = {span.span_id: rng.randbytes(8).hex() for span in spans}
    trace_id, shift = rng.randbytes(16).hex(), rng.randrange(10**12)
    return [
        replace(
            span, trace_id=trace_id, span_id=ids[span.span_id], parent_span_id=ids.get(span.parent_span_id, ""),
            start_ns=span.start_ns + shift, end_ns=span.end_ns + shift,
        )
        for span in spans
    ]  # fmt: skip


def changed(spans: Sequence[Span], seed: int) -> list[Span]:
    """Five changes: a call renamed, lost, added and moved, and one status 500."""
    rng = random.Random(seed)
    parents = {span.parent_span_id for span in spans}
    leaves = [span for span in spans if span.span_id not in parents]
    inner = [span for span in spans if span.span_id in parents and span.parent_span_id]
    rng.shuffle(leaves)
    renamed, lost, repeated, moved = leaves[:4]
    served = next(span for span in spans[len(spans) // 2 :] if span.kind == SpanKind.SERVER)
    replaced = {
        renamed.span_id: replace(renamed, name=renamed.name + " v2"),
        moved.span_id: replace(moved, parent_span_id=rng.choice(inner).span_id),
        served.span_id: replace(served, attributes={**served.attributes, "http.response.status_code": 500}),
    }
    added = replace(repeated, span_id=rng.randbytes(8).hex(), name="SELECT audit_log")
    return [replaced.get(span.span_id, span) for span in spans if span is not lost] + [added]


def from_folder(folder: Path, spans: int) -> tuple[list[Span], list[Span], list[Span]]:
    """Golden, same and changed trace as another generator (`tracepairs.py` of a folder) makes them."""
    sys.path.insert(0, str(folder))
    pair = importlib.import_module("tracepairs").pair
    golden, same = pair(spans, "identical")
    _, other = pair(spans, "mutated")
    return _spans(golden), _spans(same), _spans(other)


def _spans(dicts: Sequence[dict[str, Any]]) -> list[Span]:
    resources = {name: Resource({"service.name": name}, name) for name in {each["service"] for each in dicts}}
    return [
        Span(
            trace_id=each["trace_id"], span_id=each["span_id"], parent_span_id=each["parent_id"], name=each["name"],
            kind=SpanKind(each["kind"]), start_ns=each["start"], end_ns=each["end"], attributes=each["attrs"],
            resource=resources[each["service"]], scope=SCOPE,
        )
        for each in dicts
    ]  # fmt: skip
