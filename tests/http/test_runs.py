"""Runs over HTTP: begin, finish, verdict, report, approval, promotion."""

import json
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.contract.made import span, trace_id
from tests.http.served import TIMEOUT, Api, served
from tests.unit.report.markdown import read
from tests.unit.service.story import BAD, persist_trace

RUN = {
    "id": "1234-1",
    "environment": "staging",
    "gate": "api",
    "commit": "a" * 40,
    "branch": "feature",
    "base_commit": "b" * 40,
    "base_branch": "main",
    "pull_request": 7,
    "repository": "acme/shop",
    "url": "https://ci.example/1234",
    "attempt": 2,
}


def promoted(api: Api, *numbers: int) -> None:
    """Golden traces of the story."""
    for number in numbers:
        api.judged(persist_trace(number))
        api.ok("POST", f"/traces/{trace_id(number)}/promote")


def test_a_run_comes_back_as_it_was_made(api: Api) -> None:
    """Every field, with state and time; making it again is the same run; a list has it."""
    run = api.ok("POST", "/runs", RUN)
    assert run == {**RUN, "project": api.project, "state": "open", "created_at": run["created_at"], "finished_at": ""}
    assert run["created_at"].endswith("Z")
    assert api.ok("GET", "/runs/1234-1") == run
    assert api.ok("POST", "/runs", RUN) == run
    assert api.ok("GET", "/runs") == {"runs": [run], "next": "", "conclusions": {}}


def test_a_run_without_a_body_gets_an_id(api: Api) -> None:
    """201, and two of them are two runs."""
    one, other = api("POST", "/runs"), api("POST", "/runs")
    assert (one.status_code, other.status_code) == (201, 201)
    assert one.json()["id"] != other.json()["id"]
    assert one.json()["environment"] == "ci"


def test_the_same_id_for_another_commit_is_a_conflict(api: Api) -> None:
    """409 says which field differs; the run stays as it was."""
    run = api.ok("POST", "/runs", RUN)
    problem = api.problem(409, "POST", "/runs", {**RUN, "commit": "c" * 40})
    assert "commit" in problem["detail"] and problem["hint"]
    assert api.ok("GET", "/runs/1234-1") == run


@pytest.mark.parametrize(
    "body",
    [
        {"id": "a b"}, {"environment": ""}, {"pull_request": -1}, {"attempt": 0},
        {"url": "javascript:alert(1)"}, {"branch": "a\nb"}, {"commit": 7}, {"unknown": 1}, [], "run", 1,
    ],
)  # fmt: skip
def test_a_run_of_the_wrong_shape_is_400(api: Api, body: Any) -> None:
    """The problem names the field; nothing is made."""
    problem = api.problem(400, "POST", "/runs", body)
    if isinstance(body, dict):
        assert next(iter(body)) in problem["detail"]
    assert api.ok("GET", "/runs")["runs"] == []


def test_runs_are_paged_newest_first(api: Api) -> None:
    """Every run once, by branch too; a cursor of nobody is 400."""
    ids = [api.ok("POST", "/runs", {"branch": branch})["id"] for branch in ("main", "x", "main", "x", "main")]
    found, after = [], ""
    while True:
        page = api.ok("GET", f"/runs?limit=2&after={after}")
        assert len(page["runs"]) <= 2
        found += [run["id"] for run in page["runs"]]
        after = page["next"]
        if not after:
            break
    assert found == ids[::-1]
    assert [run["id"] for run in api.ok("GET", "/runs?branch=main")["runs"]] == [ids[4], ids[2], ids[0]]
    assert "cursor" in api.problem(400, "GET", "/runs?after=nonsense")["detail"]


def test_a_run_that_nobody_knows_is_404_everywhere(api: Api) -> None:
    """Reading, finishing, judging, reporting, approving, promoting, exporting; and nothing is made by asking."""
    for method, path in (
        ("GET", ""), ("POST", "/finish"), ("GET", "/verdict"), ("GET", "/verdict?wait=1"), ("GET", "/report"),
        ("POST", "/approvals"), ("POST", "/promote"),
    ):  # fmt: skip
        assert "nobody-knows" in api.problem(404, method, f"/runs/nobody-knows{path}")["detail"]
    answer = api.send(span(), run="nobody-knows")
    assert answer.status_code == 404
    assert b"nobody-knows" in answer.content
    assert api.ok("GET", "/runs")["runs"] == []
    assert api.ok("GET", "/traces")["traces"] == []


def test_a_run_of_another_project_is_404(api: Api) -> None:
    """Its id is no secret worth guessing: spans for it are refused, and stored nowhere."""
    other = Api(api.url)
    other.ok("POST", "/projects", {"name": f"{api.project}-other"})
    other.project = f"{api.project}-other"
    foreign = other.ok("POST", "/runs")["id"]
    api.problem(404, "GET", f"/runs/{foreign}")
    api.problem(404, "POST", f"/runs/{foreign}/finish")
    assert api.send(span(), run=foreign).status_code == 404
    assert api.ok("GET", "/traces")["traces"] == other.ok("GET", "/traces")["traces"] == []
    assert other.ok("GET", f"/runs/{foreign}")["state"] == "open"


def test_spans_make_the_run_that_their_resource_names(api: Api) -> None:
    """With environment and commit; finishing it judges what came."""
    resource = {"vcs.ref.head.revision": "a" * 40, "deployment.environment.name": "staging"}
    assert api.send(span(run="from-spans", resource=resource)).status_code == 200
    run = api.ok("GET", "/runs/from-spans")
    assert (run["environment"], run["commit"], run["state"]) == ("staging", "a" * 40, "open")
    api.ok("POST", "/runs/from-spans/finish")
    verdict = api.ok("GET", "/runs/from-spans/verdict?wait=25")
    assert (verdict["conclusion"], len(verdict["flows"])) == ("new", 1)


def test_the_story_over_http(api: Api) -> None:
    """Golden runs, then the bug: fail, with the empty fetch as the cause; an approval makes it pass, and stays."""
    promoted(api, 1, 2)
    _, verdict = api.judged(persist_trace(3))
    assert verdict["conclusion"] == "pass"
    run, verdict = api.judged(persist_trace(4, good=BAD))
    assert verdict["conclusion"] == "fail"
    (finding,) = verdict["findings"]
    assert finding["change"]["type"] == "rows-changed"
    assert len(finding["consequences"]) == 2
    assert finding["approval"] is None

    (approval,) = api.ok("POST", f"/runs/{run}/approvals", {"fingerprints": [finding["fingerprint"]], "reason": "meant so"})
    assert (approval["fingerprint"], approval["reason"]) == (finding["fingerprint"], "meant so")
    approved = api.ok("GET", f"/runs/{run}/verdict")
    assert approved["conclusion"] == "pass"
    assert approved["findings"][0]["approval"] == approval
    assert api.judged(persist_trace(5, good=BAD))[1]["conclusion"] == "pass"


def test_an_approval_of_what_was_not_found_is_refused(api: Api) -> None:
    """A foreign fingerprint approves nothing; a run without verdict is a conflict."""
    promoted(api, 1)
    run, verdict = api.judged(persist_trace(2, good=BAD))
    right = verdict["findings"][0]["fingerprint"]
    api.problem(404, "POST", f"/runs/{run}/approvals", {"fingerprints": [right, "sg1:0000000000000000"]})
    assert api.ok("GET", f"/runs/{run}/verdict")["conclusion"] == "fail"
    unfinished = api.ok("POST", "/runs")["id"]
    api.problem(409, "POST", f"/runs/{unfinished}/approvals")


def test_finishing_twice_is_the_same_as_once(api: Api) -> None:
    """The first answer again, also with another body, and one verdict."""
    run, verdict = api.judged(persist_trace(1))
    first = api.ok("GET", f"/runs/{run}")
    assert first["state"] == "finished" and first["finished_at"]
    assert api.ok("POST", f"/runs/{run}/finish") == first
    assert api.ok("POST", f"/runs/{run}/finish", {"expect_traces": 99}) == first
    assert api.ok("GET", f"/runs/{run}/verdict?wait=25") == verdict


def test_two_finishes_at_once(api: Api) -> None:
    """Ten clients at once get the same answer and the same verdict."""
    run = api.ok("POST", "/runs")["id"]
    api.send(*persist_trace(1), run=run)

    def finish(_: int) -> tuple[Any, Any]:
        client = Api(api.url, project=api.project)
        return client.ok("POST", f"/runs/{run}/finish"), client.ok("GET", f"/runs/{run}/verdict?wait=25")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(finish, range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1]["conclusion"] == "new"


def test_no_verdict_yet_is_202_with_the_reason(tmp_path: Path) -> None:
    """Open: finish it. Finished: spans may still come."""
    with served(tmp_path, deadline_seconds=3600) as url:
        api = Api(url)
        run = api.ok("POST", "/runs")["id"]
        answer = api("GET", f"/runs/{run}/verdict?wait=0.2")
        assert answer.status_code == 202
        assert answer.json()["state"] == "waiting"
        assert f"POST /api/v1/runs/{run}/finish" in answer.json()["reason"]
        api.ok("POST", f"/runs/{run}/finish", {"expect_traces": 2})
        assert "may still arrive" in api("GET", f"/runs/{run}/verdict").json()["reason"]
        api.problem(409, "GET", f"/runs/{run}/report")


def test_a_long_poll_ends_with_the_verdict(api: Api) -> None:
    """It waits while the run is open, and is answered when another client has finished it."""
    run = api.ok("POST", "/runs")["id"]
    api.send(*persist_trace(1), run=run)
    answers: list[Any] = []

    def wait() -> None:
        client = Api(api.url, project=api.project)
        answers.append(client("GET", f"/runs/{run}/verdict?wait=25"))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    assert answers == []
    api.ok("POST", f"/runs/{run}/finish")
    waiting.join(25)
    assert [(answer.status_code, answer.json()["conclusion"]) for answer in answers] == [(200, "new")]


@pytest.mark.parametrize("wait", ["-1", "31", "soon", "nan", "inf"])
def test_a_wait_out_of_bounds_is_400(api: Api, wait: str) -> None:
    """The problem names the parameter."""
    run = api.ok("POST", "/runs")["id"]
    assert "wait" in api.problem(400, "GET", f"/runs/{run}/verdict?wait={wait}")["detail"]


def test_an_empty_run_is_inconclusive(api: Api) -> None:
    """Never green."""
    _, verdict = api.judged()
    assert verdict["conclusion"] == "inconclusive"
    assert "no traces arrived" in verdict["reasons"]


def test_promised_traces_that_do_not_come(api: Api) -> None:
    """After the deadline the verdict says how many are missing."""
    run = api.ok("POST", "/runs")["id"]
    api.send(*persist_trace(1), run=run)
    api.ok("POST", f"/runs/{run}/finish", {"expect_traces": 3})
    verdict = api.ok("GET", f"/runs/{run}/verdict?wait=25")
    assert verdict["conclusion"] == "inconclusive"
    assert "1 of 3 expected traces arrived" in verdict["reasons"]


def test_every_report_format(api: Api) -> None:
    """Each with its media type, and the finding in it."""
    promoted(api, 1, 2)
    run, _ = api.judged(persist_trace(3, good=BAD))
    reports = {name: api("GET", f"/runs/{run}/report?format={name}") for name in
               ("md", "summary", "html", "json", "junit", "text", "annotations")}  # fmt: skip
    assert {name: answer.headers["content-type"] for name, answer in reports.items()} == {
        "md": "text/markdown; charset=utf-8",
        "summary": "text/markdown; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "json": "application/json",
        "junit": "application/xml",
        "text": "text/plain; charset=utf-8",
        "annotations": "text/plain; charset=utf-8",
    }
    assert all("SELECT traces" in answer.text for answer in reports.values())
    assert "script-src" in reports["html"].headers["content-security-policy"]
    assert json.loads(reports["json"].text) == api.ok("GET", f"/runs/{run}/report")
    assert ElementTree.fromstring(reports["junit"].text).get("failures") == "1"
    assert f"{api.url}/" in reports["md"].text
    assert "format" in api.problem(400, "GET", f"/runs/{run}/report?format=pdf")["detail"]


def test_reports_lead_to_the_run_s_page(api: Api) -> None:
    """Comment and document name the run's page as the caller knows the server, each finding its own card on it; the page has the
    self-contained report, byte for byte the API's."""
    promoted(api, 1, 2)
    run, verdict = api.judged(persist_trace(3, good=BAD), run={"id": "A.b_c:d@e+f-9"})
    page = f"{api.url}/projects/{api.project}/runs/A.b_c%3Ad%40e%2Bf-9"
    links = set(read(api("GET", f"/runs/{run}/report?format=md").text).links)
    places = {link.partition("#")[2] for link in links} - {""}
    assert {link.partition("#")[0] for link in links} == {page}
    assert len(places) == len(verdict["findings"]) > 0
    assert api.ok("GET", f"/runs/{run}/report")["page"] == page
    shown = httpx.get(page, headers={"accept": "text/html"}, trust_env=False, timeout=TIMEOUT).raise_for_status().text
    assert all(f' id="{place}"' in shown for place in places)
    whole = httpx.get(f"{page}/report", headers={"accept": "text/html"}, trust_env=False, timeout=TIMEOUT)
    assert whole.text == api("GET", f"/runs/{run}/report?format=html").text
    assert (
        whole.headers["content-security-policy"]
        == api("GET", f"/runs/{run}/report?format=html").headers["content-security-policy"]
    )


def test_a_public_address_stands_in_every_report(tmp_path: Path) -> None:
    """Where the settings say how people reach the server, links say that, whatever name a client used."""
    with served(tmp_path, public_url="https://gate.example/spans/") as url:
        run, _ = Api(url).judged(persist_trace(1))
        assert Api(url).ok("GET", f"/runs/{run}/report")["page"] == f"https://gate.example/spans/projects/default/runs/{run}"


def test_a_comment_is_as_long_as_asked(api: Api) -> None:
    """`limit` bounds the comment; one below what says anything is 400."""
    promoted(api, 1)
    run, _ = api.judged(persist_trace(2, good=BAD))
    assert len(api("GET", f"/runs/{run}/report?format=md&limit=1000").text) <= 1000
    assert "limit" in api.problem(400, "GET", f"/runs/{run}/report?format=md&limit=10")["detail"]


def test_a_run_is_promoted_whole(api: Api) -> None:
    """Whole traces become golden; the incomplete one is skipped, with the reason."""
    run = api.ok("POST", "/runs")["id"]
    api.send(*persist_trace(1), run=run)
    api.send(*persist_trace(2, broken=True), run=run)
    one, other = api.ok("POST", f"/runs/{run}/promote", {"reason": "first golden run"})
    assert (one["trace_id"], one["state"], len(one["flows"])) == (trace_id(1), "done", 1)
    assert (other["trace_id"], other["state"]) == (trace_id(2), "skipped")
    assert "incomplete" in other["reason"]
    (baseline,) = api.ok("GET", "/baselines")
    assert [(sample["trace_id"], sample["reason"]) for sample in baseline["samples"]] == [(trace_id(1), "first golden run")]


def test_late_spans_are_judged_again(api: Api) -> None:
    """A span after the verdict makes it again, and the verdict says so."""
    promoted(api, 1, 2)
    spans = persist_trace(3)
    run, verdict = api.judged(spans)
    assert verdict["conclusion"] == "pass"
    assert api.send(*persist_trace(4, good=BAD), run=run).status_code == 200
    verdict = api.ok("GET", f"/runs/{run}/verdict?wait=25")
    assert verdict["conclusion"] == "fail"
    assert any(reason.startswith("late data") for reason in verdict["reasons"])


ODD = ("ci/123", "feature/x#7", "a b", "..", ".", ".hidden", "-x", "lauf-ü", "ラン", "a%2Fb", "a?b", "a\\b", "x" * 201, "é\u202e")
"""Names that no address carries safely."""


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_no_address_carries_is_refused_at_the_door(api: Api, name: str) -> None:
    """Beginning such a run is 400 and names the field. Spans whose resource names it are stored in no run, and the exporter is told;
    asking for the run is a problem (a page for people), never a 500."""
    assert "id" in api.problem(400, "POST", "/runs", {"id": name})["detail"]
    answer = api.send(span(1, run=name))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 0)
    assert "in no run" in partial.error_message and "letters, digits" in partial.error_message
    assert api.ok("GET", f"/traces/{trace_id(1)}")["summary"]["run"] == ""
    assert api.ok("GET", "/runs")["runs"] == []
    if name in (".", ".."):  # the way up, before a client sends it: which is why
        return
    quoted = urllib.parse.quote(name, safe="")
    for method, path in (("POST", f"/runs/{quoted}/finish"), ("GET", f"/runs/{quoted}"), ("GET", f"/runs/{quoted}/report")):
        assert api(method, path).status_code in (400, 404, 405)
    page = httpx.get(
        f"{api.url}/projects/{api.project}/runs/{quoted}", headers={"accept": "text/html"}, trust_env=False, timeout=TIMEOUT
    )
    assert page.status_code == 404
    assert "Traceback" not in page.text
    if name.isascii():
        assert api.send(span(2), run=name).status_code == 404


def test_the_widest_name_works_everywhere(api: Api) -> None:
    """Every character that a run id may have, through header, resource, REST, reports, pages, decisions and search."""
    promoted(api, 1)
    name = "Z9" + "._:@+-" * 33
    assert len(name) == 200
    run, verdict = api.judged(persist_trace(2, good=BAD), run={"id": name})
    assert run == name and verdict["conclusion"] == "fail"
    api.send(span(5, run=name))
    quoted = urllib.parse.quote(name, safe="")
    links = read(api("GET", f"/runs/{quoted}/report?format=md").text).links
    assert links[0].endswith(f"/runs/{quoted}")
    page = httpx.get(links[0], headers={"accept": "text/html"}, trust_env=False, timeout=TIMEOUT)
    assert page.status_code == 200
    assert f'action="/projects/{api.project}/runs/{quoted}/decisions"' in page.text
    found = api.ok("GET", f"/traces?run={quoted}")["traces"]
    assert {trace["trace_id"] for trace in found} == {trace_id(2), trace_id(5)}
    assert len(api.ok("POST", f"/runs/{quoted}/approvals")) == 1
    assert api.ok("GET", f"/runs/{quoted}/verdict?wait=25")["conclusion"] in ("pass", "fail", "inconclusive")
