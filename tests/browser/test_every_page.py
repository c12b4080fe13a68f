"""Promises that every page keeps, whatever it shows. A new page adds its address to ADDRESSES."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.hostile import ATTACK, BASELINE, GOLDEN, SPEC, attack
from tests.browser.kit import Reader, Server, axe, layout_shift, nothing_foreign, server

ADDRESSES = (
    "/projects/default",
    "/projects/default/runs",
    "/projects/default/runs/attack",
    "/projects/default/flows",
    f"/projects/default/flows/{BASELINE}",
    "/projects/default/specs",
    f"/projects/default/specs/{SPEC}",
    "/projects/default/settings",
    "/projects/default/traces",
    "/projects/default/traces?q=<script>window.hit=1</script>",
    "/projects/default/traces?status=<b>&error=maybe&attribute=x&min_duration=long&last=ages&since=then",
    f"/projects/default/traces/{ATTACK}",
    f"/projects/default/traces/{ATTACK}?span=0000000000000004",
    f"/projects/default/traces/{ATTACK}?find=script",
    f"/projects/default/traces/{ATTACK}/normalised",
    f"/projects/default/traces/{GOLDEN}/test?against={ATTACK}",
    f"/projects/default/compare?before={GOLDEN}&after={ATTACK}",
    f"/projects/default/compare?before={ATTACK}&after={GOLDEN}",
    f"/projects/default/traces/{ATTACK}/baseline",
    f"/projects/default/compare?trace={ATTACK}",
    "/projects/default/nothing-of-this-name<script>window.hit=1</script>",
)
"""Pages on the hostile corpus: run `attack`, traces GOLDEN and ATTACK."""
PROBLEMS = ("nothing",)
"""Parts of addresses that are meant to answer with a problem."""

every_page = pytest.mark.parametrize("address", ADDRESSES)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose every span is hostile."""
    with server(tmp_path_factory.mktemp("attacked")) as served:
        attack(served)
        yield served


@pytest.fixture
def victim(browser: Browser, attacked: Server) -> Iterator[Reader]:
    """Who looks at it. Nothing may be said on the console, no dialog may open, nothing may be asked of another host."""
    reader = Reader(browser, attacked.url)
    yield reader
    if any(problem in message for message in reader.messages for problem in ("404", "400")):
        reader.messages[:] = [each for each in reader.messages if "Failed to load resource" not in each]
    reader.close()


@every_page
@pytest.mark.parametrize("width", [320, 1440])
def test_hostile_content_stays_text(victim: Reader, address: str, width: int) -> None:
    """No payload in any field runs, loads, links, styles or widens the page; nothing moves by itself while it loads."""
    page = victim.open(address, width=width)
    page.wait_for_load_state("networkidle")
    assert nothing_foreign(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert layout_shift(page) < 0.01
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true })")
    page.wait_for_load_state("networkidle")
    assert nothing_foreign(page) == []


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_finding(victim: Reader, address: str, scheme: str) -> None:
    """WCAG 2.2 AA by axe-core, closed and opened, light and dark."""
    page = victim.open(address, scheme=scheme)
    page.wait_for_load_state("networkidle")
    assert axe(page) == []
    page.locator("main details").evaluate_all("all => all.forEach((each) => { each.open = true })")
    page.wait_for_load_state("networkidle")
    assert axe(page) == []


@every_page
def test_reads_without_script(victim: Reader, address: str) -> None:
    """Without JavaScript there is the same heading, and no control that only a script could answer."""
    page = victim.open(address, script=False)
    with_script = victim.open(address)
    assert page.locator("h1").inner_text() == with_script.locator("h1").inner_text()
    assert page.locator("button[type=button]:visible").count() == 0


@every_page
def test_each_page_has_a_title_of_its_own(victim: Reader, address: str) -> None:
    """The title says what the page is, and ends with Spangate."""
    title = victim.open(address).title()
    assert title.endswith("Spangate")
    assert len(title) > len("Spangate") + 3
