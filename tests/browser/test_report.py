"""The self-contained report in a real Chromium: reads, moves, loads nothing, runs nothing of what spans say."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gate.report import render
from tests import parts, report_examples

Open = Callable[..., Page]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens an example's report from a file. Any message on the console, error or request ends the test."""
    contexts = []
    messages: list[str] = []

    def open_(example: str, *, width: int = 1280, scheme: str = "light", script: bool = True, html: str = "") -> Page:
        file = tmp_path / f"{example}.html"
        file.write_text(html or render(report_examples.ALL[example](), "html"), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=script, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: messages.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (messages.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: messages.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert messages == []


def _axe(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, as readable lines. Its script goes in past the page's own policy."""
    source = (parts.npm_install() / "axe-core" / "axe.min.js").read_text()
    page.evaluate(source)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = page.evaluate("(options) => axe.run(document, options)", rules)
    return [
        f"{each['id']}: {each['help']}: {json.dumps(node['html'])[:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def _unfold(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true })")


def test_the_story_is_told(open_report: Open) -> None:
    """The verdict, the cause with its two consequences, and both traces row by row with gaps on the right."""
    page = open_report("story")
    assert page.title() == "FAIL: Merging this PR changes 1 of 4 traced flows: 1 looks like a regression"
    assert page.locator(".finding").count() == 1
    assert page.locator(".finding .consequences li").all_text_contents() == [
        "the call to postgresql: UPDATE traces no longer happens",
        "the call to search: POST /traces/_update/{id} no longer happens",
    ]
    root = page.locator("li.root")
    assert root.locator(".mark").inner_text() == "Began here api: SELECT traces returned 0 rows, the golden traces return 1"
    assert (root.locator("del").inner_text(), root.locator("ins").inner_text()) == ("1", "0")
    assert page.locator("li.missing > .a.gap").count() == 4
    assert page.locator("details.flow").count() == 4
    assert page.locator("details.flow[open]").count() == 1


def test_both_sides_of_a_row_are_beside_each_other(open_report: Open) -> None:
    """On a wide screen each row has its two sides at the same height, left and right."""
    page = open_report("story")
    boxes = page.locator("details.flow[open] > .rows > li:has(> .b):visible").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.b'), row.querySelector('.a')].map(side => side.getBoundingClientRect()))"
    )
    assert len(boxes) >= 6
    for before, after in boxes:
        assert before["top"] == after["top"]
        assert before["right"] <= after["left"] + 1


def test_n_and_p_go_from_change_to_change(open_report: Open) -> None:
    """n shows the next change, p the one before, both go around; the focus goes with them and the position is said."""
    page = open_report("story")
    changes = page.locator("[data-change]").evaluate_all("rows => rows.map(row => row.id)")
    assert len(changes) == 3

    def focused() -> str:
        return page.evaluate("document.activeElement.id")

    seen = []
    for _ in range(4):
        page.keyboard.press("n")
        seen.append(focused())
        assert page.locator(".current").bounding_box()["y"] < 800  # type: ignore[index]
    assert seen == [*changes, changes[0]]
    assert page.locator("#position").inner_text() == "1 of 3"
    page.keyboard.press("p")
    assert focused() == changes[2]
    page.locator("#next").click()
    assert focused() == changes[0]


def test_keys_with_modifiers_stay_the_browsers(open_report: Open) -> None:
    """Ctrl+P and the like are not taken."""
    page = open_report("story")
    page.keyboard.press("Control+n")
    page.keyboard.press("Alt+p")
    assert page.locator(".current").count() == 0


def test_a_finding_links_to_its_row(open_report: Open) -> None:
    """The sentence at the top leads to where it began, also when its flow is closed, also the second time."""
    page = open_report("story")
    page.locator("details.flow[open]").evaluate("flow => { flow.open = false }")
    page.locator(".finding .sentence a").click()
    expect(page.locator("li.root")).to_be_focused()
    page.locator("details.flow").first.evaluate("flow => { flow.open = false }")
    page.locator(".finding .sentence a").click()
    expect(page.locator("li.root")).to_be_visible()


def test_a_flow_that_a_cause_only_touches_links_to_it(open_report: Open) -> None:
    """A second flow of the same cause says where it began, and leads there."""
    page = open_report("spread")
    assert page.locator("li.root").count() == 1
    page.locator(".elsewhere a").click()
    expect(page.locator("li.root")).to_be_focused()


def test_u_unfolds_what_is_unchanged(open_report: Open) -> None:
    """All folded calls of the open flows can be shown at once, and folded again."""
    page = open_report("story")
    folded = page.locator("details.flow[open] .fold .rows li").first
    assert not folded.is_visible()
    page.keyboard.press("u")
    assert folded.is_visible()
    page.keyboard.press("u")
    assert not folded.is_visible()


def test_it_reads_without_script(open_report: Open) -> None:
    """Without JavaScript everything is there to read and to unfold; only the keys' bar is not."""
    page = open_report("story", script=False)
    assert page.locator("li.root .mark").is_visible()
    assert not page.locator("#keys").is_visible()
    page.locator("details.flow[open] .fold summary").click()
    assert page.locator("details.flow[open] .fold .rows li").first.is_visible()


@pytest.mark.parametrize("width", [320, 720])
def test_a_narrow_screen_has_one_column(open_report: Open, width: int) -> None:
    """On a narrow screen the view is unified: no gaps, unchanged calls once, and nothing to scroll sideways."""
    page = open_report("story", width=width)
    assert page.locator(".gap:visible").count() == 0
    assert page.locator("details.flow[open] > .rows > li:not([class]) > .b:visible").count() == 0
    assert page.locator("details.flow[open] > .rows > li:not([class]) > .a:visible").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 1280])
def test_hostile_content_stays_text(open_report: Open, width: int) -> None:
    """No payload in any field runs, loads, links, or widens the page."""
    page = open_report("hostile", width=width)
    page.keyboard.press("u")
    _unfold(page)
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, embed, form, link, base, svg, video, audio, style[media]").count() == 0
    assert page.locator("a:not([href^='#'])").count() == 0
    inline = "all => all.filter(e => [...e.attributes].some(a => /^on|^style$|^srcdoc$/.test(a.name))).length"
    assert page.locator("*").evaluate_all(inline) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "<script>alert(1)</script>" in page.locator("body").inner_text()


def test_the_policy_stops_what_an_escape_would_miss(browser: Browser, tmp_path: Path) -> None:
    """Were a payload ever written unescaped, the page's policy still runs no script, loads no image, sends no form."""
    page_text = render(report_examples.story(), "html")
    attack = (
        "<img src='http://evil.example/x.png' onerror='window.hit=1'>"
        "<script>window.hit=1</script><style>body{display:none}</style>"
    )
    file = tmp_path / "attacked.html"
    file.write_text(page_text.replace("<footer>", f"{attack}<footer>"), encoding="utf-8")
    page = browser.new_page()
    answered: list[str] = []
    stopped: list[tuple[str, str | None]] = []
    page.on("response", lambda response: answered.append(response.url))
    page.on("requestfailed", lambda request: stopped.append((request.url, request.failure)))
    page.goto(file.as_uri())
    assert page.evaluate("window.hit") is None
    assert page.locator("h1").is_visible()
    assert answered == [file.as_uri()]
    assert stopped == [("http://evil.example/x.png", "csp")]
    page.keyboard.press("n")
    assert page.locator(".current").count() == 1
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("example", ["story", "n_plus_one", "passing", "approved", "new", "inconclusive", "spread"])
def test_accessible(open_report: Open, example: str, scheme: str) -> None:
    """axe-core has nothing to say against the page, folded and unfolded, light and dark."""
    page = open_report(example, scheme=scheme)
    assert _axe(page) == []
    _unfold(page)
    page.keyboard.press("n")
    assert _axe(page) == []


def test_narrow_is_accessible(open_report: Open) -> None:
    """The unified view has no finding of axe-core either."""
    assert _axe(open_report("n_plus_one", width=360)) == []


def test_ten_thousand_calls_open_and_move(open_report: Open) -> None:
    """A comparison of 10,000 calls opens folded, n reaches every change, and unfolding shows them all."""
    page = open_report("large")
    changes = page.locator("[data-change]").count()
    assert changes == 13
    assert page.locator("details.flow[open] > .rows > li").count() < 100
    for number in range(changes):
        page.keyboard.press("n")
        assert page.locator("#position").inner_text() == f"{number + 1} of {changes}"
        assert page.locator(".current").is_visible()
    page.keyboard.press("u")
    assert page.locator("details.flow[open] li > .b").count() == 10_001
    assert page.locator("details.flow[open] li > .b").last.is_visible()
