"""`python -m tests.page_pictures docs/images`: the pages as Chromium shows them, with the demo's data."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from gate.service import TraceQuery
from gate.web import demo_data
from tests import parts
from tests.browser.kit import Server, server

WIDTH, HEIGHT, SCALE = 1200, 760, 1.25


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data, server(Path(data)) as served:
        served.run(demo_data.fill(served.gate, by="local"))
        good, bad = (_trace(served, run) for run in ("demo-3", "demo-4"))
        pages = {
            "page-start": ("", "light", ""),
            "page-search": ("/traces?text=persist", "light", ""),
            "page-side-by-side": (f"/compare?before={good}&after={bad}", "light", "n"),
            "page-trace-dark": (f"/traces/{good}", "dark", "jjjjj"),
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=parts.chromium(), args=["--no-sandbox", "--disable-gpu"])
            for name, (path, scheme, keys) in pages.items():
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, color_scheme=scheme  # type: ignore[arg-type]
                )  # fmt: skip
                page.goto(f"{served.url}/projects/demo{path}", wait_until="networkidle")
                for key in keys:
                    page.keyboard.press(key)
                if name.startswith("page-trace"):
                    page.keyboard.press("Enter")
                    page.locator("#span-side h2").wait_for()
                if "side-by-side" in name:
                    page.evaluate("scrollTo(0, 0)")
                page.screenshot(path=folder / f"{name}.png")
                page.close()
            browser.close()


def _trace(served: Server, run: str) -> str:
    found = served.run(served.gate.search("demo", TraceQuery(run=run, test_case="test_persist_trace")))
    return found.traces[0].trace_id


if __name__ == "__main__":
    main(Path(sys.argv[1]))
