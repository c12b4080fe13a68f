"""Operating the server: health, counts, retention, request ids, logs, its own telemetry; and what is answered where nothing is."""

from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gate.telemetry import Telemetry
from gate.usecases import retention
from gate.usecases.gate import StoreGate
from tests.contract.made import DAY, span, trace_id
from tests.http.served import PROBLEM, TIMEOUT, Api, Clock, served
from tests.unit.service.story import persist_trace

UNKNOWN = "f" * 32


def test_health_says_what_works(api: Api) -> None:
    """200, each component, and the version; without a token."""
    health = httpx.get(f"{api.url}/health", timeout=TIMEOUT)
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert health.json()["components"]["database"] == "ok"


def test_counts(tmp_path: Path) -> None:
    """Of everything that is stored."""
    with served(tmp_path) as url:
        api = Api(url)
        assert api.ok("GET", "/stats") == {"spans": 0, "traces": 0, "runs": 0, "baselines": 0}
        api.judged(persist_trace(1))
        api.ok("POST", f"/traces/{trace_id(1)}/promote")
        assert api.ok("GET", "/stats") == {"spans": 4, "traces": 1, "runs": 1, "baselines": 1}


def test_pruning_keeps_what_is_persistent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run only counts; then old traces are gone, golden and persistent ones are not; 0 days keeps everything."""
    monkeypatch.setattr(retention, "_LOOK_SECONDS", 3600)  # else the server prunes by itself when a minute has passed
    clock = Clock()
    clock.offset_ns = -40 * DAY
    with served(tmp_path, clock=clock) as url:
        api = Api(url)
        api.send(*persist_trace(1))
        api.send(span(2), span(3))
        api.ok("POST", f"/traces/{trace_id(1)}/promote")
        api.ok("POST", f"/traces/{trace_id(2)}/persist")
        clock.offset_ns = 0
        api.send(span(4))
        api.ok("PATCH", "/projects/default", {"retention_days": 0})
        assert api.ok("POST", "/prune")["traces"] == 0
        api.ok("PATCH", "/projects/default", {"retention_days": 30})
        counted = api.ok("POST", "/prune", {"dry_run": True})
        assert (counted["traces"], counted["spans"], counted["persistent_kept"], counted["dry_run"]) == (1, 1, 2, True)
        assert len(api.ok("GET", "/traces")["traces"]) == 4
        assert api.ok("POST", "/prune") == {**counted, "dry_run": False}
        left = {trace["trace_id"] for trace in api.ok("GET", "/traces")["traces"]}
        assert left == {trace_id(1), trace_id(2), trace_id(4)}
        api.problem(404, "GET", f"/traces/{trace_id(3)}")
        assert api.ok("GET", f"/traces/{trace_id(1)}")["summary"]["spans"] == 4


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1", "/api/v2/runs", "/v1/metrics", "/api/v1/runs/a/b/c", "/health/x"])
def test_where_nothing_is_404(api: Api, path: str) -> None:
    """A problem that says where the description is."""
    for method in ("GET", "POST", "DELETE"):
        assert "/schema" in api.problem(404, method, f"/{path}")["hint"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/runs"), ("PUT", "/runs"), ("POST", "/traces"), ("DELETE", f"/traces/{UNKNOWN}"), ("GET", "/prune"),
     ("POST", "/stats"), ("GET", f"/traces/{UNKNOWN}/promote"), ("PATCH", "/projects"), ("TRACE", "/runs")],
)  # fmt: skip
def test_another_method_is_405(api: Api, method: str, path: str) -> None:
    """With the methods that there are."""
    answer = api(method, path)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


def test_options_is_answered(api: Api) -> None:
    """Which methods there are, to anybody; no other site is let in."""
    answer = httpx.options(f"{api.url}/api/v1/stats", timeout=TIMEOUT)
    assert answer.status_code == 204
    assert "GET" in answer.headers["allow"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"id": "a"', b"\xff\xfe{}", b'{"id": "\xff"}', b'{"id": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b"nul", b"\x00", b"null"],
    ids=["open", "cut", "utf-16", "not utf-8", "surrogate", "deep list", "deep object", "no word", "nul", "null"],
)  # fmt: skip
def test_a_body_that_is_no_json_is_400(api: Api, body: bytes) -> None:
    """Never 500; nothing is made."""
    answer = api("POST", "/runs", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert api.ok("GET", "/runs")["runs"] == []


def test_a_body_over_the_limit_is_413(api: Api) -> None:
    """4 MiB is enough for every body of the API; with and without a length."""
    body = b'{"id": "' + b"x" * (4 * 1024 * 1024) + b'"}'
    for content in (body, iter([body])):
        answer = api("POST", "/runs", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["title"]) == (413, "Too large")


def test_a_request_has_an_id(api: Api) -> None:
    """The caller's own when it is plain, else a new one; problems carry it too."""
    assert api("GET", "/runs", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for hostile in ("a b", "x" * 65, "<script>"):
        assert api("GET", "/runs", headers={"x-request-id": hostile}).headers["x-request-id"] != hostile


def test_answers_are_nothing_for_a_browser(api: Api) -> None:
    """Every answer is taken as it is, framed nowhere, kept nowhere; errors and exports too."""
    api.send(span())
    for answer in (
        api("GET", "/runs"),
        api("GET", "/nothing"),
        api.send(span()),
        httpx.get(f"{api.url}/health", timeout=TIMEOUT),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_own_telemetry(tmp_path: Path) -> None:
    """Server spans named by route, with the use case below them; exports and health checks are not traced."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with served(tmp_path, telemetry=Telemetry(provider)) as url:
        api = Api(url)
        api.send(*persist_trace(1))
        httpx.get(f"{url}/health", timeout=TIMEOUT)
        api.ok("POST", f"/traces/{trace_id(1)}/promote")
        api.problem(404, "GET", f"/traces/{UNKNOWN}")
    provider.shutdown()
    spans = {each.context.span_id: each for each in exporter.get_finished_spans()}
    names = {each.name for each in spans.values()}
    assert "POST /api/v1/traces/{trace_id}/promote" in names
    assert not any("/v1/traces" in name and "/api/" not in name for name in names)
    assert not any("health" in name for name in names)
    (promotion,) = [each for each in spans.values() if each.name == "gate.promote"]
    assert promotion.parent is not None
    assert spans[promotion.parent.span_id].name == "POST /api/v1/traces/{trace_id}/promote"
    assert spans[promotion.parent.span_id].attributes["http.route"] == "/api/v1/traces/{trace_id}/promote"


def test_a_mistake_of_ours_says_only_its_id(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """500 as a problem without a word of the cause; the log has it under the request's id."""

    async def broken(_: StoreGate) -> None:
        raise RuntimeError("a secret in a message")

    monkeypatch.setattr(StoreGate, "stats", broken)
    answer = httpx.get(f"{api.url}/api/v1/stats", headers={"x-request-id": "find-me"}, timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "find-me" in answer.json()["detail"]
    assert "secret" not in answer.text
    logged = capsys.readouterr()
    assert "a secret in a message" in logged.out + logged.err
    assert "find-me" in logged.out + logged.err
