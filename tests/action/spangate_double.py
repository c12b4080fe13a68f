"""A Spangate server that does what a test needs and a real one cannot be made to do: be overloaded, slow, or wrong."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FINDING = {
    "fingerprint": "sg1:0123456789abcdef",
    "change": {"type": "count-changed", "service": "pricing", "operation": "SELECT prices"},
    "level": "failure",
    "place": {"path": ["web: GET /checkout", "pricing: SELECT prices"]},
    "sentence": "pricing: SELECT prices happens 12 times, the golden traces have it once",
    "flows": [],
    "consequences": [],
    "rule": "",
    "approval": None,
}
FLOW = {"key": {"test_case": "", "service": "web", "operation": "GET /checkout"}, "conclusion": "pass", "reason": ""}
REPORTS = {
    "md": "### ❌ Merging this changes 1 of 1 traced flows",
    "summary": "## Spangate summary",
    "html": "<!doctype html><title>report</title>",
    "junit": "<testsuites/>",
    "json": '{"headline": "Merging this PR changes 1 of 1 traced flow"}',
    "text": "::error::the tree of a hostile span name",
}


@dataclass
class SpangateDouble:
    """`trouble` holds (method and path prefix) → answers (status, headers, body) to give first, one a request."""

    conclusion: str = "pass"
    findings: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    waiting: int = 0
    """How often the verdict is not there yet; -1: always."""
    trouble: dict[str, deque[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=lambda: dict(REPORTS))
    runs: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    answer_to_export: bytes = b""
    authorization: set[str] = field(default_factory=set)

    def __enter__(self) -> "SpangateDouble":
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, more, content = double.handle(self.command, self.path, headers, raw)
                self.send_response(status)
                for name, value in {**more, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def handle(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(target)
        call = f"{method} {parts.path}"
        self.calls.append(call)
        self.authorization.add(headers.get("authorization", ""))
        for prefix, answers in self.trouble.items():
            if call.startswith(prefix) and answers:
                return answers.popleft()
        match method, parts.path.split("/")[1:]:
            case "POST", ["v1", "traces"]:
                self.uploads.append((headers, raw))
                return 200, {"content-type": headers["content-type"]}, self.answer_to_export
            case "POST", ["api", "v1", "runs"]:
                self.runs.append(json.loads(raw))
                return 201, {"content-type": "application/json"}, raw
            case "POST", ["api", "v1", "runs", _, "finish"]:
                return 200, {"content-type": "application/json"}, b"{}"
            case "GET", ["api", "v1", "runs", _, "verdict"]:
                return self.verdict()
            case "GET", ["api", "v1", "runs", _, "report"]:
                return 200, {"content-type": "text/plain"}, self.reports[parse_qs(parts.query)["format"][0]].encode()
        return 404, {"content-type": "application/problem+json"}, b'{"detail": "no such thing"}'

    def verdict(self) -> tuple[int, dict[str, str], bytes]:
        kind = {"content-type": "application/json"}
        if self.waiting:
            self.waiting -= 1
            return 202, kind, json.dumps({"state": "waiting", "reason": "2 flows are not closed"}).encode()
        content = {"conclusion": self.conclusion, "findings": self.findings, "flows": [FLOW], "reasons": self.reasons}
        return 200, kind, json.dumps(content).encode()
