"""Without a server: the command line judges on the runner."""

import gzip
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.action.actions_runner import Job, Step
from tests.action.test_post_server import export

Jobs = Callable[..., Job]
STAND_IN = f'"{sys.executable}" "{Path(__file__).with_name("check_stand_in.py")}"'


def judged(it: Job, told: dict[str, object], **inputs: str) -> Step:
    it.environment["STAND_IN"] = json.dumps(told)
    given = {"command": STAND_IN, "github_token": "", **inputs}
    export(it.main(**given), 2)
    return it.post(**given)


@pytest.mark.parametrize(
    ("code", "conclusion", "verdict", "exit_code"),
    [
        (0, "pass", "pass", 0),
        (0, "new", "new", 0),
        (1, "fail", "fail", 1),
        (5, "new", "fail", 1),
        (7, "inconclusive", "inconclusive", 1),
        (0, "fail", "error", 1),
        (1, "pass", "error", 1),
        (0, "", "error", 1),
        (2, "pass", "error", 1),
        (4, "", "error", 1),
        (-9, "pass", "error", 1),
    ],
)
def test_exit_code_and_report_make_the_verdict(job: Jobs, code: int, conclusion: str, verdict: str, exit_code: int) -> None:
    """Documented exit codes are verdicts if the report agrees; any other end is an error, never green."""
    told: dict[str, object] = {"code": code, **({"conclusion": conclusion} if conclusion else {})}
    step = judged(job(), told)
    assert (step.outputs["verdict"], step.code) == (verdict, exit_code), step.log


def test_it_is_called_with_the_collected_files(job: Jobs) -> None:
    """`check` gets every spooled body, the golden directory and where to write; none of the step's inputs."""
    it = job()
    step = judged(it, {"code": 0, "conclusion": "pass"}, golden_dir="tests/golden", environment="staging", token="sg_secret")
    called = json.loads((it.workspace / "called.json").read_text())
    assert called["arguments"][0] == "check"
    assert [Path(path).name for path in called["arguments"][1:3]] == ["000001.json", "000002.json"]
    assert called["arguments"][3:5] == ["--golden-dir", "tests/golden"]
    assert called["arguments"][5:7] == ["--environment", "staging"]
    assert called["secrets"] == []
    assert step.summary == "## Local summary\n"
    assert Path(step.outputs["report-md"]).read_text() == "### Local comment"


def test_many_bodies_are_a_short_command(job: Jobs) -> None:
    """A thousand exports become few files: protobuf put together, JSON as lines; nothing is lost."""
    it = job(STAND_IN=json.dumps({"code": 0, "conclusion": "pass", "keep": True}))
    step = it.main(command=STAND_IN)
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /")
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    body = request.SerializeToString()
    document = b'{\n "resourceSpans":\r\n []}'
    with httpx.Client(base_url=step.outputs["endpoint-http"], timeout=60) as client:
        for _ in range(120):
            plain = {"content-type": "application/x-protobuf"}
            client.post("/v1/traces", content=body, headers=plain).raise_for_status()
            zipped = {**plain, "content-encoding": "gzip"}
            client.post("/v1/traces", content=gzip.compress(body), headers=zipped).raise_for_status()
            client.post("/v1/traces", content=document, headers={"content-type": "application/json"}).raise_for_status()
        broken = {"content-type": "application/json", "content-encoding": "gzip"}
        client.post("/v1/traces", content=b"no gzip", headers=broken).raise_for_status()
    assert it.post(command=STAND_IN, github_token="").outputs["verdict"] == "pass"
    called = json.loads((it.workspace / "called.json").read_text())
    assert {Path(path).name for path in called["arguments"][1:4]} == {"packed-0.pb", "packed-0.jsonl", "000361.json.gz"}
    kept = {Path(path).name: (it.workspace / Path(path).name).read_bytes() for path in called["arguments"][1:4]}
    assert len(ExportTraceServiceRequest.FromString(kept["packed-0.pb"]).resource_spans) == 240
    lines = kept["packed-0.jsonl"].splitlines()
    assert [json.loads(line) for line in lines] == [{"resourceSpans": []}] * 120


def test_what_it_prints_is_no_command(job: Jobs) -> None:
    """The output of the command is in the log, and cannot issue workflow commands."""
    step = judged(job(), {"code": 0, "conclusion": "pass", "print": "::error::owned\n::add-mask::a"})
    assert "::error::owned" in step.log
    assert "owned" not in step.texts("error")
    assert "a" not in step.masked


def test_a_missing_command_says_how_to_install(job: Jobs) -> None:
    """Without the command line nothing is judged, and the error says how to get it."""
    step = judged(job(), {"code": 0}, command="spangate-is-not-here")
    assert (step.code, step.outputs["verdict"]) == (1, "error")
    assert "pip install spangate" in step.texts("error")


def test_cancelling_ends_the_command(job: Jobs) -> None:
    """A signal while the command runs ends both at once."""
    it = job(STAND_IN=json.dumps({"code": 0, "sleep": 600}))
    export(it.main(command=STAND_IN))
    process, files = it.start("post.js", {"command": STAND_IN, "github-token": ""})
    called = it.workspace / "called.json"
    while not called.exists() or not called.read_text():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    step = it.finish(process, files)
    assert step.code == 130
    assert "verdict" not in step.outputs
    assert not psutil.pid_exists(json.loads(called.read_text())["pid"])
