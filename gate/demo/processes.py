"""The processes of the demo: started on free loopback ports, waited for, ended by pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx


class DemoFailed(Exception):
    """A part of the demo did not start or did not answer; the message says which, and where its log is."""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Process:
    """A child process with its log file; ended with SIGTERM (which flushes exporters) when the block ends."""

    def __init__(self, name: str, command: list[str], logs: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends its children in order
            )

    def wait_until_ready(self, url: str, seconds: float = 30.0) -> None:
        """Raises DemoFailed when it ends, or does not answer `url` with 2xx in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise DemoFailed(f"{self.name} ended with {self.child.returncode} at its start; see {self.log}.")
            try:
                if httpx.get(url, timeout=2.0, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise DemoFailed(f"{self.name} did not answer {url} within {seconds:.0f} s; see {self.log}.")

    def stop(self) -> None:
        """SIGTERM and wait; SIGKILL after ten seconds."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def python_module(module: str) -> list[str]:
    """The command that runs a module of ours with this interpreter."""
    return [sys.executable, "-m", module]
