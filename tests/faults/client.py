"""A client that behaves as an OpenTelemetry exporter: it tries again when it is told to, and remembers what was acknowledged.

Every answer is looked at: success, or a refusal that says when to come back. Nothing else is right while a store is away.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from gate.codec.encode import encode_protobuf
from gate.model.trace import Span
from tests.faults.within import within

_PATIENCE = 60
"""Seconds for one answer: many times what the server may take."""
_AGAIN = 300
"""Seconds for a call to succeed, with all its repetitions."""
_RETRYABLE = (429, 503)


class Client:
    """Of one project of one server."""

    def __init__(self, url: str, project: str) -> None:
        self.project = project
        self.answers: Counter[int] = Counter()
        """By status; 0: there was none, for the server was gone."""
        alone = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(base_url=url, timeout=_PATIENCE, trust_env=False, limits=alone)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    @property
    def refused(self) -> int:
        """How many answers said: come back later."""
        return sum(self.answers[status] for status in _RETRYABLE)

    async def once(self, method: str, path: str, **arguments: Any) -> httpx.Response | None:
        """The answer, held to what a client is promised; None when the server was gone."""
        named = "project=" in path
        address = path if named else f"{path}{'&' if '?' in path else '?'}project={self.project}"
        try:
            response = await self._http.request(method, address, **arguments)
        except httpx.TimeoutException as error:
            raise AssertionError(f"{method} {path} was kept for {_PATIENCE} s: {error!r}") from error
        except httpx.TransportError:
            self.answers[0] += 1
            return None
        self.answers[response.status_code] += 1
        check_answer(response)
        return response

    async def until(self, method: str, path: str, *, fine: Sequence[int] = (200, 201), **arguments: Any) -> httpx.Response:
        """The first answer of a `fine` status; what says so is tried again, anything else fails the test."""
        response = None
        async with within(_AGAIN, lambda: (method, path, dict(self.answers), response and (response.status_code, response.text))):
            while True:
                response = await self.once(method, path, **arguments)
                if response is not None and response.status_code in fine:
                    return response
                known = response is None or response.status_code in (*_RETRYABLE, 202)
                assert known, (method, path, response.status_code, response.text)
                await asyncio.sleep(0.1)  # sooner than Retry-After says: tests are in a hurry, and it is the harder thing

    async def api(self, method: str, path: str, **arguments: Any) -> Any:
        """`until`, under `/api/v1`: the body."""
        return (await self.until(method, f"/api/v1{path}", **arguments)).json()

    async def send(self, spans: Sequence[Span], run: str = "") -> bool:
        """Export spans; returns when they are acknowledged. False: there is no such run."""
        headers = {"content-type": "application/x-protobuf", **({"x-spangate-run": run} if run else {})}
        fine = (200, 404) if run else (200,)
        answer = await self.until("POST", "/v1/traces", fine=fine, content=encode_protobuf(spans), headers=headers)
        assert answer.status_code == 404 or answer.content == b"", answer.content  # nothing was rejected
        return answer.status_code == 200


def check_answer(response: httpx.Response) -> None:
    """A refusal is 503 (or 429: too much at once) with Retry-After, and says what happened in the form of its door."""
    assert response.status_code < 500 or response.status_code == 503, (response.url, response.status_code, response.text)
    if response.status_code not in _RETRYABLE or response.url.path == "/health":
        return
    assert int(response.headers.get("retry-after", 0)) >= 1, (response.url, response.headers)
    kind = response.headers["content-type"].partition(";")[0]
    path = response.url.path
    if path == "/v1/traces":
        assert kind == "application/x-protobuf", (kind, response.text)
        assert response.content[:2] in (b"\x08\x0e", b"\x08\x08"), response.content  # google.rpc.Status: code 14 or 8
    elif path.startswith("/api/"):
        assert kind == "application/problem+json", (path, kind, response.text)
        problem = response.json()
        assert problem["status"] == response.status_code, problem
        assert problem["detail"], problem
    else:
        assert kind == "text/html", (path, kind, response.text)
