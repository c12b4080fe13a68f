"""A page whose comparison takes long: its beginning is there at once, with and without script; the rest follows in its place."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, expect

from gate.errors import Conflict
from gate.model.flow import Flow
from gate.model.trace import Trace
from gate.model.verdict import Comparison
from gate.usecases import side_by_side
from gate.usecases.comparing import compare_flows
from gate.web import trace
from gate.web.timeline import Timeline, timeline
from tests.browser.kit import Reader, Server, layout_shift, server
from tests.browser.story import BAD, GOOD, MORNING, persist_call

MINUTE = 60_000_000_000
WHERE = f"/projects/default/compare?before={GOOD}&after={BAD}"


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story's two calls, never compared before."""
    with server(tmp_path_factory.mktemp("parts")) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        served.give(persist_call(BAD, MORNING + 5 * MINUTE, found=False))
        yield served


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Comparisons wait until this is set."""
    go = threading.Event()

    def waiting(before: Sequence[Flow], after: Sequence[Flow]) -> Comparison:
        assert go.wait(120)
        return compare_flows(before, after)

    monkeypatch.setattr(side_by_side, "compare_flows", waiting)
    yield go
    go.set()


@contextmanager
def asked(served: Server, encoding: str) -> Iterator[Iterator[str]]:
    headers = {"accept": "text/html", "accept-encoding": encoding}
    with (
        httpx.Client(base_url=served.url, headers=headers, timeout=120, trust_env=False) as client,
        client.stream("GET", WHERE) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers.get("content-encoding", "identity") == encoding
        yield answer.iter_text()


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
def test_the_beginning_does_not_wait(served: Server, held: threading.Event, encoding: str) -> None:
    """What is compared can be read before the comparison is made, whatever the compression; then the whole page is there."""
    with asked(served, encoding) as parts:
        beginning = next(parts)
        while "Comparing…" not in beginning:
            beginning += next(parts)
        assert f"/traces/{GOOD}" in beginning
        assert "rows" not in beginning
        held.set()
        rest = "".join(parts)
    assert "Began here" in rest
    assert rest.rstrip().endswith("</html>")


def test_what_fails_late_stands_in_its_place(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error after the beginning was sent is said on the page, which still ends as it should."""
    go = threading.Event()

    def failing(_before: Sequence[Flow], _after: Sequence[Flow]) -> Comparison:
        assert go.wait(120)
        raise Conflict("The spans of <b>one</b> trace are missing.")

    monkeypatch.setattr(side_by_side, "compare_flows", failing)
    with asked(served, "gzip") as parts:
        next(parts)
        go.set()
        rest = "".join(parts)
    assert "The spans of &lt;b&gt;one&lt;/b&gt; trace are missing." in rest
    assert rest.rstrip().endswith("</html>")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_person_sees_the_beginning(browser: Browser, served: Server, held: threading.Event, script: bool) -> None:
    """It is painted with local times while the comparison is made; what follows takes its place and moves nothing."""
    person = Reader(browser, served.url)
    page = person.open("/projects/default/traces", script=script, zone="Asia/Tokyo")
    page.goto(WHERE, wait_until="commit")
    expect(page.get_by_text("Comparing…")).to_be_visible()
    expect(page.locator(".pair .name")).to_have_count(2)
    if script:
        expect(page.locator(".pair time").first).not_to_contain_text("UTC")
    held.set()
    expect(page.locator("li.root .mark")).to_be_visible()
    expect(page.get_by_text("Comparing…")).to_be_hidden()
    if script:
        expect(page.locator("#position")).to_have_text("3 changes")
        page.keyboard.press("n")
        expect(page.locator("#position")).to_have_text("1 of 3")
        assert layout_shift(page) == 0
    person.close()


def test_the_second_tick_begins(browser: Browser, served: Server, held: threading.Event) -> None:
    """Two ticks in the search make the server begin; the page then asks for what is there."""
    person = Reader(browser, served.url)
    page = person.open("/projects/default/traces")
    with page.expect_request("**/compare?trace=*"):
        for box in page.locator("[name=trace]").all():
            box.check()
    held.set()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("li.root .mark")).to_be_visible()
    person.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_trace_begins_at_once(browser: Browser, served: Server, monkeypatch: pytest.MonkeyPatch, script: bool) -> None:
    """What a trace is and what can be done with it is there while its spans are read; the timeline follows and moves nothing."""
    go = threading.Event()

    def waiting(found: Trace) -> Timeline:
        assert go.wait(120)
        return timeline(found)

    monkeypatch.setattr(trace, "timeline", waiting)
    person = Reader(browser, served.url)
    page = person.open("/projects/default/traces", script=script)
    page.goto(f"/projects/default/traces/{GOOD}?span=0000000000000004", wait_until="commit")
    expect(page.get_by_text("Loading 5 spans…")).to_be_visible()
    expect(page.get_by_role("link", name="Make a test")).to_be_visible()
    go.set()
    expect(page.locator(".row")).to_have_count(5)
    expect(page.locator("#span-side h2")).to_be_visible()
    expect(page.get_by_text("Loading 5 spans…")).to_be_hidden()
    if script:
        page.locator("body[data-ready]").wait_for()
        assert layout_shift(page) < 0.001
    person.close()
