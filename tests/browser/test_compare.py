"""Two traces side by side, as a person compares them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import Reader, Server, layout_shift, server
from tests.browser.story import BAD, GOOD, MORNING, large, persist_call

MINUTE = 60_000_000_000
ONE, OTHER, STRANGE = "5" * 32, "6" * 32, "7" * 32
GONE = frozenset({4_321, 4_322, 8_765})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story's two calls; 10,000 spans with three missing; 3,000 spans where every statement is another one."""
    with server(tmp_path_factory.mktemp("compare")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        served.give(persist_call(BAD, MORNING + 5 * MINUTE, found=False))
        served.give(large(ONE, 10_000))
        served.give(large(OTHER, 10_000, start=MORNING + MINUTE, skip=GONE, fail=9_999))
        yield served


@pytest.fixture
def person(browser: Browser, served: Server) -> Iterator[Reader]:
    reader = Reader(browser, served.url)
    yield reader
    reader.close()


def compared(person: Reader, before: str, after: str, **options: object) -> Page:
    return person.open(f"/projects/default/compare?before={before}&after={after}", **options)  # type: ignore[arg-type]


def test_the_cause_is_first_and_its_consequences_under_it(person: Reader) -> None:
    """The empty fetch is marked as where it began; both updates have a gap on the right; nothing moves while loading."""
    page = compared(person, GOOD, BAD)
    assert "TraceRepository.fetch returned 0 rows" in page.locator(".finding .sentence").inner_text()
    assert page.locator("li.root .mark").is_visible()
    assert page.locator("li.missing > .a.gap").count() == 2
    assert page.locator(".consequences li").count() == 2
    assert layout_shift(page) < 0.001
    assert "golden trace" not in page.locator("main").inner_text()


def test_the_sides_can_be_swapped(person: Reader) -> None:
    """Swapped, the updates are new calls on the right."""
    page = compared(person, GOOD, BAD)
    page.get_by_role("link", name="Swap sides").click()
    page.wait_for_url(f"**/compare?before={BAD}&after={GOOD}")
    assert page.locator("li.added > .b.gap").all_inner_texts() == ["not in the first trace"] * 2


def test_n_and_p(person: Reader) -> None:
    """They go from change to change with the focus, around the end, and say where they are."""
    page = compared(person, GOOD, BAD)
    assert page.locator("#position").inner_text() == "3 changes"
    for expected in ("1 of 3", "2 of 3", "3 of 3", "1 of 3"):
        page.keyboard.press("n")
        expect(page.locator("#position")).to_have_text(expected)
        assert page.locator(".current").evaluate("row => row === document.activeElement")
    page.keyboard.press("p")
    expect(page.locator("#position")).to_have_text("3 of 3")


def test_ten_thousand_spans(person: Reader) -> None:
    """Unchanged calls are folded and not even sent; n reaches every change; a fold loads when it is opened."""
    page = compared(person, ONE, OTHER)
    assert page.locator(".rows li").count() < 400
    total = int(page.locator("#position").inner_text().split()[0])
    assert total >= 1
    for number in range(total):
        page.keyboard.press("n")
        expect(page.locator("#position")).to_have_text(f"{number + 1} of {total}")
        assert page.locator(".current").is_visible()
    fold = page.locator("details[data-lazy]").first
    fold.locator("summary").first.click()
    fold.locator(".rows li > .b").nth(200).wait_for()


def test_a_fold_without_script(person: Reader) -> None:
    """Without script a long fold is a link to its rows, part by part, and back to the whole."""
    page = compared(person, ONE, OTHER, script=False)
    fold = page.locator("details[data-lazy]").first
    fold.locator("summary").first.click()
    fold.get_by_role("link", name="Show them").click()
    expect(page.locator(".rows > li > .b")).to_have_count(250)
    page.get_by_role("link", name="The whole comparison").click()
    assert page.url.endswith(f"/compare?before={ONE}&after={OTHER}")


def test_a_trace_deleted_while_it_is_compared(browser: Browser, tmp_path: Path) -> None:
    """Rows that are asked for after retention was faster are a sentence in their place; what is there stays."""
    with server(tmp_path) as served:
        served.give(large(ONE, 1_000))
        served.give(large(OTHER, 1_000, start=MORNING + MINUTE, skip=frozenset({321})))
        reader = Reader(browser, served.url)
        page = compared(reader, ONE, OTHER)
        served.run(served.gate.update_project("default", retention_days=1))
        served.run(served.gate.prune("default", now_ns=2**62))
        page.locator("details[data-lazy] > summary").first.click()
        expect(page.locator(".more-rows [role=alert]").first).to_contain_text("There is no trace")
        assert page.locator(".rows > li > .b").first.is_visible()
        reader.expect("404")
        reader.close()


@pytest.mark.parametrize("width", [320, 720])
def test_narrow_is_unified(person: Reader, width: int) -> None:
    """On a narrow screen there is one column without gaps."""
    page = compared(person, GOOD, BAD, width=width)
    assert page.locator(".gap:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_two_alike_have_no_difference(person: Reader) -> None:
    """A trace beside itself says that there is none, and the keys have nowhere to go."""
    page = compared(person, GOOD, GOOD)
    assert "No difference" in page.locator(".summary").inner_text()
    assert page.locator("#next").is_disabled()


def test_a_trace_and_its_baseline(person: Reader, served: Server) -> None:
    """From a trace to its baseline and the golden samples that it was learned from; without one it says what to do."""
    page = person.open(f"/projects/default/traces/{BAD}")
    page.keyboard.press("b")
    page.wait_for_url("**/baseline")
    assert "None of the flows of this trace has a baseline." in page.locator(".problem").inner_text()
    person.expect("409")
    served.run(served.gate.promote("default", GOOD, by="eve"))
    page.reload()
    assert page.locator(".which").all_inner_texts() == ["BASELINE", "THIS TRACE"]
    assert page.locator("li.missing").count() == 2
    served.run(served.gate.demote("default", GOOD, by="eve"))


@pytest.mark.parametrize(
    ("query", "status"),
    [("before=x&after=y", "404"), (f"before={GOOD}", "400"), (f"before={GOOD}&after={BAD}&fold=99", "404"), (f"before={GOOD}&after={BAD}&from=x", "400")],
)  # fmt: skip
def test_what_cannot_be_compared_has_a_page(person: Reader, query: str, status: str) -> None:
    """Unknown traces, missing ones and rows that do not exist are said in words."""
    page = person.open(f"/projects/default/compare?{query}")
    assert page.locator(".problem .code").inner_text() == status
    person.expect(status)
