"""Search as a person uses it: the box, the fields, the address, ticking two."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import Reader, Server, axe, layout_shift, server
from tests.browser.story import BAD, GOOD, MORNING, large, persist_call

MINUTE = 60_000_000_000
RESULTS = ".results .what > a"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story's two calls at 10:04 and 10:09, and 120 others."""
    with server(tmp_path_factory.mktemp("search")) as served:
        for number in range(120):
            spans = large(f"{number + 256:032x}", 3, start=MORNING - (number + 1) * MINUTE, fail=2 if number == 7 else -1)
            served.give(spans)
        served.give(persist_call(GOOD, MORNING, found=True))
        served.give(persist_call(BAD, MORNING + 5 * MINUTE, found=False))
        served.run(served.gate.persist("default", f"{256 + 3:032x}", by="eve"))
        yield served


@pytest.fixture
def person(browser: Browser, served: Server) -> Iterator[Reader]:
    reader = Reader(browser, served.url)
    yield reader
    reader.close()


def rows(page: Page) -> list[str]:
    return page.locator(RESULTS).all_inner_texts()


def search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces?*")


def test_the_two_calls_are_found_and_compared(person: Reader) -> None:
    """Typing `persist` finds the two calls; ticking both leads to them side by side, the older one first."""
    page = person.open("/projects/default/traces")
    search(page, "persist")
    assert rows(page) == ["POST /traces/{id}/persist"] * 2
    assert [time.split()[-1] for time in page.locator(".when").all_inner_texts()] == ["10:09:00", "10:04:00"]
    button = page.get_by_role("button", name="Compare")
    assert button.is_disabled()
    page.locator("[name=trace]").first.check()
    assert page.locator("#chosen").inner_text() == "Tick one more."
    page.locator("[name=trace]").last.check()
    button.click()
    page.wait_for_url(f"**/compare?before={GOOD}&after={BAD}")
    assert "returned 0 rows" in page.locator("li.root .mark").inner_text()
    page.go_back()
    assert page.locator("[name=trace]:checked").count() == 2
    assert button.is_enabled()


def test_a_third_tick_takes_the_first_away(person: Reader) -> None:
    """No more than two are ticked, so that Compare always knows which."""
    page = person.open("/projects/default/traces")
    for number in range(3):
        page.locator("[name=trace]").nth(number).check()
    assert [page.locator("[name=trace]").nth(number).is_checked() for number in range(3)] == [False, True, True]


def test_without_script_two_ticks_compare_too(person: Reader) -> None:
    """The form alone leads to the comparison; one tick is answered with what is missing."""
    page = person.open("/projects/default/traces?text=persist", script=False)
    page.locator("[name=trace]").first.check()
    page.get_by_role("button", name="Compare").click()
    assert "1 traces are ticked; two can be compared." in page.locator(".problem").inner_text()
    person.expect("400")
    page.go_back()
    for box in page.locator("[name=trace]").all():
        box.check()
    page.get_by_role("button", name="Compare").click()
    assert page.url.endswith(f"/compare?before={GOOD}&after={BAD}")


def test_the_address_holds_the_whole_query(person: Reader) -> None:
    """What the box and the fields say is in the address, and the address gives the same page again."""
    page = person.open("/projects/default/traces")
    search(page, "error:true service:gateway duration:0.1ms orders")
    assert page.title() == "Traces: orders, service gateway, error true, min duration 0.1ms · Spangate"
    assert {"error=true", "service=gateway", "min_duration=0.1ms", "text=orders"} == set(page.url.partition("?")[2].split("&"))
    again = person.open(page.url)
    assert rows(again) == rows(page)
    assert again.locator(".chip").count() == 3
    again.locator(".chip", has_text="error").click()
    assert "error" not in again.url


def test_fields_suggest_what_is_stored(person: Reader) -> None:
    """Focus and typing fill each list with values from the traces; no other project's, no more than a dozen."""
    page = person.open("/projects/default/traces")
    page.get_by_text("Filters").click()
    page.locator("#f-service").focus()
    page.locator("#l-service option").first.wait_for(state="attached")
    assert page.locator("#l-service option").evaluate_all("all => all.map((each) => each.value)") == [
        "gateway", "orders", "stock", "traces-api",
    ]  # fmt: skip
    page.locator("#f-operation").focus()
    page.keyboard.type("fet")
    page.locator("#l-operation option[value='TraceRepository.fetch']").wait_for(state="attached")
    page.locator("#f-attribute").focus()
    page.keyboard.type("returned_rows=0")
    page.locator("#l-attribute option[value='db.response.returned_rows=0']").wait_for(state="attached")
    page.locator("#f-operation").fill("")
    page.locator("#f-attribute").fill("db.response.returned_rows=0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces?attribute=*")
    assert rows(page) == ["POST /traces/{id}/persist"]


def test_pages_follow_each_other(person: Reader) -> None:
    """Older and Newest go through all traces without repeating any; `]` is the key."""
    page = person.open("/projects/default/traces")
    seen = page.locator("[name=trace]").evaluate_all("all => all.map((each) => each.value)")
    while page.get_by_role("link", name="Older").count():
        with page.expect_navigation():
            page.keyboard.press("]")
        seen += page.locator("[name=trace]").evaluate_all("all => all.map((each) => each.value)")
    assert len(seen) == len(set(seen)) == 122
    page.get_by_role("link", name="Newest").click()
    page.wait_for_url("**/traces")


def test_a_trace_id_in_the_box_opens_the_trace(person: Reader) -> None:
    """Pasting an id of a log leads to its trace."""
    page = person.open("/projects/default/traces", script=False)
    page.locator("#q").fill(GOOD.upper())
    page.get_by_role("button", name="Search").click()
    assert page.url.endswith(f"/traces/{GOOD}")


def test_what_is_kept_shows(person: Reader) -> None:
    """A persistent trace has its mark, and can be asked for."""
    page = person.open("/projects/default/traces?persistent=true")
    assert page.locator(".tag.pinned").all_inner_texts() == ["persistent"]


def test_malformed_queries_say_where(person: Reader) -> None:
    """Each wrong filter has its message at its field, and nothing is searched."""
    page = person.open("/projects/default/traces?status=9999&min_duration=long&since=then&attribute=x")
    person.expect("400")
    assert page.locator(".fields .field-error").count() == 4
    assert page.locator("#f-status").get_attribute("aria-describedby") == "e-status"
    assert rows(page) == []
    page.goto("/projects/default/traces?after=nonsense")
    person.expect("400")
    assert "is not a cursor" in page.locator(".field-error").inner_text()


def test_nothing_found_and_nothing_there_are_two_things(person: Reader, browser: Browser, tmp_path: Path) -> None:
    """A query without a match leads back to all traces; a server without a trace tells how to send one."""
    page = person.open("/projects/default/traces?text=nosuchthing")
    assert "No trace matches." in page.locator(".empty").inner_text()
    page.get_by_role("link", name="All traces").click()
    expect(page.locator(RESULTS)).to_have_count(50)
    with server(tmp_path) as empty:
        reader = Reader(browser, empty.url)
        page = reader.open("/projects/default/traces")
        assert "No trace has been received yet." in page.locator(".empty").inner_text()
        assert axe(page) == []
        reader.close()


def test_times_are_the_readers_with_utc_on_hover(person: Reader) -> None:
    """In Berlin the calls were at 11:04 and 11:09; hovering tells UTC; putting the times right moves nothing."""
    page = person.open("/projects/default/traces?text=persist", zone="Europe/Berlin")
    times = page.locator(".when time")
    assert times.first.inner_text().endswith("11:09:00")
    assert times.first.get_attribute("title") == "2026-11-24 10:09:00.000 UTC"
    assert layout_shift(page) < 0.001


def test_rows_have_keys(person: Reader) -> None:
    """j and k go from row to row, x ticks, c compares."""
    page = person.open("/projects/default/traces?text=persist")
    for key in "jxjxkc":
        page.keyboard.press(key)
    page.wait_for_url("**/compare?**")
