"""Without a server: the command line judges on the runner."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

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
    step = judged(it, {"code": 0, "conclusion": "pass"}, golden_dir="tests/golden", token="sg_secret")
    called = json.loads((it.workspace / "called.json").read_text())
    assert called["arguments"][0] == "check"
    assert [Path(path).name for path in called["arguments"][1:3]] == ["000001.json", "000002.json"]
    assert called["arguments"][3:5] == ["--golden-dir", "tests/golden"]
    assert called["secrets"] == []
    assert step.summary == "## Local summary\n"
    assert Path(step.outputs["report-md"]).read_text() == "### Local comment"


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
