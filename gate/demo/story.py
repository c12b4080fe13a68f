"""The story in five chapters: record golden runs, promote them, run the release with the bug, judge, make the test."""

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from gate.demo.processes import DemoFailed, Process, free_port
from gate.demo.recording import Stores, record

CULPRIT = "test_persist_trace"


class Story:
    """One telling, with its own Spangate server under `directory`, which `empty_directory` has made."""

    def __init__(self, directory: Path, stores: Stores, console: Console) -> None:
        self.directory = directory.resolve()
        self.stores = stores
        self.console = console
        self._kind = "PostgreSQL and Elasticsearch" if stores.spangate else "SQLite"
        self.shown = directory
        self.port = free_port()
        self.server = f"http://127.0.0.1:{self.port}"
        self.api = httpx.Client(base_url=f"{self.server}/api/v1", timeout=60.0, trust_env=False)

    def tell(self, *, golden_runs: int, keep: bool) -> int:
        """0 when the story came out as told, else 1. Raises DemoFailed when a part of it does not work at all."""
        begin = time.monotonic()
        command = [sys.executable, "-m", "gate.cli", "serve", "--port", str(self.port), "--data", str(self.directory / "data")]
        with Process("spangate", command, self.directory / "logs", self.stores.spangate) as server:
            server.wait_until_ready(f"{self.server}/health")
            self._say(f"Spangate is up on {self.server} ({self._kind})")
            for number in range(1, golden_runs + 1):
                run = self._record(f"golden run {number} of {golden_runs}, release 1", release=1, branch="main", commit="a11600d")
                self._call("POST", f"/runs/{run}/promote", json={"reason": "demo: recorded on main"})
            self._say(f"promoted {golden_runs} golden runs: each test case has a baseline")
            candidate = self._record(
                "pull request 7, release 2", release=2, branch="refactor-tenancy", commit="badc0de", pull_request=7
            )
            verdict = self._verdict(candidate)
            self._reports(candidate)
            disagreements = [*self._check_verdict(verdict), *self._check_spec(candidate, verdict)]
            self._close(disagreements, time.monotonic() - begin)
            if keep and not disagreements:
                self.console.print(f"\nThe server stays up on [bold]{self.server}[/]; Ctrl-C ends it.")
                with suppress(KeyboardInterrupt):
                    server.child.wait()
        return 1 if disagreements else 0

    def _record(self, title: str, *, release: int, branch: str, commit: str, pull_request: int = 0) -> str:
        run: str = self._call(
            "POST",
            "/runs",
            json={"branch": branch, "commit": commit, "base_branch": "main", "pull_request": pull_request, "environment": "demo"},
        )["id"]
        with self.console.status(f"recording {title} …"):
            record(self.server, run, release, self.stores, self.directory)
        self._call("POST", f"/runs/{run}/finish")
        self._verdict(run)
        self._say(f"recorded {title}: every test passed")
        return run

    def _verdict(self, run: str) -> dict[str, Any]:
        with self.console.status("waiting for the verdict …"):
            for _ in range(6):
                verdict: dict[str, Any] = self._call("GET", f"/runs/{run}/verdict", params={"wait": 25})
                if "conclusion" in verdict:
                    return verdict
        raise DemoFailed(f"run {run} has no verdict after 150 s; see {self.shown}/logs/spangate.log.")

    def _reports(self, run: str) -> None:
        for name, kind in (
            ("report.html", "html"),
            ("comment.md", "md"),
            ("summary.md", "summary"),
            ("junit.xml", "junit"),
            ("report.json", "json"),
        ):
            (self.directory / name).write_text(self._text(f"/runs/{run}/report", format=kind))
        self.console.print()
        self.console.print(Text(self._text(f"/runs/{run}/report", format="text")), soft_wrap=True)

    def _check_verdict(self, verdict: dict[str, Any]) -> list[str]:
        """How the verdict differs from the story; empty when it does not."""
        failures = [finding for finding in verdict["findings"] if finding["level"] == "failure"]
        if verdict["conclusion"] != "fail" or len(failures) != 1:
            return [f"expected one failure, got {verdict['conclusion']} with {len(failures)}"]
        cause = failures[0]
        missing = [each["change"] for each in cause["consequences"] if each["change"]["type"] == "call-missing"]
        told = {
            "the root divergence is the fetch whose rows went from 1 to 0": cause["change"]["type"] == "rows-changed"
            and (cause["change"]["before"], cause["change"]["after"]) == ("1", "0"),
            "the SQL update no longer happens": any(change["operation"].startswith("UPDATE") for change in missing),
            "the search index update no longer happens": any(change["operation"] == "update" for change in missing),
            "it is under the persist flow": [flow["test_case"] for flow in cause["flows"]] == [CULPRIT],
            "all other flows pass": all(
                (flow["conclusion"] == "pass") != (flow["key"]["test_case"] == CULPRIT) for flow in verdict["flows"]
            ),
        }
        return [sentence for sentence, holds in told.items() if not holds]

    def _check_spec(self, candidate: str, verdict: dict[str, Any]) -> list[str]:
        """Generate the regression test of the persist flow, run it on the good and on the bad trace."""
        flow = next(flow for flow in verdict["flows"] if flow["key"]["test_case"] == CULPRIT)
        spec = self.directory / "persist.spec.yaml"
        spec.write_text(self._text(f"/traces/{flow['sample_trace_id']}/spec", format="yaml"))
        (self.directory / "test_persist.py").write_text(self._text(f"/traces/{flow['sample_trace_id']}/spec", format="pytest"))
        self._say(f"generated the regression test {self.shown / spec.name}")
        disagreements: list[str] = []
        for name, trace_id, expected in (("good", flow["sample_trace_id"], 0), ("bad", flow["trace_id"], 1)):
            file = self.directory / f"{name}.json"
            file.write_text(self._text(f"/traces/{trace_id}", format="otlp"))
            checked = subprocess.run(
                [sys.executable, "-m", "gate.cli", "spec", "check", str(spec), str(file)],
                capture_output=True,
                text=True,
                check=False,
            )
            self.console.print(f"\n[bold]spangate spec check {self.shown / spec.name} {self.shown / file.name}[/]")
            self.console.print(Text(checked.stdout.rstrip() + checked.stderr), soft_wrap=True)
            if checked.returncode != expected:
                disagreements.append(f"the spec on the {name} trace ended with {checked.returncode}, not {expected}")
            if expected and not ("UPDATE" in checked.stdout and "elasticsearch" in checked.stdout.lower()):
                disagreements.append("the spec on the bad trace does not name both missing updates")
        return disagreements

    def _close(self, disagreements: list[str], seconds: float) -> None:
        if disagreements:
            self.console.print("\n[red bold]The story did not come out as told:[/]")
            for sentence in disagreements:
                self.console.print(f"  not so: {sentence}")
            return
        self.console.print(
            f"\n[green bold]The story came out as told[/] in {seconds:.0f} s: "
            "every test passed on both releases, and the gate failed release 2.\n\n"
            f"Open     {self.shown}/report.html    the two traces side by side\n"
            f"         {self.shown}/comment.md     what the pull request would show\n"
            f"         {self.shown}/persist.spec.yaml, {self.shown}/test_persist.py   the generated regression test\n"
            f"Try      make demo KEEP=1            leaves the server up, with the run's page\n"
            f"         .venv/bin/spangate diff {self.shown}/good.json {self.shown}/bad.json\n"
            f"         .venv/bin/spangate exec --help      the same on your own test command, no server needed",
            soft_wrap=True,
        )

    def _say(self, text: str) -> None:
        self.console.print(f"[green]✓[/] {text}", soft_wrap=True)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self.api.request(method, path, **arguments)
        if response.is_error:
            raise DemoFailed(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    def _text(self, path: str, **parameters: str) -> str:
        response = self.api.get(path, params=parameters)
        if response.is_error:
            raise DemoFailed(f"GET {path}: {response.status_code} {response.text}")
        return response.text


def empty_directory(directory: Path) -> None:
    """Start anew. Raises DemoFailed for a directory with something in it that no demo has put there."""
    mark = directory / ".spangate-demo"
    if directory.exists() and not mark.exists() and any(directory.iterdir()):
        raise DemoFailed(f"{directory} was not made by the demo, which would empty it; name another with OUT=….")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "logs").mkdir(parents=True)
    mark.touch()
