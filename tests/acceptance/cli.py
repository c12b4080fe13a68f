"""The command line as a user has it: a process with arguments, a folder and an environment."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from tests.ports import free_port

SHOP = Path(__file__).with_name("shop.py")
ROOT = Path(__file__).parents[2]
RUN_SHOP = ("--", sys.executable, str(SHOP))
NOT_PASSED_ON = ("OTEL_", "SPANGATE_", "GITHUB_", "GITLAB_", "CI")


def environ(**more: str) -> dict[str, str]:
    """The environment without what would change the meaning of a test, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_PASSED_ON)}
    patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}  # seconds: an exporter that gives up loses spans
    return {**kept, **patient, "PYTHONPATH": str(ROOT), "OTEL_SERVICE_NAME": "shop", "COLUMNS": "200", **more}


def spangate(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `spangate ARGUMENTS` in a folder."""
    command = [sys.executable, "-m", "gate.cli", *arguments]
    return subprocess.run(command, cwd=cwd, env=environ(**more), capture_output=True, text=True, timeout=120, check=False)


def run_pytest(file: str, *, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one test file in a folder, without the configuration of ours."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", file]
    return subprocess.run(command, cwd=cwd, env=environ(**more), capture_output=True, text=True, timeout=120, check=False)


def execute(*options: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`spangate exec OPTIONS -- shop`, with little patience."""
    return spangate("exec", "--quiet", "0.6", *options, *RUN_SHOP, cwd=cwd, **more)


@contextmanager
def process(*command: str, cwd: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A process for the time of a test."""
    with subprocess.Popen(
        command, cwd=cwd, env=environ(**more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def server(cwd: Path, program: Sequence[str] = (sys.executable, "-m", "gate.cli"), **more: str) -> Iterator[str]:
    """A real `spangate serve`; its address."""
    port = free_port()
    command = (*program, "serve", "--port", str(port), "--data", str(cwd / "data"))
    log = cwd / "server.log"
    with log.open("w") as file, subprocess.Popen(command, cwd=cwd, env=environ(**more), stdout=file, stderr=file) as child:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_healthy(address, child, log)
            yield address
        finally:
            child.terminate()
            child.wait(60)


@contextmanager
def shop_service(cwd: Path, endpoint: str, **more: str) -> Iterator[str]:
    """The shop as a running HTTP service that exports to `endpoint`; its address."""
    port_file = cwd / f"port-{uuid4().hex}"
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "500", **more}
    with process(sys.executable, str(SHOP), "serve", str(port_file), cwd=cwd, **more):
        deadline = time.monotonic() + 60
        while not (port_file.exists() and port_file.read_text()):
            assert time.monotonic() < deadline, "the shop did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text()}"


def _wait_until_healthy(address: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert child.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())
