"""The story by clicks alone, on every combination of stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.kit import Reader, Server, server
from tests.browser.story import BAD, GOOD, MORNING, persist_call

MINUTE = 60_000_000_000


@pytest.fixture(params=["sqlite", "postgresql", "sqlite+elasticsearch", "postgresql+elasticsearch"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server with the story's two calls, at 10:04 and 10:09."""
    from tests.browser.stores import settings

    with settings(request.param) as chosen, server(tmp_path, **chosen) as served:
        served.give(persist_call(GOOD, MORNING, found=True))
        served.give(persist_call(BAD, MORNING + 5 * MINUTE, found=False))
        yield served


def test_from_search_to_a_failing_test(browser: Browser, served: Server) -> None:
    """Search for the endpoint, tick the two calls, see the cause, promote the good one, run its generated test on the bad one,
    keep the test, and see it fail there, too."""
    reader = Reader(browser, served.url)
    page = reader.open("/")
    page.get_by_role("link", name="Traces", exact=True).click()
    page.get_by_label("Search traces").fill("persist")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/traces?text=persist")
    for box in page.locator("[name=trace]").all():
        box.check()
    page.get_by_role("button", name="Compare").click()

    page.wait_for_url("**/compare?**")
    assert page.locator(".finding .sentence").inner_text().endswith("returned 0 rows, the first trace returns 1")
    assert page.locator("li.missing > .b b").all_inner_texts() == ["UPDATE traces", "update"]

    page.locator(".ask summary").click()
    page.get_by_label("Reason").fill("the first call did all")
    page.get_by_role("button", name="Promote", exact=True).click()
    assert page.locator(".flash").inner_text().startswith("Promoted: a golden sample of")

    page.get_by_role("link", name="Make a test of the first").click()
    result = page.locator(".result")
    assert result.locator(".verdict").inner_text() == "FAIL"
    broken = result.locator(".broken").all_inner_texts()
    assert any("UPDATE traces" in each and "it never happened" in each for each in broken)
    assert any("elasticsearch update" in each and "it never happened" in each for each in broken)

    page.get_by_label("Trace id").fill(GOOD)
    page.get_by_role("button", name="Run").click()
    assert page.locator(".result .verdict").inner_text() == "PASS"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert download.value.suggested_filename == f"{GOOD[:8]}.spec.yaml"

    page.get_by_role("button", name="Keep as a spec").click()
    page.wait_for_url("**/specs/*")
    assert "UPDATE traces" in page.locator(".validations").inner_text()
    page.get_by_text("Check a stored trace").click()
    page.locator("[name=trace]").fill(BAD)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("✗ does not hold").wait_for()
    reader.close()

    [baseline] = served.run(served.gate.baselines("default"))
    assert [sample.trace_id for sample in baseline.samples] == [GOOD]
