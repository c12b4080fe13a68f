"""Traces over HTTP: search, one trace, two side by side, promotion and persistence, regression tests."""

import json
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from gate.codec.otlp_json import decode_spans
from gate.model.trace import Span
from tests.contract.made import NOW, SECOND, span, trace_id
from tests.http.served import Api
from tests.unit.service.story import BAD, persist_trace

UNKNOWN = "f" * 32
ISO = "2026-05-28T20:26:40Z"
"""NOW, as RFC 3339."""


def shop(api: Api) -> None:
    """Six traces, trace 6 the newest; 1 to 3 are of run `r1`."""
    api.ok("POST", "/runs", {"id": "r1", "environment": "staging"})
    api.send(
        span(1, start=NOW, http__route="/orders", http__response__status_code=200),
        span(1, 2, 1, name="SELECT orders", service="db", start=NOW, db__system__name="postgresql"),
        span(2, start=NOW + SECOND, name="POST /pay", http__route="/pay", http__response__status_code=503, error=True),
        span(3, start=NOW + 2 * SECOND, http__route="/orders", http__response__status_code=404),
        run="r1",
    )
    api.send(
        span(4, start=NOW + 3 * SECOND, duration=30 * SECOND, resource={"deployment.environment.name": "load"}),
        span(5, start=NOW + 4 * SECOND, name="job", service="worker", test__case__name="checkout works"),
        span(6, start=NOW + 5 * SECOND, name="SELECT orders", service="worker", retries=3),
    )
    api.ok("POST", f"/traces/{trace_id(5)}/persist")


def found(api: Api, query: str) -> list[int]:
    """The numbers of the traces that a search finds."""
    return [int(trace["trace_id"], 16) for trace in api.ok("GET", f"/traces{query}")["traces"]]


def test_every_filter_of_a_search(api: Api) -> None:
    """Each gives exactly the traces that match, newest first."""
    shop(api)
    expected: dict[str, list[int]] = {
        "": [6, 5, 4, 3, 2, 1],
        "?service=worker": [6, 5],
        "?service=db": [1],
        "?operation=SELECT%20orders": [6, 1],
        "?service=db&operation=SELECT%20orders": [1],
        "?route=/orders": [3, 1],
        "?status=404": [3],
        "?status=5xx": [2],
        "?error=true": [2],
        "?error=false": [6, 5, 4, 3, 1],
        "?test_case=checkout%20works": [5],
        "?run=r1": [3, 2, 1],
        "?run=nobody-knows": [],
        "?environment=load": [4],
        f"?since={quote('2026-05-28T20:26:42Z')}": [6, 5, 4, 3],
        f"?until={quote('2026-05-28T22:26:42+02:00')}": [2, 1],
        f"?since={ISO}&until={quote('2026-05-28T20:26:41')}": [1],
        "?since=0001-01-01T00:00:00Z": [6, 5, 4, 3, 2, 1],
        "?since=9999-12-31T23:59:59Z": [],
        "?until=9999-12-31T23:59:59Z": [6, 5, 4, 3, 2, 1],
        "?until=0001-01-01T00:00:00Z": [],
        "?min_duration_ms=20000": [4],
        "?persistent=true": [5],
        "?persistent=false": [6, 4, 3, 2, 1],
        "?attribute=db.system.name%3Dpostgresql": [1],
        "?attribute=service.name%3Dworker": [6, 5],
        "?attribute=retries%3D3": [6],
        "?attribute=retries%3D4": [],
        "?run=r1&route=/orders&status=2xx&error=false": [1],
    }
    assert {query: found(api, query) for query in expected} == expected


@pytest.mark.parametrize("filters", ["", "&error=false", "&attribute=service.name%3Dweb"])
def test_a_search_is_paged(api: Api, filters: str) -> None:
    """Two at a time, every trace once, newest first, whatever arrives meanwhile."""
    api.send(*(span(number, start=NOW + number) for number in range(1, 8)))
    numbers: list[int] = []
    after, newer = "", 8
    while True:
        page = api.ok("GET", f"/traces?limit=2&after={after}{filters}")
        assert len(page["traces"]) <= 2
        numbers += [int(trace["trace_id"], 16) for trace in page["traces"]]
        api.send(span(newer, start=NOW + newer))
        newer += 1
        after = page["next"]
        if not after:
            break
    assert numbers == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?limit=0", "limit"), ("?limit=501", "limit"), ("?limit=ten", "limit"), ("?status=600", "status"), ("?status=4x", "status"),
        ("?error=perhaps", "error"), ("?since=yesterday", "since"), ("?min_duration_ms=-1", "min_duration_ms"), ("?min_duration_ms=nan", "min_duration_ms"),
        ("?attribute=novalue", "attribute"), ("?attribute==v", "attribute"), ("?after=nonsense", "cursor"), ("?servce=web", "servce"),
        ("?service=" + "x" * 251, "service"), ("?service=a%00b", "service"),
    ],
)  # fmt: skip
def test_a_wrong_filter_is_400(api: Api, query: str, named: str) -> None:
    """The problem names the parameter, also one that does not exist: a misspelt filter must not match everything."""
    assert named in api.problem(400, "GET", f"/traces{query}")["detail"]


def test_a_summary_is_that_of_the_entry(api: Api) -> None:
    """What a list shows of a trace."""
    shop(api)
    (summary,) = [trace for trace in api.ok("GET", "/traces")["traces"] if trace["trace_id"] == trace_id(1)]
    assert summary.pop("received_at").endswith("Z")
    assert summary == {
        "trace_id": trace_id(1), "project": api.project, "run": "r1", "environment": "", "test_case": "", "service": "web",
        "operation": "GET /orders", "route": "/orders", "status": 200, "error": False, "spans": 2, "start_ns": NOW,
        "duration_ns": SECOND, "services": ["db", "web"], "persistent": False, "baseline": False, "state": "done",
    }  # fmt: skip


def test_one_trace_raw_and_normalised(api: Api) -> None:
    """Raw: the same spans as were sent, as OTLP/JSON. Normalised: what the comparison sees, ids and literals gone."""
    sent = persist_trace(1)
    api.send(*sent)
    raw = api("GET", f"/traces/{trace_id(1)}?format=otlp")
    assert raw.headers["content-type"] == "application/json"
    assert _by_id(decode_spans(raw.content)) == _by_id(sent)
    assert json.loads(raw.text)["resourceSpans"]

    trace = api.ok("GET", f"/traces/{trace_id(1)}")
    assert trace["summary"]["spans"] == 4
    assert trace["problems"] == []
    (flow,) = trace["flows"]
    assert flow["key"] == {"test_case": "persist a trace", "service": "api", "operation": "POST /traces/{id}/persist"}
    assert [operation["parent"] for operation in flow["operations"]] == [-1, 0, 0, 0]
    (read,) = [operation for operation in flow["operations"] if operation["name"].startswith("SELECT")]
    assert read["kind"] == "client"
    assert read["attributes"]["db.query.text"] == "SELECT * FROM traces WHERE id = ?"


def test_ids_may_be_in_upper_case(api: Api) -> None:
    """They are the same trace."""
    api.send(Span(**{**_fields(span()), "trace_id": "ab" * 16}))
    assert api.ok("GET", f"/traces/{'AB' * 16}")["summary"]["trace_id"] == "ab" * 16


@pytest.mark.parametrize(
    "wrong", ["1", "z" * 32, "0" * 31, "0" * 33, "..%2f..%2fetc", "%00", "%ff" * 16, "'; DROP TABLE traces; --"]
)
def test_what_is_no_trace_id_is_400(api: Api, wrong: str) -> None:
    """Reading, changing and comparing name the parameter; nothing is written."""
    calls = [
        ("GET", f"/traces/{wrong}"),
        ("GET", f"/traces/{wrong}/spec"),
        ("GET", f"/compare?before={wrong}&after={trace_id(1)}"),
    ]
    calls += [("POST", f"/traces/{wrong}/{action}") for action in ("promote", "demote", "persist", "unpersist")]
    for method, path in calls:
        response = api(method, path)
        # A path that cannot hold an id at all is nowhere.
        assert response.status_code == 400 or (response.status_code == 404 and "%2f" in wrong), response.text


def test_a_trace_that_nobody_knows_is_404_and_nothing_is_written(api: Api) -> None:
    """Promoting above all: no baseline, no trace, no mark."""
    before = api.ok("GET", "/stats")
    for method, path in [("GET", ""), ("GET", "?format=otlp"), ("GET", "/spec"), *(("POST", f"/{action}") for action in
                         ("promote", "demote", "persist", "unpersist"))]:  # fmt: skip
        assert UNKNOWN in api.problem(404, method, f"/traces/{UNKNOWN}{path}")["detail"]
    assert api.ok("GET", "/stats") == before
    assert api.ok("GET", "/baselines") == []
    assert found(api, "") == []
    api.send(Span(**{**_fields(span()), "trace_id": UNKNOWN}))
    assert not api.ok("GET", f"/traces/{UNKNOWN}")["summary"]["persistent"]


def test_promote_and_demote(api: Api) -> None:
    """Golden and persistent, with who and why; demoted it is neither, in the record and in search; each is repeatable."""
    api.judged(persist_trace(1))
    promotion = api.ok("POST", f"/traces/{trace_id(1)}/promote", {"reason": "as it should be"})
    assert (promotion["trace_id"], promotion["state"], len(promotion["flows"])) == (trace_id(1), "done", 1)
    assert api.ok("POST", f"/traces/{trace_id(1)}/promote", {"reason": "again"})["state"] == "done"
    (baseline,) = api.ok("GET", "/baselines")
    (sample,) = baseline["samples"]
    assert (sample["trace_id"], sample["reason"], sample["promoted_by"]) == (trace_id(1), "as it should be", "local")
    summary = api.ok("GET", f"/traces/{trace_id(1)}")["summary"]
    assert (summary["persistent"], summary["baseline"]) == (True, True)
    assert api.ok("GET", f"/baselines/{baseline['id']}") == baseline

    assert "Demote" in api.problem(409, "POST", f"/traces/{trace_id(1)}/unpersist")["hint"]
    assert api.ok("POST", f"/traces/{trace_id(1)}/demote")["flows"] == promotion["flows"]
    assert api.ok("POST", f"/traces/{trace_id(1)}/demote")["flows"] == []
    assert api.ok("GET", "/baselines") == []
    summary = api.ok("GET", f"/traces/{trace_id(1)}")["summary"]
    assert (summary["persistent"], summary["baseline"]) == (False, False)
    api.problem(404, "GET", f"/baselines/{baseline['id']}")


def test_an_incomplete_trace_is_not_promoted(api: Api) -> None:
    """409 says why; nothing is written."""
    api.send(*persist_trace(1, broken=True))
    assert "incomplete" in api.problem(409, "POST", f"/traces/{trace_id(1)}/promote")["detail"]
    assert api.ok("GET", "/baselines") == []
    assert not api.ok("GET", f"/traces/{trace_id(1)}")["summary"]["persistent"]


def test_persist_and_unpersist(api: Api) -> None:
    """Shown in search, and repeatable."""
    api.send(span(1), span(2))
    for _ in range(2):
        assert api.ok("POST", f"/traces/{trace_id(1)}/persist") == {
            "trace_id": trace_id(1), "state": "done", "flows": [], "reason": "",
        }  # fmt: skip
    assert found(api, "?persistent=true") == [1]
    for _ in range(2):
        api.ok("POST", f"/traces/{trace_id(1)}/unpersist")
    assert found(api, "?persistent=true") == []


def test_two_traces_side_by_side(api: Api) -> None:
    """Any two: the cause is found, in every format; none calls a trace golden that is not."""
    api.send(*persist_trace(1))
    api.send(*persist_trace(2, good=BAD))
    pair = f"/compare?before={trace_id(1)}&after={trace_id(2)}"
    document = api.ok("GET", pair)
    assert document["conclusion"] == "fail"
    (finding,) = document["findings"]
    assert finding["change"]["type"] == "rows-changed"
    page = api("GET", f"{pair}&format=html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    texts = [page.text, *(api("GET", f"{pair}&format={format}").text for format in ("text", "json"))]
    assert all("returned 0 rows, the first trace returns 1" in text for text in texts)
    assert not any("golden trace" in text for text in texts)
    assert api.ok("GET", f"/compare?before={trace_id(1)}&after={trace_id(1)}")["conclusion"] == "pass"


def test_comparing_needs_two_known_traces(api: Api) -> None:
    """404 names the one that is missing; 400 when it is not named at all."""
    api.send(*persist_trace(1))
    assert UNKNOWN in api.problem(404, "GET", f"/compare?before={trace_id(1)}&after={UNKNOWN}")["detail"]
    assert UNKNOWN in api.problem(404, "GET", f"/compare?before={UNKNOWN}&after={trace_id(1)}")["detail"]
    assert "after" in api.problem(400, "GET", f"/compare?before={trace_id(1)}")["detail"]


def test_a_regression_test_from_a_trace_and_from_a_baseline(api: Api) -> None:
    """YAML and pytest, each with its media type; both name both updates."""
    api.judged(persist_trace(1))
    api.ok("POST", f"/traces/{trace_id(1)}/promote")
    (baseline,) = api.ok("GET", "/baselines")
    for path in (f"/traces/{trace_id(1)}/spec", f"/baselines/{baseline['id']}/spec"):
        text = api("GET", path)
        assert text.headers["content-type"] == "application/yaml"
        assert "UPDATE traces" in json.dumps(yaml.safe_load(text.text))
        program = api("GET", f"{path}?format=pytest")
        assert program.headers["content-type"] == "text/x-python; charset=utf-8"
        compile(program.text, "spec", "exec")
    api.problem(404, "GET", "/baselines/nobody-knows/spec")
    api.problem(404, "GET", "/baselines/nobody-knows")
    assert "format" in api.problem(400, "GET", f"/traces/{trace_id(1)}/spec?format=exe")["detail"]


def test_a_trace_that_is_no_request_makes_no_spec(api: Api) -> None:
    """422, or a spec that says what it cannot send; never an error of ours."""
    api.send(span(1, 2, 9, name="orphan", service="worker"))
    response = api("GET", f"/traces/{trace_id(1)}/spec")
    assert response.status_code in (200, 422)


def _by_id(spans: Any) -> dict[str, Span]:
    return {each.span_id: each for each in spans}


def _fields(one: Span) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
