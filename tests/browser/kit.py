"""What every test of a page needs: a served Spangate with stores of its own, people who look at it, axe-core.

`server(...)` serves on loopback from this process; `Reader` opens pages in Chromium and ends the test when a page says anything on
the console, fails a request, or asks for anything outside of this server.
"""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from gate.app import create_app
from gate.model.trace import Span
from gate.service import Gate
from gate.settings import Settings
from gate.usecases.opening import open_gate
from tests import parts

Value = TypeVar("Value")
ASGIApplication = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
_SLOWLY = float(os.environ.get("SPANGATE_TEST_SLOW_PAGES", "0"))
"""Seconds: how long every answer waits to begin, and how long a page takes to come, in"""
_PIECES = 40
"""pieces."""
PATIENCE = 60_000
"""Milliseconds for what must come: a machine that does other things, too, may stand still for seconds."""
_LEAVING = ("htmx:sendAbort", "htmx:sendError", "htmx:afterRequest", "net::ERR_ABORTED")
"""What is said when a person goes on while a list of suggestions is still coming."""


class Server:
    """A running server: its address, and its gate to prepare things with."""

    def __init__(self, url: str, gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.gate = gate
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Awaits in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def api(self, token: str = "") -> httpx.Client:
        """A client of the REST API."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False)

    def give(self, spans: Iterable[Span], *, project: str = "default", run: str = "") -> None:
        """Deliver spans as one export request."""
        from gate.codec.encode import to_batch

        self.run(self.gate.receive(project, to_batch(tuple(spans)), run=run))


@contextmanager
def server(folder: Path, **settings: Any) -> Iterator[Server]:
    """Serve until the block ends. Without `admin_token` it is in local mode."""
    ready = threading.Event()
    holder: dict[str, Any] = {}
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    chosen = Settings(**{"port": port, "data": str(folder / "data"), "quiet_seconds": 0.2, "deadline_seconds": 2.0, **settings})

    async def serve() -> None:
        gate = await open_gate(chosen)
        config = uvicorn.Config(
            _slowly(create_app(chosen, gate)), http="httptools", log_level="error", access_log=False, lifespan="off"
        )
        holder.update(gate=gate, loop=asyncio.get_running_loop(), server=uvicorn.Server(config))
        ready.set()
        await holder["server"].serve(sockets=[listening])
        await gate.close()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            holder["error"] = error
            ready.set()
            raise

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(120)
    if "error" in holder:
        raise holder["error"]
    try:
        yield Server(f"http://127.0.0.1:{port}", holder["gate"], holder["loop"])
    finally:
        holder["server"].should_exit = True
        thread.join(60)
        listening.close()


def _slowly(app: ASGIApplication) -> ASGIApplication:
    """The same application as over a slow line: every answer begins late, and a page comes in many pieces. What a test reads after a
    click without waiting for what the click brings, and a key that it presses before the page's script is there, are then too
    early every time, not once in a hundred runs."""
    if not _SLOWLY:
        return app

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        html = False

        async def late(message: Any) -> None:
            nonlocal html
            if message["type"] == "http.response.start":
                html = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html")
                await asyncio.sleep(_SLOWLY)
            body = message.get("body", b"")
            if html and body:
                size = max(len(body) // _PIECES, 1)
                for start in range(0, len(body) - size, size):
                    await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
                    await asyncio.sleep(_SLOWLY / _PIECES)
                message = {**message, "body": body[(len(body) - 1) // size * size :]}
            await send(message)

        headers = dict(scope["headers"])
        if headers.get(b"sec-fetch-dest") == b"document":  # compressed, a piece would show only with the next ones
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"accept-encoding"]}
        await app(scope, receive, late)

    return slow


class Reader:
    """A person with a browser. `messages` must be empty at the end; `expected` takes out what the test is about."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.messages: list[str] = []
        self._expected: set[str] = set()
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def open(
        self,
        path: str = "/",
        *,
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        script: bool = True,
        zone: str = "UTC",
    ) -> Page:
        """A page in a new browser profile."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            timezone_id=zone,
            base_url=self.url,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        self._listen(page)
        page.goto(path)
        return page

    def expect(self, part: str) -> None:
        """Messages that contain `part` are what the test is about; at the end there must be one."""
        self._expected.add(part)

    def close(self) -> None:
        """Ends everything, and the test if a page complained."""
        for context in self._contexts:
            context.close()
        unmet = [part for part in self._expected if not any(part in message for message in self.messages)]
        assert unmet == [], f"no message says {unmet}: {self.messages}"
        known = (*self._expected, *_LEAVING)
        unexpected = [message for message in self.messages if not any(part in message for part in known)]
        assert unexpected == [], unexpected

    def _listen(self, page: Page) -> None:
        note = self.messages.append
        page.on("console", lambda message: note(f"console: {message.text}"))
        page.on("pageerror", lambda error: note(f"error: {error}"))
        page.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request", lambda request: None if request.url.startswith((self.url, "data:")) else note(f"request: {request.url}")
        )


_click = Locator.click


def _click_and_load(self: Locator, **options: Any) -> None:
    """A click is done when the page that it leads to has come, with its script: Playwright goes on when its first bytes have."""
    _click(self, **options)
    self.page.wait_for_load_state()


Locator.click = _click_and_load  # type: ignore[method-assign]


def axe(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, as readable lines. Its script goes in past the page's own policy."""
    page.evaluate((parts.npm_install() / "axe-core" / "axe.min.js").read_text())
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = page.evaluate("(options) => axe.run(document, options)", rules)
    return [
        f"{each['id']}: {each['help']}: {json.dumps(node['html'])[:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def layout_shift(page: Page) -> float:
    """The cumulative layout shift so far (0: nothing moved by itself); what moved is printed. Of a page that is torn in the middle of its
    buttons, some do: that is not what tests of slow pages look for."""
    total, moved = page.evaluate(
        """() => new Promise((done) => {
          let sum = 0;
          const moved = [];
          const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
              if (entry.hadRecentInput) continue;
              sum += entry.value;
              for (const { node, previousRect, currentRect } of entry.sources) {
                const name = (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.outerHTML?.slice(0, 120);
                moved.push(`${name}: ${place(previousRect)} → ${place(currentRect)}`);
              }
            }
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done([sum, moved]), 200);
        })"""
    )
    for each in moved:
        print("moved:", each)
    return 0.0 if _SLOWLY else total


def nothing_foreign(page: Page) -> list[str]:
    """Elements and attributes that our templates never write: an escape failed. Empty when all is well."""
    return page.evaluate(
        """() => {
          const found = [];
          const ours = (src) => src && new URL(src, location.href).origin === location.origin;
          for (const e of document.querySelectorAll("script")) if (!ours(e.getAttribute("src"))) found.push(e.outerHTML);
          for (const e of document.querySelectorAll("img, iframe, object, embed, base, video, audio, style, marquee, math")) found.push(e.outerHTML);
          for (const e of document.querySelectorAll("a[href]")) if (!/^(https?:|\\/|#|\\?|$)/.test(e.getAttribute("href"))) found.push(e.outerHTML);
          for (const e of document.querySelectorAll("*")) for (const a of e.attributes) if (/^on|^srcdoc$/.test(a.name)) found.push(e.outerHTML);
          if (window.hit) found.push("window.hit");
          return found.map((each) => each.slice(0, 200));
        }"""
    )


Make = Callable[..., Server]
