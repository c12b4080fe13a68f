"""The story as data, for somebody who looks around: three golden runs of a small test suite, and a pull request with the bug.

Made here, not recorded: `make demo` tells the same story with a real service.
"""

import contextlib
import hashlib
import random
import time
from collections.abc import Iterator
from typing import Any

from gate.codec.encode import to_batch
from gate.errors import Conflict
from gate.model.run import Run
from gate.model.trace import Resource, Scope, Span, SpanKind
from gate.service import Gate

PROJECT = "demo"
_MS = 1_000_000
_MINUTE = 60_000 * _MS
_SUITE, _API = (Resource({"service.name": name}, name) for name in ("e2e-tests", "traces-api"))
_SELECT = "SELECT id, organisation, name, persistent FROM traces WHERE id = %s AND organisation = %s"
_QUERY: dict[str, Any] = {"db.system.name": "postgresql", "db.query.text": _SELECT, "db.operation.name": "SELECT"}
_UPDATE: dict[str, Any] = {"db.system.name": "postgresql", "db.query.text": "UPDATE traces SET persistent = true WHERE id = %s"}
_INSERT: dict[str, Any] = {
    "db.system.name": "postgresql",
    "db.query.text": "INSERT INTO traces (id, organisation, name) VALUES (%s, %s, %s)",
}

_Call = tuple[str, SpanKind, int, dict[str, Any]]
"""Name, kind, milliseconds, attributes; `fetch` wraps the calls behind it that are its own."""


async def fill(gate: Gate, *, by: str) -> str:
    """Make the project `demo` and its four runs; returns the run to look at. What is there already stays as it is."""
    with contextlib.suppress(Conflict):
        await gate.create_project(PROJECT)
        await gate.update_project(PROJECT, auto_promote="hold", by=by)  # somebody looked at the three and promoted them
    now = time.time_ns()
    for number in range(1, 5):
        bug = number == 4
        run = Run(
            f"demo-{number}", PROJECT, environment="demo", branch="refactor-tenancy" if bug else "main",
            commit="badc0de4" if bug else "a11600d1", base_branch="main", pull_request=7 if bug else 0,
        )  # fmt: skip
        await gate.create_run(run)
        await gate.receive(PROJECT, to_batch(tuple(_spans(number, now - (5 - number) * 5 * _MINUTE, bug=bug))), run=run.id)
        await gate.finish_run(PROJECT, run.id)
        await gate.verdict(PROJECT, run.id, wait=10)
        if not bug:
            await gate.promote_run(PROJECT, run.id, by=by, reason="demo data")
    return "demo-4"


def _spans(run: int, start: int, *, bug: bool) -> Iterator[Span]:
    cases: dict[str, tuple[str, str, int, list[_Call]]] = {
        "test_create_trace": ("PUT", "/traces/{id}", 201, [("INSERT traces", SpanKind.CLIENT, 2, _INSERT), _search("index", "PUT", "/traces/_doc/{id}")]),
        "test_show_trace": ("GET", "/traces/{id}", 200, _fetch(1)),
        "test_show_unknown_trace": ("GET", "/traces/{id}", 404, _fetch(0)),
        "test_persist_trace": ("POST", "/traces/{id}/persist", 202, _fetch(0) if bug else [*_fetch(1), ("UPDATE traces", SpanKind.CLIENT, 3, _UPDATE), _search("update", "POST", "/traces/_update/{id}")]),
        "test_persist_unknown_trace": ("POST", "/traces/{id}/persist", 202, _fetch(0)),
        "test_raw_trace": ("GET", "/traces/{id}/raw", 200, [_search("get", "GET", "/traces/_doc/{id}")]),
    }  # fmt: skip
    for at, (case, (method, route, status, calls)) in enumerate(cases.items()):
        yield from _trace(run, case, start + at * 400 * _MS, method, route, status, calls)


def _trace(run: int, case: str, start: int, method: str, route: str, status: int, calls: list[_Call]) -> Iterator[Span]:
    seed = hashlib.sha256(f"{run} {case}".encode()).hexdigest()
    varies = random.Random(seed)  # noqa: S311 - milliseconds of a story
    trace_id, scope = seed[:32], Scope("demo", "1.0")
    request = {"http.request.method": method, "http.response.status_code": status}
    clock = start + 3 * _MS
    inner: list[tuple[int, str, SpanKind, int, int, dict[str, Any]]] = []
    fetch = -1
    for name, kind, milliseconds, attributes in calls:
        took = int(milliseconds * _MS * varies.uniform(0.8, 1.4))
        if kind == SpanKind.INTERNAL:
            fetch = len(inner)
            inner.append((2, name, kind, clock, clock + took, attributes))
            clock += took // 8
            continue
        inner.append((fetch + 3 if fetch >= 0 and attributes is _QUERY else 2, name, kind, clock, clock + took, attributes))
        clock += took + _MS
    end = clock + 2 * _MS
    made = [
        (-1, case, SpanKind.INTERNAL, start, end + 2 * _MS, {"test.case.name": case}, _SUITE),
        (0, method, SpanKind.CLIENT, start + _MS, end + _MS, {**request, "url.full": f"http://127.0.0.1:8000{route.format(id=4711)}"}, _SUITE),
        (1, f"{method} {route}", SpanKind.SERVER, start + 2 * _MS, end, {**request, "http.route": route}, _API),
        *((parent, name, kind, begin, stop, attributes, _API) for parent, name, kind, begin, stop, attributes in inner),
    ]  # fmt: skip
    for number, (parent, name, kind, begin, stop, attributes, resource) in enumerate(made):
        parent_id = f"{seed[32:46]}{parent:02x}" if parent >= 0 else ""
        yield Span(trace_id, f"{seed[32:46]}{number:02x}", parent_id, name, kind, begin, stop, attributes, resource, scope)


def _fetch(rows: int) -> list[_Call]:
    return [
        ("TraceRepository.fetch", SpanKind.INTERNAL, 4, {"db.response.returned_rows": rows}),
        ("SELECT traces", SpanKind.CLIENT, 2, _QUERY),
    ]


def _search(operation: str, method: str, path: str) -> _Call:
    return (
        operation, SpanKind.CLIENT, 4,
        {"db.system.name": "elasticsearch", "db.operation.name": operation, "http.request.method": method, "url.full": f"http://search:9200{path.format(id=4711)}", "http.response.status_code": 200},
    )  # fmt: skip
