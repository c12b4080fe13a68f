"""Traces that no healthy system makes, all the way: stored, judged, shown, compared, promoted; never an error of ours."""

import gzip

import pytest

from gate.codec.encode import encode_protobuf
from gate.model.trace import Span
from tests.contract.made import NOW, span, trace_id
from tests.http.served import Api

DEEP = [span(1, number, number - 1, start=NOW + number, name=f"step {number % 3}") for number in range(1, 100_001)]
CYCLE = [span(2, 1, 2), span(2, 2, 1), span(2, 3)]
BACKWARDS = [span(3, 1), span(3, 2, 1, duration=-5_000_000_000)]
HUGE = [span(4, 1, body="x" * 1024 * 1024)]
TWICE = [span(5, 1, name="one"), span(5, 1, name="other"), span(5, 2, 1)]


@pytest.mark.parametrize(
    ("number", "spans", "problem"),
    [
        (1, DEEP, "too-deep"), (2, CYCLE, "cycle"), (3, BACKWARDS, "negative-duration"), (4, HUGE, ""), (5, TWICE, "duplicate"),
    ],
    ids=["deep", "cycle", "backwards", "huge", "twice"],
)  # fmt: skip
def test_a_strange_trace_goes_all_the_way(api: Api, number: int, spans: list[Span], problem: str) -> None:
    """What is wrong with it is said; nothing of it is lost."""
    run = api.ok("POST", "/runs")["id"]
    body = gzip.compress(encode_protobuf(spans), 1)
    assert api.send(content=body, run=run, content_encoding="gzip").status_code == 200
    api.ok("POST", f"/runs/{run}/finish")
    assert api.ok("GET", f"/runs/{run}/verdict?wait=30")["conclusion"] in ("new", "inconclusive")
    shown = api.ok("GET", f"/traces/{trace_id(number)}")
    assert {each["kind"] for each in shown["problems"]} >= ({problem} if problem else set())
    assert shown["summary"]["spans"] == len(spans)
    raw = api.ok("GET", f"/traces/{trace_id(number)}?format=otlp")
    count = sum(len(scope["spans"]) for resource in raw["resourceSpans"] for scope in resource["scopeSpans"])
    assert count == len({each.span_id for each in spans})
    assert api("POST", f"/traces/{trace_id(number)}/promote").status_code in (200, 409)
    assert api("GET", f"/runs/{run}/report?format=text").status_code == 200
