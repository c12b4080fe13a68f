"""What can be measured of how pages look: every page with the demo's data, from a phone to 4K."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from gate.service import TraceQuery
from gate.web import demo_data
from tests.browser.kit import Reader, Server, layout_shift, server

PLACES = (
    "", "/traces?text=persist", "/traces/{good}?span={span}", "/traces/{good}/normalised", "/traces/{good}/test?against={bad}",
    "/compare?before={good}&after={bad}", "/traces/{bad}/baseline", "/runs", "/runs/demo-4", "/flows", "/flows/{baseline}", "/specs",
    "/settings",
)  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """The demo's project, and what its addresses are made of."""
    with server(tmp_path_factory.mktemp("looks")) as served:
        served.run(demo_data.fill(served.gate, by="local"))
        good, bad = (
            served.run(served.gate.search("demo", TraceQuery(run=run, test_case="test_persist_trace"))).traces[0].trace_id
            for run in ("demo-3", "demo-4")
        )
        span = served.run(served.gate.trace("demo", good)).spans[4].span_id
        baseline = served.run(served.gate.baselines("demo"))[0].id
        yield served, {"good": good, "bad": bad, "span": span, "baseline": baseline}


@pytest.mark.parametrize("width", [320, 1440, 3840])
def test_nothing_moves_and_nothing_sticks_out(browser: Browser, demo: tuple[Server, dict[str, str]], width: int) -> None:
    """Far from UTC, where the script writes every time anew, no page moves while it loads; none is wider than its screen; on 4K
    lines end where an eye can follow them."""
    served, ids = demo
    person = Reader(browser, served.url)
    seen: dict[str, tuple[bool, bool, bool]] = {}
    for place in PLACES:
        page = person.open("/projects/demo" + place.format(**ids), width=width, height=900, zone="Asia/Tokyo")
        page.wait_for_load_state("networkidle")
        text_width = page.evaluate("document.querySelector('main').getBoundingClientRect().width")
        seen[place] = (
            layout_shift(page) < 0.001,
            page.evaluate("document.documentElement.scrollWidth") <= width,
            text_width <= (2_880 if "compare" in place or "span" in place or "baseline" in place else 1_600),
        )
        page.context.close()
    person.close()
    assert {place: each for place, each in seen.items() if each != (True, True, True)} == {}
