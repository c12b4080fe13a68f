"""`python -m tests.page_pictures docs/images`: the pages as Chromium shows them, with the demo's data, as WebP (`make pictures`)."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from gate.service import TraceQuery
from gate.web import demo_data
from tests import parts
from tests.browser.kit import Server, server
from tests.webp import webp

WIDTH, HEIGHT, SCALE = 1200, 760, 1.25


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data, server(Path(data)) as served:
        served.run(demo_data.fill(served.gate, by="local"))
        good, bad = (_trace(served, run) for run in ("demo-3", "demo-4"))
        baseline = next(each for each in served.run(served.gate.baselines("demo")) if "persist_trace" in each.flow)
        spec = served.run(served.gate.generate_spec("demo", baseline_id=baseline.id, trace_id="", by="local"))
        for trace_id, environment in ((good, "staging"), (bad, "review")):
            served.run(served.gate.check_spec("demo", spec.id, environment=environment, trace_id=trace_id, by="local"))
        pages: dict[str, tuple[str, str, Callable[[Page], None]]] = {
            "page-search": ("/traces?text=persist", "light", _two_ticks),
            "page-side-by-side": (f"/compare?before={good}&after={bad}", "light", _first_change),
            "page-trace-dark": (f"/traces/{good}", "dark", _a_span),
            "page-run": ("/runs/demo-4", "light", _as_it_is),
            "page-baseline": (f"/flows/{baseline.id}", "light", _as_it_is),
            "page-spec": (f"/specs/{spec.id}", "light", _as_it_is),
            "page-settings": ("/settings", "light", _a_policy),
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=parts.chromium(), args=["--no-sandbox", "--disable-gpu"])
            for name, (path, scheme, prepare) in pages.items():
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, color_scheme=scheme  # type: ignore[arg-type]
                )  # fmt: skip
                page.goto(f"{served.url}/projects/demo{path}", wait_until="networkidle")
                prepare(page)
                (folder / f"{name}.webp").write_bytes(webp(browser, page.screenshot()))
                page.close()
            browser.close()


def _as_it_is(page: Page) -> None:
    page.evaluate("scrollTo(0, 0)")


def _two_ticks(page: Page) -> None:
    """The bad call and the golden one before it."""
    boxes = page.locator("tr", has_text="test_persist_trace").locator("[name=trace]")
    boxes.nth(1).check()
    boxes.nth(0).check()


def _first_change(page: Page) -> None:
    page.keyboard.press("n")
    page.evaluate("scrollTo(0, 0)")


def _a_span(page: Page) -> None:
    for _ in range(5):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#span-side h2").wait_for()


def _a_policy(page: Page) -> None:
    """What a policy would change in the runs that there are, before it is saved."""
    page.locator("textarea[name=policy]").fill("rules:\n  - kind: rows-changed\n    level: warning\n")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_load_state("networkidle")
    page.get_by_role("heading", name="Policy").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('textarea[name=policy]').getBoundingClientRect().top + scrollY - 90)")


def _trace(served: Server, run: str) -> str:
    found = served.run(served.gate.search("demo", TraceQuery(run=run, test_case="test_persist_trace")))
    return found.traces[0].trace_id


if __name__ == "__main__":
    main(Path(sys.argv[1]))
