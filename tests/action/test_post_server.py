"""The step after the tests, with a server: upload, verdict, outputs, summary, annotations, exit status."""

import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse

from tests.action.actions_runner import Job, Step
from tests.action.events import BASE, MERGE
from tests.action.spangate_double import FINDING, SpangateDouble

Jobs = Callable[..., Job]
Traced = Callable[..., None]
PROBLEM = {"content-type": "application/problem+json"}


def export(step: Step, count: int = 1) -> None:
    """Requests as an exporter sends them; the doubles do not look inside."""
    for _ in range(count):
        headers = {"content-type": "application/json"}
        httpx.post(
            f"{step.outputs['endpoint-http']}/v1/traces", content=b'{"resourceSpans": []}', headers=headers, timeout=60
        ).raise_for_status()


def judged(job: Job, spangate: SpangateDouble, **inputs: str) -> Step:
    """The whole job with one export, without GitHub."""
    given = {"token": "sg_secret", "github_token": "", **({} if "server" in inputs else {"server": spangate.url}), **inputs}
    export(job.main(**given))
    return job.post(**given)


def test_everything_collected_is_uploaded_to_one_run(job: Jobs, traced: Traced, spangate: SpangateDouble) -> None:
    """The bodies arrive as the SDK sent them, with the run's header and the token; then the run is finished, in this order."""
    it = job(OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    it.main(server=spangate.url, token="sg_secret")
    traced(it, "http", 700)
    step = it.post(server=spangate.url, token="sg_secret", github_token="")
    assert step.code == 0, step.log
    [run] = spangate.runs
    assert run["commit"] == MERGE
    assert run["base_commit"] == BASE
    assert run["pull_request"] == 482
    assert step.outputs["run-id"] == run["id"]
    assert {h["x-spangate-run"] for h, _ in spangate.uploads} == {run["id"]}
    assert {(h["content-type"], h["content-encoding"]) for h, _ in spangate.uploads} == {("application/x-protobuf", "gzip")}
    assert spangate.authorization == {"Bearer sg_secret"}
    assert spangate.calls.index(f"POST /api/v1/runs/{run['id']}/finish") > max(
        place for place, call in enumerate(spangate.calls) if call == "POST /v1/traces"
    )


@pytest.mark.parametrize(
    ("conclusion", "inputs", "code"),
    [
        ("pass", {}, 0),
        ("new", {}, 0),
        ("new", {"fail_on": "fail, new"}, 1),
        ("fail", {}, 1),
        ("fail", {"fail_on": "never"}, 0),
        ("fail", {"fail_on": "inconclusive"}, 0),
        ("inconclusive", {}, 1),
        ("inconclusive", {"fail_on": "fail"}, 0),
    ],
)
def test_the_verdict_decides_the_job(
    job: Jobs, spangate: SpangateDouble, conclusion: str, inputs: dict[str, str], code: int
) -> None:
    """The job fails for the conclusions that `fail-on` names, and its outputs say what was concluded."""
    spangate.conclusion = conclusion
    spangate.reasons = ["2 spans name a parent that never arrived"] if conclusion == "inconclusive" else []
    step = judged(job(), spangate, **inputs)
    assert step.code == code, step.log
    assert step.outputs["verdict"] == conclusion
    assert Path(step.outputs["junit"]).read_text() == "<testsuites/>"
    assert step.summary.startswith("## Spangate summary")


def test_findings_are_annotations(job: Jobs, spangate: SpangateDouble) -> None:
    """Each open finding is an annotation of its level; ignored and approved ones are none; the conclusion is an error."""
    spangate.conclusion = "fail"
    spangate.findings = [
        FINDING,
        {**FINDING, "level": "warning", "sentence": "a new call to the ledger"},
        {**FINDING, "level": "ignored", "sentence": "ignored"},
        {**FINDING, "approval": {"by": "ann"}, "sentence": "approved"},
    ]
    step = judged(job(), spangate)
    assert "12 times" in step.texts("error")
    assert "web: GET /checkout → pricing: SELECT prices" in step.texts("error")
    assert "Merging this PR changes 1 of 1 traced flow" in step.texts("error")
    assert "a new call to the ledger" in step.texts("warning")
    assert "ignored" not in step.texts("warning") + step.texts("notice") + step.texts("error")
    assert step.outputs["findings"] == "2"


def test_annotations_stay_within_the_runners_limit(job: Jobs, spangate: SpangateDouble) -> None:
    """At most ten of a level, the conclusion among them, and it says how many findings are not shown."""
    spangate.conclusion = "fail"
    spangate.findings = [{**FINDING, "sentence": f"finding {number}"} for number in range(30)]
    step = judged(job(), spangate)
    assert len([a for a in step.annotations if a.level == "error"]) == 10
    assert "21 more findings" in step.annotations[-1].text


def test_hostile_names_are_no_workflow_commands(job: Jobs, spangate: SpangateDouble) -> None:
    """Neither a finding's sentence nor the report's text can issue a command to the runner."""
    spangate.conclusion = "fail"
    spangate.findings = [{**FINDING, "sentence": "name\n::add-mask::e\r\n::error::owned", "place": {"path": ["a%0A::error::b"]}}]
    step = judged(job(), spangate)
    assert "e" not in step.masked
    assert next(a.text for a in step.annotations if a.level == "error").startswith("name\n::add-mask::e\r\n::error::owned")
    assert not any(a.text == "owned" or a.text.startswith("the tree of") for a in step.annotations)
    assert "::error::the tree of a hostile span name" in step.log


def test_an_overloaded_server_is_tried_again(job: Jobs, spangate: SpangateDouble) -> None:
    """429 and 503 with Retry-After, at every call, cost time and nothing else: no body is lost or sent to another run."""
    busy = (503, {**PROBLEM, "retry-after": "0"}, b"{}")
    many = (429, {**PROBLEM, "retry-after": "0"}, b"{}")
    spangate.trouble = {
        "POST /api/v1/runs": deque([busy, many]),
        "POST /v1/traces": deque([many, busy, many]),
        "GET /api/v1/runs": deque([busy, (502, {}, b"")]),
    }
    it = job()
    given = {"server": spangate.url, "github_token": ""}
    export(it.main(**given), 5)
    step = it.post(**given)
    assert step.code == 0, step.log
    assert len(spangate.uploads) == 5
    assert len({run["id"] for run in spangate.runs}) == 1


def test_waiting_for_the_verdict_ends(job: Jobs, spangate: SpangateDouble) -> None:
    """A verdict that does not come in time is an error with the server's reason, never green."""
    spangate.waiting = -1
    step = judged(job(), spangate, wait="1")
    assert step.code == 1
    assert step.outputs["verdict"] == "error"
    assert "2 flows are not closed" in step.texts("error")
    assert "could not decide" in step.summary


def test_a_late_verdict_is_waited_for(job: Jobs, spangate: SpangateDouble) -> None:
    """202 is asked again until the verdict is there."""
    spangate.waiting = 3
    assert judged(job(), spangate).outputs["verdict"] == "pass"
    assert spangate.waiting == 0


@pytest.mark.parametrize(
    ("call", "answer", "said"),
    [
        ("POST /api/v1/runs", (401, PROBLEM, b'{"detail": "No such token."}'), "No such token. Set the input token|input token"),
        ("POST /api/v1/runs", (403, PROBLEM, b'{"title": "Forbidden"}'), "scopes ingest and read"),
        ("POST /api/v1/runs", (404, {}, b"<html>nginx</html>"), "404"),
        ("POST /api/v1/runs", (200, {}, b"<html>welcome</html>"), "base URL of a Spangate server"),
        ("POST /api/v1/runs", (301, {"location": "https://elsewhere.example"}, b""), "https://elsewhere.example"),
        ("POST /v1/traces", (413, PROBLEM, b'{"detail": "The body is over 20 MiB."}'), "000001.json was not uploaded"),
        ("GET /api/v1/runs", (500, {}, b"oops"), "500"),
    ],
)
def test_what_the_server_refuses_is_said(
    job: Jobs, spangate: SpangateDouble, call: str, answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    """A refusal fails the job with what the server said and what to do; nothing is judged."""
    spangate.trouble = {call: deque([answer])}
    step = judged(job(), spangate)
    assert step.code == 1
    assert step.outputs["verdict"] == "error"
    assert any(part in step.texts("error") for part in said.split("|"))


def test_an_unreachable_server(job: Jobs, closed_port: int) -> None:
    """It fails the job and names address and reason."""
    step = judged(job(), SpangateDouble(), server=f"http://127.0.0.1:{closed_port}")
    assert (step.code, step.outputs["verdict"]) == (1, "error")
    assert f"http://127.0.0.1:{closed_port}/api/v1/runs" in step.texts("error")
    assert "ECONNREFUSED" in step.texts("error")


def test_a_tool_error_may_let_the_job_go_on(job: Jobs, spangate: SpangateDouble) -> None:
    """With `fail-on-error: false` what could not be judged is a warning, and still no verdict."""
    spangate.trouble = {"POST /api/v1/runs": deque([(500, {}, b"oops")])}
    step = judged(job(), spangate, fail_on_error="false")
    assert (step.code, step.outputs["verdict"]) == (0, "error")
    assert "answered with 500" in step.texts("warning")


@pytest.mark.parametrize(("inputs", "code", "verdict"), [({}, 1, "error"), ({"allow_empty": "true"}, 0, "skipped")])
def test_no_trace_at_all(job: Jobs, spangate: SpangateDouble, inputs: dict[str, str], code: int, verdict: str) -> None:
    """An empty run fails and says what to look at, unless the workflow allows it; no run is made for it."""
    it = job()
    it.main(server=spangate.url, **inputs)
    step = it.post(server=spangate.url, github_token="", **inputs)
    assert (step.code, step.outputs["verdict"]) == (code, verdict)
    assert spangate.calls == []
    assert ("Are the tests instrumented" in step.texts("error")) == (code == 1)


def partial(encoding: str) -> bytes:
    if encoding == "json":
        return b'{"partialSuccess": {"rejectedSpans": "7", "errorMessage": "attribute over its limit"}}'
    rejected = ExportTracePartialSuccess(rejected_spans=7, error_message="attribute over its limit")
    return ExportTraceServiceResponse(partial_success=rejected).SerializeToString()


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_partial_success_is_told(job: Jobs, spangate: SpangateDouble, encoding: str) -> None:
    """Spans that the server rejected are a warning, in both encodings of the answer."""
    spangate.answer_to_export = partial(encoding)
    it = job()
    given = {"server": spangate.url, "github_token": ""}
    headers = {"content-type": "application/json" if encoding == "json" else "application/x-protobuf"}
    httpx.post(
        f"{it.main(**given).outputs['endpoint-http']}/v1/traces", content=b"", headers=headers, timeout=60
    ).raise_for_status()
    step = it.post(**given)
    assert "7 spans rejected: attribute over its limit" in step.log
    assert "did not take all spans" in step.texts("warning")


def test_a_report_over_the_summarys_limit(job: Jobs, spangate: SpangateDouble) -> None:
    """The runner drops a summary over 1 MiB as a whole, so the shorter comment takes its place."""
    spangate.reports["summary"] = "é" * 600_000
    step = judged(job(), spangate)
    assert step.summary.startswith("### ❌ Merging this changes")


def test_traces_from_files_are_judged_at_once(job: Jobs, spangate: SpangateDouble) -> None:
    """With `traces` the step itself judges, so that later steps have its outputs; each line of a .jsonl is one request."""
    it = job()
    (it.workspace / "out").mkdir()
    (it.workspace / "out" / "a.jsonl").write_text('{"resourceSpans": []}\n{"resourceSpans": [] }\n\n')
    (it.workspace / "out" / "b.json").write_text('{\n "resourceSpans": []\n}')
    (it.workspace / "out" / "c.pb").write_bytes(b"\n\x00")
    step = it.main(server=spangate.url, github_token="", traces="out/*.jsonl\nout/**/*.json\nout/*.pb\nout/a*")
    assert (step.code, step.outputs["verdict"]) == (0, "pass"), step.log
    types = [h["content-type"].removeprefix("application/") for h, _ in spangate.uploads]
    assert sorted(types) == ["json", "json", "json", "x-protobuf"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in it.environment
    assert it.post().code == 0


def test_no_file_matches(job: Jobs, spangate: SpangateDouble) -> None:
    """A glob without a file is an empty run, and names the glob."""
    step = job().main(server=spangate.url, github_token="", traces="missing/*.json")
    assert step.code == 1
    assert "missing/*.json" in step.texts("error")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"server": "spangate.example.com"}, "server:"),
        ({"server": "ftp://spangate.example.com"}, "server:"),
        ({"server": "https://user:pw@spangate.example.com"}, "credentials"),
        ({"wait": "two minutes"}, "wait:"),
        ({"fail_on": "regressions"}, "fail-on:"),
        ({"comment": "sometimes"}, "comment:"),
        ({"allow_empty": "yes"}, "allow-empty:"),
        ({"command": "'spangate"}, "command:"),
    ],
)
def test_a_wrong_input_is_named(job: Jobs, inputs: dict[str, str], said: str) -> None:
    """A value that means nothing fails at once, naming the input and what would be right; no receiver is left."""
    it = job()
    step = it.main(**inputs)
    assert step.code == 1
    assert said in step.texts("error")
    assert it.state == {}
    assert it.post(**inputs).code == 0


def test_a_dead_receiver_is_never_a_verdict(job: Jobs, spangate: SpangateDouble) -> None:
    """When the receiver is gone, traces may be lost, and nothing is judged."""
    it = job()
    export(it.main(server=spangate.url))
    os.kill(json.loads(it.state["session"])["receiver"]["pid"], signal.SIGKILL)
    step = it.post(server=spangate.url, github_token="")
    assert (step.code, step.outputs["verdict"]) == (1, "error")
    assert "ended before the job did" in step.texts("error")
    assert spangate.calls == []


def test_cancelling_while_waiting(job: Jobs, spangate: SpangateDouble) -> None:
    """A signal while the step waits for the verdict ends it at once and cleans up."""
    spangate.waiting = -1
    it = job()
    given: dict[str, Any] = {"server": spangate.url, "github_token": ""}
    main = it.main(**given)
    export(main)
    process, files = it.start("post.js", {"server": spangate.url, "github-token": ""})
    while not any("verdict" in call for call in spangate.calls):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    step = it.finish(process, files)
    assert step.code == 130
    assert "cancelled" in step.log
    assert not Path(main.outputs["spool"]).exists()
