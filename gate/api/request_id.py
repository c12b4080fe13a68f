"""Every request has an id: the caller's own `x-request-id` when it is a plain one, else a new one. Answers and logs carry it."""

import re
import time
import uuid
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"

logger: structlog.stdlib.BoundLogger = structlog.get_logger("spangate.http")

_PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_QUIET = frozenset({"/health", "/v1/traces"})


def request_id(scope: Any) -> str:
    """The id of the request that is being answered."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = next((value for name, value in scope["headers"] if name == HEADER.encode()), b"")
        state["request_id"] = given.decode() if _PLAIN.fullmatch(given) else uuid.uuid4().hex
    identity: str = state["request_id"]
    return identity


def log_requests(app: ASGIApp) -> ASGIApp:
    """ASGI middleware: one log line an answer, its id in a header. Health checks and exports are logged only when they fail."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        identity = request_id(scope)
        started = time.perf_counter()

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), identity.encode())]
                log = logger.debug if scope["path"] in _QUIET and status < 400 else logger.info
                # The raw path: percent-encoded, so that nobody writes lines of their own into the log.
                path = scope.get("raw_path", b"").decode("ascii", "replace")
                elapsed = round((time.perf_counter() - started) * 1000, 1)
                log("request", method=scope["method"], path=path, status=int(status), milliseconds=elapsed, request_id=identity)
            await send(message)

        await app(scope, receive, send_logged)

    return middleware
