"""The demo's end-to-end test suite: six test cases, each under a root span that names it.

All of them pass on both releases: they look at answers, and the answers are right. That is the point of the story.
"""

import os
import sys
from collections.abc import Callable

import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

BASE_URL = os.environ.get("DEMO_URL", "http://127.0.0.1:8000")
HEADERS = {"X-Organisation": "acme"}


def call(method: str, path: str, expected: int, body: dict[str, str] | None = None) -> dict[str, object]:
    """One request; raises AssertionError when the status is another one."""
    response = requests.request(method, BASE_URL + path, json=body, headers=HEADERS, timeout=10)
    assert response.status_code == expected, f"{method} {path}: {response.status_code}, expected {expected}"
    answer: dict[str, object] = response.json()
    return answer


def test_create_trace() -> None:
    """A new trace is in both stores."""
    call("PUT", "/traces/4711", 201, {"name": "checkout"})


def test_show_trace() -> None:
    """A trace is found by its organisation."""
    assert call("GET", "/traces/4711", 200)["name"] == "checkout"


def test_show_unknown_trace() -> None:
    """An unknown trace is 404."""
    call("GET", "/traces/9999", 404)


def test_persist_trace() -> None:
    """Persisting is accepted."""
    assert call("POST", "/traces/4711/persist", 202)["accepted"] is True


def test_persist_unknown_trace() -> None:
    """Persisting what does not exist is accepted too: it is idempotent, there is nothing to keep."""
    assert call("POST", "/traces/9999/persist", 202)["accepted"] is True


def test_raw_trace() -> None:
    """The raw trace comes from the search index."""
    assert call("GET", "/traces/4711/raw", 200)["name"] == "checkout"


CASES: tuple[Callable[[], None], ...] = (
    test_create_trace,
    test_show_trace,
    test_show_unknown_trace,
    test_persist_trace,
    test_persist_unknown_trace,
    test_raw_trace,
)


def main() -> int:
    """Run every case; returns how many failed."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    RequestsInstrumentor().instrument()
    tracer = trace.get_tracer("suite")
    failed = 0
    for case in CASES:
        with tracer.start_as_current_span(case.__name__, attributes={"test.case.name": case.__name__}) as span:
            try:
                case()
                print(f"  ✓ {case.__name__}", flush=True)
            except AssertionError as error:
                span.set_status(trace.StatusCode.ERROR)
                failed += 1
                print(f"  ✗ {case.__name__}: {error}", flush=True)
    provider.shutdown()
    return failed


if __name__ == "__main__":
    sys.exit(main())
