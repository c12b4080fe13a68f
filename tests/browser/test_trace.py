"""One trace, as a person reads it: rows, spans, folding, finding, and what can be done with it."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import Reader, Server, layout_shift, server
from tests.browser.story import BAD, GOOD, MORNING, large, persist_call

LARGE, BROKEN = "3" * 32, "4" * 32
ADMIN = "admin-secret"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story's calls, one trace of 10,000 spans, one whose parent never arrived."""
    with server(tmp_path_factory.mktemp("trace")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        served.give(persist_call(BAD, MORNING, found=False))
        served.give(large(LARGE, 10_000, fail=7_777))
        served.give(large(BROKEN, 30, skip=frozenset({10})))
        yield served


@pytest.fixture
def person(browser: Browser, served: Server) -> Iterator[Reader]:
    reader = Reader(browser, served.url)
    yield reader
    reader.close()


def opened(person: Reader, trace_id: str, query: str = "", **options: object) -> Page:
    page = person.open(f"/projects/default/traces/{trace_id}{query}", **options)  # type: ignore[arg-type]
    page.locator("body[data-ready]").wait_for()
    return page


def names(page: Page) -> list[str]:
    return page.locator(".row .op").all_inner_texts()


def test_the_timeline_shows_the_calls(person: Reader) -> None:
    """Every span is a row under its parent, its bar where it was in time; nothing moves when the script takes over."""
    page = opened(person, GOOD)
    assert names(page) == ["POST /traces/{id}/persist", "TraceRepository.fetch", "SELECT traces", "UPDATE traces", "update"]
    depths = page.locator(".row .label").evaluate_all(
        "all => all.map((each) => [...each.classList].find((name) => /^d\\d/.test(name)))"
    )
    assert depths == ["d0", "d1", "d2", "d1", "d1"]
    bars = page.locator(".row rect").evaluate_all("all => all.map((each) => Number(each.getAttribute('x')))")
    assert bars == sorted(bars)
    assert layout_shift(page) < 0.001


def test_rows_of_the_server_and_of_the_script_are_the_same(person: Reader) -> None:
    """Without the script the same rows are there, with the same texts and bars."""
    page = opened(person, GOOD)
    plain = person.open(f"/projects/default/traces/{GOOD}", script=False)
    read = "all => all.map((each) => [each.innerText.replace(/\\s+/g, ' '), each.querySelector('rect').getAttribute('class')])"
    assert plain.locator(".row").evaluate_all(read) == page.locator(".row").evaluate_all(read)


def test_a_span_opens_beside_and_has_an_address(person: Reader) -> None:
    """A click shows attributes; the address names the span and gives it again; Back closes it."""
    page = opened(person, GOOD)
    page.locator(".row a", has_text="UPDATE traces").click()
    side = page.locator("#span-side")
    side.get_by_role("heading", name="UPDATE traces").wait_for()
    assert "UPDATE traces SET persistent = true WHERE id = '4711'" in side.inner_text()
    assert page.url.endswith("?span=0000000000000004")
    again = opened(person, GOOD, "?span=0000000000000004")
    assert again.locator("#span-side h2").inner_text() == "UPDATE traces"
    assert again.locator(".row.chosen .op").inner_text() == "UPDATE traces"
    page.go_back()
    side.get_by_text("Choose a span").wait_for()


def test_the_comparison_sees_less(person: Reader) -> None:
    """Beside a span, and in a view of its own: what is compared as a template, what is hidden in grey with its rule."""
    page = opened(person, GOOD, "?span=0000000000000005")
    page.get_by_text("What the comparison sees").click()
    hidden = page.locator("#span-side .hid")
    assert "url.full http://search:9200/traces/_update/4711 address" in " ".join(hidden.all_inner_texts()).replace("\n", " ")
    page.get_by_role("link", name="As compared").click()
    assert page.locator(".operation b").first.inner_text() == "POST /traces/{id}/persist"
    assert "WHERE id = ?" in page.locator(".operations").inner_text()


def test_folding(person: Reader) -> None:
    """A parent folds what is below it, by button and by arrow key; all at once, too."""
    page = opened(person, GOOD)
    page.get_by_role("button", name="Fold 1 span").click()
    assert names(page) == ["POST /traces/{id}/persist", "TraceRepository.fetch", "UPDATE traces", "update"]
    page.keyboard.press("ArrowRight")
    assert len(names(page)) == 5
    page.keyboard.press("f")
    assert names(page) == ["POST /traces/{id}/persist", "TraceRepository.fetch", "UPDATE traces", "update"]
    page.keyboard.press("f")
    assert len(names(page)) == 5


def test_finding_looks_into_attributes(person: Reader) -> None:
    """Find marks the spans that contain the text anywhere, says how many, and n goes on."""
    page = opened(person, GOOD)
    page.keyboard.press("/")
    page.keyboard.type("4711")
    page.keyboard.press("Enter")
    page.get_by_text("3 found").wait_for()
    assert page.locator(".row.match .op").all_inner_texts() == ["SELECT traces", "UPDATE traces", "update"]
    page.locator("#find").blur()
    page.keyboard.press("n")
    assert "UPDATE" in page.evaluate("document.activeElement.innerText")


def test_what_was_found_has_an_address(person: Reader) -> None:
    """The address holds what was looked for and the span beside it; going back takes them away again; sent to somebody it shows
    the same spans."""
    page = opened(person, GOOD)
    page.locator("#find").fill("4711 ")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**?find=4711")
    expect(page.locator(".row.match")).to_have_count(3)
    page.keyboard.press("Enter")
    page.wait_for_url("**?find=4711&span=*")
    shared = page.url
    page.go_back()
    page.wait_for_url("**?find=4711")
    page.go_back()
    expect(page.locator(".row.match")).to_have_count(0)
    expect(page.locator("#find")).to_have_value("")
    page.go_forward()
    expect(page.locator(".row.match")).to_have_count(3)
    other = person.open(shared.removeprefix(person.url))
    assert other.locator(".row .op").all_inner_texts() == ["SELECT traces", "UPDATE traces", "update"]
    assert other.locator("#span-side h2").inner_text() == "SELECT traces"


def test_the_critical_path_stands_out(person: Reader) -> None:
    """The spans that the answer waited for are bold, the others pale."""
    page = opened(person, GOOD)
    page.get_by_role("button", name="Critical path").click()
    assert page.locator("#critical").get_attribute("aria-pressed") == "true"
    assert page.locator(".row.critical .op").all_inner_texts()[0] == "POST /traces/{id}/persist"


def test_ten_thousand_spans_scroll(person: Reader) -> None:
    """Only rows in view are drawn; the last is reached, and the error found by key."""
    page = opened(person, LARGE)
    assert page.locator(".row").count() < 120
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.closest('.row').dataset.row") == "7777"
    assert page.locator(".row.bad").first.is_visible()
    page.mouse.wheel(0, 1_000_000)
    page.locator(".row[data-row='9999']").wait_for()
    assert page.locator(".row").count() < 120


def test_parts_without_script(person: Reader) -> None:
    """Without script a long trace comes in parts, a span by its address, and Find as a list."""
    page = person.open(f"/projects/default/traces/{LARGE}", script=False)
    assert page.locator(".row").count() == 200
    page.get_by_role("link", name="Rows after").click()
    assert page.locator(".row").first.get_attribute("data-row") == "200"
    page.locator(".row a").nth(5).click()
    assert page.locator("#span-side h2").inner_text() == page.locator(".row.chosen .op").inner_text()
    page.locator("#find").fill("id = 777")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".row")).to_have_count(10)


def test_what_is_wrong_with_a_trace_is_said(person: Reader) -> None:
    """A parent that never arrived is named above the timeline; promoting such a trace is refused with the reason."""
    page = opened(person, BROKEN)
    assert "orphan" in page.locator(".notice").first.inner_text()
    page.locator(".ask summary").click()
    page.get_by_role("button", name="Promote").click()
    assert "it is incomplete" in page.locator(".flash.failed").inner_text()


def test_unknown_things_have_a_page(person: Reader) -> None:
    """An unknown trace, span and row are 404, in words."""
    for address in (f"{'9' * 32}", f"{GOOD}?span=ffff", f"{GOOD}?row=99", "nonsense"):
        page = person.open(f"/projects/default/traces/{address}")
        assert page.locator("h1").inner_text() == "Not found"
    person.expect("404")


def test_a_trace_deleted_while_it_is_open(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Opening a span of a trace that retention has deleted meanwhile says so in the span's place; finding says that it cannot."""
    with server(tmp_path_factory.mktemp("deleted")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        reader = Reader(browser, served.url)
        page = opened(reader, GOOD)
        served.run(served.gate.update_project("default", retention_days=1))
        served.run(served.gate.prune("default", now_ns=2**62))
        page.locator(".row a").nth(1).click()
        page.locator("#span-side .flash.failed").wait_for()
        assert "There is no trace" in page.locator("#span-side").inner_text()
        page.locator("#find").fill("4711")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#found")).to_have_text("this trace cannot be searched now")
        reader.expect("404")
        reader.close()


def test_raw_json_is_what_was_received(person: Reader) -> None:
    """The raw JSON is OTLP/JSON with every span."""
    page = opened(person, GOOD)
    with page.expect_navigation():
        page.get_by_role("link", name="Raw JSON").click()
    received = json.loads(page.locator("body").inner_text())
    assert sum(len(scope["spans"]) for each in received["resourceSpans"] for scope in each["scopeSpans"]) == 5


def test_keep_promote_demote(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each change says what it came to, and the page offers what is possible then."""
    with server(tmp_path_factory.mktemp("changes")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        reader = Reader(browser, served.url)
        page = opened(reader, GOOD)
        page.get_by_role("button", name="Keep").click()
        assert page.locator(".flash").inner_text() == "Kept: retention never deletes it."
        assert page.locator(".tag.pinned").is_visible()
        page.get_by_role("button", name="Let retention delete it").click()
        expect(page.locator(".flash")).to_have_text("Retention may delete it again.")
        assert page.locator(".tag.pinned").count() == 0
        page.locator(".ask summary").click()
        page.get_by_label("Reason").fill("recorded by hand")
        page.get_by_role("button", name="Promote").click()
        page.locator(".tag.golden").wait_for()
        [baseline] = served.run(served.gate.baselines("default"))
        assert (baseline.samples[0].promoted_by, baseline.samples[0].reason) == ("local", "recorded by hand")
        page.get_by_role("button", name="Demote").click()
        expect(page.locator(".flash")).to_contain_text("Demoted")
        assert served.run(served.gate.baselines("default")) == ()
        page.reload()
        assert page.locator(".flash").count() == 0
        reader.close()


def test_two_people_at_once(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who presses a button that another person's change has made impossible is told why; nothing changes."""
    with server(tmp_path_factory.mktemp("two")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        served.run(served.gate.persist("default", GOOD, by="eve"))
        reader = Reader(browser, served.url)
        page = opened(reader, GOOD)
        served.run(served.gate.promote("default", GOOD, by="eve"))
        page.get_by_role("button", name="Let retention delete it").click()
        assert "Demote it first" in page.locator(".flash.failed").inner_text()
        assert page.locator(".tag.golden").is_visible()
        reader.close()


def test_a_reader_sees_no_buttons(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A token that may only read sees everything and can change nothing."""
    with server(tmp_path_factory.mktemp("reader"), admin_token=ADMIN) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        _, secret = served.run(served.gate.create_token("default", "reader", ("read",)))
        reader = Reader(browser, served.url)
        page = reader.open(f"/projects/default/traces/{GOOD}")
        page.locator("[name=token]").fill(secret)
        page.keyboard.press("Enter")
        page.locator("body[data-ready]").wait_for()
        assert page.locator("main form[method=post]").count() == 0
        assert page.get_by_role("link", name="Compare with baseline").is_visible()
        reader.close()
