"""The story's regression test, generated from the golden trace in every form and really run: it passes on the release that the trace is
of, and fails on the one with the bug."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gate.demo.recording import Stores, record
from tests.acceptance.cli import environ, run_pytest, server, spangate
from tests.acceptance.demo_service import DemoService, demo_service
from tests.acceptance.tracetest import failures

SERVER = 2
"""The kind of a span of a request, in OTLP."""
LOST = ("UPDATE traces", "elasticsearch update")
pytestmark = pytest.mark.xdist_group("acceptance-generated")


class Gate:
    """A running Spangate with the golden trace, and the demo's service in both releases, which export to it."""

    def __init__(self, url: str, folder: Path, releases: dict[int, DemoService]) -> None:
        self.url = url
        self.folder = folder
        self.releases = releases
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        run = self.call("POST", "/runs", json={"branch": "main", "environment": "demo"})["id"]
        record(url, run, 1, Stores(), folder)
        (self.golden,) = [
            trace["trace_id"] for trace in self.call("GET", "/traces", params={"test_case": "test_persist_trace"})["traces"]
        ]
        self.call("POST", f"/traces/{self.golden}/promote", json={})

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Of the REST API."""
        return self.http.request(method, f"/api/v1{path}", **arguments).raise_for_status().json()

    def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of a stored trace as OTLP/JSON, once the answering service has sent all of them: it sends them in the order in which
        they end, and that of the request is the last."""
        found: list[dict[str, Any]] = []
        for _ in range(150):
            answer = self.http.get(f"/api/v1/traces/{trace_id}", params={"format": "otlp"})
            found = [
                {**span, "service": service_of(resource)}
                for resource in (answer.json()["resourceSpans"] if answer.is_success else [])
                for scope in resource["scopeSpans"]
                for span in scope["spans"]
            ]
            if any(span.get("kind") == SERVER for span in found):
                return found
            time.sleep(0.4)
        raise AssertionError(f"the request of trace {trace_id} did not come, but {found}")


def service_of(resource: dict[str, Any]) -> str:
    values = {each["key"]: each["value"].get("stringValue", "") for each in resource["resource"]["attributes"]}
    return values["service.name"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("generated")
    with (
        server(folder, SPANGATE_QUIET_SECONDS="0.5") as url,
        demo_service(folder / "release-1", url, 1) as good,
        demo_service(folder / "release-2", url, 2) as bad,
    ):
        (folder / "logs").mkdir()
        gate = Gate(url, folder, {1: good, 2: bad})
        yield gate
        gate.http.close()


@pytest.fixture(scope="module")
def files(gate: Gate) -> dict[str, Path]:
    """Every form as the command line writes it; the page's download of each is the same, byte for byte."""
    names = {
        "yaml": "persist.spec.yaml",
        "pytest": "test_persist.py",
        "curl": "persist.sh",
        "tracetest": "persist.tracetest.yaml",
    }
    options = [word for form in ("pytest", "curl", "tracetest") for word in (f"--{form}", names[form])]
    made = spangate("spec", "new", gate.golden, "--server", gate.url, "--out", names["yaml"], *options, cwd=gate.folder)
    assert made.returncode == 0, made.stderr
    files = {form: gate.folder / name for form, name in names.items()}
    for form, file in files.items():
        page = gate.http.get(f"/projects/default/traces/{gate.golden}/test/{form}", headers={"accept": "text/html"})
        assert page.raise_for_status().text == file.read_text(), form
        assert "attachment" in page.headers["content-disposition"]
    return files


def environment(gate: Gate, release: int) -> str:
    """The name of an environment file for one request to this release."""
    service = gate.releases[release]
    (gate.folder / "environments").mkdir(exist_ok=True)
    file = gate.folder / "environments" / f"release-{release}.yaml"
    file.write_text(f"base_url: {service.url}\ntrace_id: '{service.new_trace()}'\n")
    return file.stem


def test_yaml(gate: Gate, files: dict[str, Path]) -> None:
    """`spangate spec run` is exit 0 on release 1, 1 on release 2, where it names both lost updates."""
    for release, code in ((1, 0), (2, 1)):
        options = ("--env", environment(gate, release), "--server", gate.url, "--quiet", "3")
        ran = spangate("spec", "run", str(files["yaml"]), *options, cwd=gate.folder)
        assert ran.returncode == code, ran.stdout + ran.stderr
        broken = [line for line in ran.stdout.splitlines() if "✗" in line]
        assert bool(broken) == (release == 2)
        assert all(any(lost in line for line in broken) for lost in LOST if release == 2), ran.stdout


def test_pytest(gate: Gate, files: dict[str, Path]) -> None:
    """The generated file under pytest: all pass on release 1; on release 2 the tests of the lost calls fail, that of the status passes."""
    for release, code in ((1, 0), (2, 1)):
        variables = {"SPANGATE_SERVER": gate.url, "SPANGATE_ENVIRONMENT": environment(gate, release), "SPANGATE_QUIET": "3"}
        ran = run_pytest(files["pytest"].name, cwd=gate.folder, **variables)
        assert ran.returncode == code, ran.stdout + ran.stderr
        failed = re.findall(r"^FAILED \S+::(\w+)", ran.stdout, re.MULTILINE)
        assert bool(failed) == (release == 2)
        if failed:
            assert any("update_traces" in name for name in failed) and any("elasticsearch" in name for name in failed)
            assert not any("answers_202" in name for name in failed)


def test_pytest_reports_its_result(gate: Gate, files: dict[str, Path]) -> None:
    """The server's spec of the file's name has each environment's last result, as the server itself sees the trace. Where there is none,
    nothing is said; where the server cannot take it, a warning says why, which fails no test, however warnings are treated."""

    def run(release: int, code: int) -> str:
        variables = {"SPANGATE_SERVER": gate.url, "SPANGATE_ENVIRONMENT": environment(gate, release), "SPANGATE_QUIET": "3"}
        ran = run_pytest(files["pytest"].name, cwd=gate.folder, PYTEST_ADDOPTS="-W error -p no:asyncio", **variables)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout

    assert "not reported" not in run(1, 0)
    text = files["yaml"].read_text()
    kept = gate.call("POST", "/specs", json={"text": text})["id"]
    assert "not reported" not in run(1, 0) + run(2, 1)
    results = {each["environment"]: each for each in gate.call("GET", f"/specs/{kept}")["results"]}
    assert {name: all(check["ok"] for check in each["checks"]) for name, each in results.items()} == {
        "release-1": True, "release-2": False,
    }  # fmt: skip
    another = gate.call("POST", "/specs", json={"text": text})["id"]
    assert "the result was not reported: 2 specs are called 'test_persist_trace'" in run(1, 0)
    for each in (kept, another):
        gate.http.delete(f"/api/v1/specs/{each}").raise_for_status()


def test_curl(gate: Gate, files: dict[str, Path]) -> None:
    """The script gets its 202 from both releases; the trace that it names shows, on the server, that only one of them did the work."""
    for release, works in ((1, True), (2, False)):
        service = gate.releases[release]
        variables = {**environ(), "base_url": service.url, "trace_id": service.new_trace()}
        ran = subprocess.run(["sh", files["curl"]], env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert (ran.returncode, '"accepted":true' in ran.stdout.replace(" ", "")) == (0, True), ran.stdout + ran.stderr
        trace = ran.stderr.partition("trace ")[2].strip()
        gate.spans(trace)
        result = gate.call("GET", f"/traces/{gate.golden}/spec/checks", params={"against": trace})
        assert all(check["ok"] for check in result["checks"]) is works, result
        page = gate.http.get(
            f"/projects/default/traces/{gate.golden}/test", params={"against": trace}, headers={"accept": "text/html"}
        )
        assert (">PASS<" in page.text.upper(), ">FAIL<" in page.text.upper()) == (works, not works)


def test_tracetest(gate: Gate, files: dict[str, Path]) -> None:
    """Tracetest itself needs a server of its own with a database; its definition is followed by a few lines of ours: the request is
    sent as it says, its selectors and assertions are looked up in the spans that came."""
    definition = yaml.safe_load(files["tracetest"].read_text())
    recorded = yaml.safe_load(files["yaml"].read_text())["parameters"]
    for release, works in ((1, True), (2, False)):
        service = gate.releases[release]
        wanted = definition["spec"]["trigger"]["httpRequest"]
        url = wanted["url"].replace(recorded["base_url"], service.url).replace(recorded["trace_id"], service.new_trace())
        trace = os.urandom(16).hex()
        headers = {each["key"]: each["value"] for each in wanted["headers"]} | {"traceparent": f"00-{trace}-{'1' * 16}-01"}
        assert httpx.request(wanted["method"], url, headers=headers, trust_env=False, timeout=60).status_code == 202
        failed = failures(definition, gate.spans(trace))
        assert bool(failed) is not works, failed
        assert all(any(lost in name for name in failed) for lost in LOST if not works), failed
