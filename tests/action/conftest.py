"""Parts of the action's tests: jobs, instrumented steps, the doubles of GitHub and Spangate."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.action.actions_runner import Job
from tests.action.events import HEAD, MERGE, pull_request
from tests.action.github_double import GitHubDouble
from tests.action.spangate_double import SpangateDouble
from tests.ports import free_port


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """A job on a pull request, unless the test says otherwise; no receiver of it outlives the test."""
    jobs: list[Job] = []

    def make(event_name: str = "pull_request", event: dict[str, Any] | None = None, **environment: str) -> Job:
        ref = {"GITHUB_SHA": MERGE, "GITHUB_REF": "refs/pull/482/merge", **environment}
        jobs.append(Job(tmp_path / f"job-{len(jobs)}", event_name, pull_request() if event is None else event, ref))
        return jobs[-1]

    yield make
    for made in jobs:
        made.cancel()


@pytest.fixture
def github(node_modules: Path) -> Iterator[GitHubDouble]:
    """GitHub's double; the test fails when a request did not conform to GitHub's description."""
    with GitHubDouble(node_modules, HEAD) as double:
        yield double
    assert double.violations == []


@pytest.fixture
def spangate() -> Iterator[SpangateDouble]:
    with SpangateDouble() as double:
        yield double


@pytest.fixture
def traced() -> Callable[..., None]:
    """Runs a really instrumented program as a step of the job."""

    def run(job: Job, protocol: str = "http", count: int = 1, quotes: int = 1) -> None:
        program = Path(__file__).with_name("traced_program.py")
        arguments = [protocol, str(count), str(quotes)]
        patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}  # seconds: an exporter that gives up loses spans
        subprocess.run([sys.executable, program, *arguments], env=job.environment | patient, check=True, timeout=120)

    return run


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    return free_port()
