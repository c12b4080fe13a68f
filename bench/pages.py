"""`python -m bench.pages`: how quick the pages are, with many spans stored and with 10,000 spans on one page in Chromium.

The server is `spangate serve` on SQLite as a user starts it; answers are timed over one connection, pages as a person has them: until
the first rows are painted, until the last row is in view after a jump, until `n` shows a change. The Jaeger UI's only published
figure beside it is its diff's own computing time, scaled to this machine by the call-path multiset (bench/compare.py).
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from bench.compare import JAEGER_UI
from bench.load import bodies, send
from bench.tracegen import again, changed, trace
from gate.codec.encode import encode_protobuf
from gate.demo.processes import free_port
from gate.model.trace import Span
from tests import parts

GOALS = "goals: p95 of the first answer ≤ 100 ms, ≤ 150 KB compressed at 200 spans, first rows and n/p ≤ 1 s after the answer"
ASKED = 40
HTML = {"accept": "text/html", "accept-encoding": "gzip"}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=200_000, help="stored before anything is measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gate.cli", "serve", "--port", str(port), "--data", f"{folder}/data"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(url)
            ids = _fill(url, arguments.spans)
            _answers(url, arguments.spans, ids)
            _browser(url, ids)
        finally:
            server.terminate()
            server.wait(20)
    print(f"\n{GOALS}")
    return 0


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _fill(url: str, spans: int) -> dict[str, str]:
    asyncio.run(send(f"{url}/v1/traces", bodies(spans, seed=1)))
    ids: dict[str, str] = {}
    for size in (200, 10_000):
        golden = trace(size, seed=size)
        other = again(changed(golden, seed=size), seed=size + 1)
        for name, made in (("golden", golden), ("other", other)):
            ids[f"{name} {size}"] = made[0].trace_id
            _send(url, made)
    httpx.post(f"{url}/api/v1/traces/{ids['golden 10000']}/promote", json={}, trust_env=False, timeout=60).raise_for_status()
    return ids


def _send(url: str, spans: Sequence[Span]) -> None:
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(
        f"{url}/v1/traces", content=encode_protobuf(spans), headers=headers, trust_env=False, timeout=60
    ).raise_for_status()


def _answers(url: str, spans: int, ids: dict[str, str]) -> None:
    def compare(size: int) -> str:
        return f"/compare?before={ids[f'golden {size}']}&after={ids[f'other {size}']}"

    pages = {
        "start": "", "search, newest": "/traces", "search, text": "/traces?text=stock", "search, service and status": "/traces?service=mail&status=200",
        "search, nothing matches": "/traces?text=nosuchname", "search, attribute": "/traces?attribute=db.namespace%3Dshop",
        "trace of 200 spans": f"/traces/{ids['golden 200']}", "side by side, 200 spans": compare(200),
        "trace of 10,000 spans, again": f"/traces/{ids['golden 10000']}", "side by side, 10,000 spans, again": compare(10_000),
        "beside its baseline, 10,000 spans, again": f"/traces/{ids['other 10000']}/baseline",
    }  # fmt: skip
    print(f"\n{spans:,} spans stored in traces of 20, SQLite, {ASKED} times each\n")
    print("| page | first ms: begun | all of it | again p50 ms | p95 ms | KB gzip |")
    print("|---|---|---|---|---|---|")
    with httpx.Client(base_url=f"{url}/projects/default", headers=HTML, trust_env=False, timeout=60) as client:
        for name, path in pages.items():
            begun: list[float] = []
            times: list[float] = []
            size = 0
            for _ in range(ASKED):
                began = time.perf_counter()
                with client.stream("GET", path) as answer:
                    answer.raise_for_status()
                    pieces = answer.iter_raw()
                    size = len(next(pieces))
                    begun.append((time.perf_counter() - began) * 1000)
                    size += sum(map(len, pieces))
                times.append((time.perf_counter() - began) * 1000)
            p95 = statistics.quantiles(times[1:], n=20)[-1]
            print(
                f"| {name} | {begun[0]:.0f} | {times[0]:.0f} | {statistics.median(times[1:]):.1f} | {p95:.1f} | {size / 1000:.0f} |"
            )


def _browser(url: str, ids: dict[str, str]) -> None:
    print("\n10,000 spans in Chromium, ms after it was asked for; then how long a jump and a key take (medians of 3)\n")
    print("| page | first paint | answer | first rows usable | jump to the end | n |")
    print("|---|---|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=parts.chromium(), args=["--no-sandbox", "--disable-gpu"])
        timeline = [_timeline(browser, f"{url}/projects/default/traces/{ids['golden 10000']}") for _ in range(3)]
        pairs = [_pair(url, seed) for seed in (1, 2, 3)]
        first = [_compared(browser, f"{url}/projects/default/{pair}") for pair in pairs]
        again = [_compared(browser, f"{url}/projects/default/{pair}") for pair in pairs]
        browser.close()
    for name, rows in (("trace", timeline), ("side by side, never compared before", first), ("side by side, again", again)):
        print(f"| {name} | " + " | ".join(f"{statistics.median(values):.0f}" for values in zip(*rows, strict=True)) + " |")
    diff, multiset = JAEGER_UI[10_000]
    print(
        f"\nJaeger UI, reference: {diff:.0f} ms for the diff of 10,000 spans alone, before anything is drawn (multiset {multiset:.0f} ms)"
    )


def _pair(url: str, seed: int) -> str:
    golden = trace(10_000, seed=seed)
    other = again(changed(golden, seed=seed), seed=seed + 10)
    for made in (golden, other):
        _send(url, made)
    return f"compare?before={golden[0].trace_id}&after={other[0].trace_id}"


_PAINTED = """async () => {
  while (!performance.getEntriesByName("first-contentful-paint").length) await new Promise((done) => setTimeout(done, 5));
  const page = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint.startTime - page.requestStart, page.responseEnd - page.requestStart, performance.now() - page.requestStart];
}"""


def _timeline(browser: Browser, url: str) -> tuple[float, ...]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url, wait_until="commit")
    page.locator("body[data-ready]").wait_for()
    paint, answer, ready = page.evaluate(_PAINTED)
    began = time.perf_counter()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".row[data-row='9999']").wait_for()
    jumped = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    page.keyboard.press("k")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    stepped = (time.perf_counter() - began) * 1000
    page.close()
    return paint, answer, ready, jumped, stepped


def _compared(browser: Browser, url: str) -> tuple[float, ...]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url, wait_until="load")
    paint, answer, ready = page.evaluate(_PAINTED)
    began = time.perf_counter()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    jumped = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    page.keyboard.press("n")
    page.locator(".current").wait_for()
    moved = (time.perf_counter() - began) * 1000
    page.close()
    return paint, answer, ready, jumped, moved


if __name__ == "__main__":
    sys.exit(main())
