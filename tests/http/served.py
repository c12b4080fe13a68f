"""The whole application on a real socket, over a real SQLite store; and a client that looks at every problem it is answered with."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from gate.app import create_app, open_gate
from gate.codec.encode import encode_protobuf
from gate.model.trace import Span
from gate.service import Gate
from gate.settings import Settings
from gate.telemetry import Telemetry

PROBLEM = "application/problem+json"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
ADMIN = "the-admin-token-of-the-tests"
TIMEOUT = 60
"""Seconds that a client waits: httpx's own five are less than a busy machine takes at times."""


class Api:
    """A client of `/api/v1` and of `/v1/traces`. Every answer of 400 and more must be a problem that fits its status."""

    def __init__(self, url: str, *, token: str = "", project: str = "") -> None:
        self.url = url
        self.project = project
        headers = {"authorization": f"Bearer {token}"} if token else {}
        alone = httpx.Limits(max_keepalive_connections=0)  # nothing is open between two calls, so nothing has to be closed
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False, limits=alone)

    def __call__(self, method: str, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        """`path` under `/api/v1`, or absolute when it begins with two slashes."""
        if body is not None:
            arguments["json"] = body
        address = path[1:] if path.startswith("//") else f"/api/v1{path}"
        response = self._client.request(method, self._in_project(address), **arguments)
        if response.status_code >= 400:
            check_problem(response)
        return response

    def ok(self, method: str, path: str, body: Any = None, **arguments: Any) -> Any:
        """What a successful call answers."""
        response = self(method, path, body, **arguments)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def problem(self, status: int, method: str, path: str, body: Any = None, **arguments: Any) -> dict[str, Any]:
        """The problem that a refused call answers, of this status."""
        response = self(method, path, body, **arguments)
        assert response.status_code == status, response.text
        return response.json()

    def send(self, *spans: Span, run: str = "", content: bytes | None = None, **headers: str) -> httpx.Response:
        """Export spans; the answer is OTLP's, not a problem."""
        named = {"content-type": PROTOBUF, **{name.replace("_", "-"): value for name, value in headers.items()}}
        named.update({"x-spangate-run": run} if run else {})
        return self._client.post(
            self._in_project("/v1/traces"), content=encode_protobuf(spans) if content is None else content, headers=named
        )

    def judged(self, *traces: list[Span], run: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """A run from begin to verdict: its id and the verdict."""
        identity = self.ok("POST", "/runs", run or {})["id"]
        for spans in traces:
            assert self.send(*spans, run=identity).status_code == 200
        self.ok("POST", f"/runs/{identity}/finish")
        return identity, self.ok("GET", f"/runs/{identity}/verdict?wait=25")

    def _in_project(self, address: str) -> str:
        return f"{address}{'&' if '?' in address else '?'}project={self.project}" if self.project else address


def check_problem(response: httpx.Response) -> None:
    """RFC 9457, with all that we promise: type, title, the response's own status, what happened, where, what to do."""
    assert response.headers["content-type"] == PROBLEM, response.text
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "hint"}
    assert problem["type"].startswith("urn:spangate:problem:")
    assert problem["status"] == response.status_code
    assert problem["title"] and problem["detail"]
    assert problem["instance"] == response.request.url.path
    assert (response.status_code == 401) == ("www-authenticate" in response.headers)
    assert response.headers["x-request-id"]
    assert response.status_code < 500, response.text


class Clock:
    """Real time, moved by tests."""

    def __init__(self) -> None:
        self.offset_ns = 0

    def __call__(self) -> int:
        return time.time_ns() + self.offset_ns


@contextmanager
def served(
    data: Path, *, clock: Callable[[], int] = time.time_ns, telemetry: Telemetry | None = None, **settings: Any
) -> Iterator[str]:
    """Serve until the block ends; the address. Little patience unless `settings` say otherwise."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        chosen = Settings(**{"data": str(data), "port": port, "quiet_seconds": 0.3, "deadline_seconds": 3.0, **settings})
        running: list[uvicorn.Server] = []
        failed: list[BaseException] = []
        started = threading.Event()

        async def serve() -> None:
            gate: Gate = await open_gate(chosen, clock=clock)
            try:
                app = create_app(chosen, gate, telemetry=telemetry)
                config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False, lifespan="on")
                running.append(uvicorn.Server(config))
                started.set()
                await running[0].serve(sockets=[listening])
            finally:
                await gate.close()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:
                failed.append(error)
                started.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert started.wait(60)
        if failed:
            raise failed[0]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running[0].should_exit = True
            thread.join(30)
    if failed:
        raise failed[0]
