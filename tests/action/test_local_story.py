"""Without a server, end to end: a really instrumented program, the action, and Spangate's own command line."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.action.actions_runner import Job, Step
from tests.action.github_double import GitHubDouble
from tests.action.test_post_server import export

Jobs = Callable[..., Job]
COMMAND = f'"{sys.executable}" -m gate.cli'


def test_golden_files_in_the_repository(job: Jobs, traced: Callable[..., None], github: GitHubDouble, tmp_path: Path) -> None:
    """First run: new. Recorded and unchanged: pass. One call became twelve: fail, with a comment and reports that say so."""
    golden = tmp_path / "golden"
    steps: list[Step] = []
    for quotes in (1, 1, 12):
        it = job(**github.environment)
        if golden.exists():
            shutil.copytree(golden, it.workspace / ".spangate")
        main = it.main(command=COMMAND)
        traced(it, quotes=quotes)
        if not golden.exists():
            bodies = Path(main.outputs["spool"]).iterdir()
            promote = [sys.executable, "-m", "gate.cli", "promote", *bodies, "--golden-dir", golden]
            subprocess.run(promote, cwd=tmp_path, check=True, timeout=60, capture_output=True)
        steps.append(it.post(command=COMMAND))
    assert [(step.outputs["verdict"], step.code) for step in steps] == [("new", 0), ("pass", 0), ("fail", 1)], steps[-1].log
    last = steps[-1]
    assert "quote" in last.texts("error")
    assert "12" in last.summary
    assert "quote" in github.comments[0]["body"]
    assert len(github.comments) == 1
    assert [status["state"] for status in github.statuses] == ["success", "success", "failure"]
    assert int(last.outputs["findings"]) == 1
    failures = ElementTree.parse(last.outputs["junit"]).getroot().findall(".//failure")
    assert len(failures) == 1
    assert "quote" in Path(last.outputs["report-html"]).read_text()


def test_exports_without_a_span(job: Jobs) -> None:
    """Export requests without a single span are an empty run: the job fails and says what to look at."""
    it = job()
    export(it.main(command=COMMAND))
    step = it.post(command=COMMAND, github_token="")
    assert (step.outputs["verdict"], step.code) == ("error", 1)
    assert "No traces reached the receiver" in step.texts("error")
