"""The start page: first steps, demo data, what waits for a decision."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gate.model.run import Run
from tests.browser.kit import Reader, Server, axe, server
from tests.browser.story import persist_call

ADMIN = "admin-secret"


@pytest.fixture
def person(browser: Browser, fresh: Server) -> Iterator[Reader]:
    reader = Reader(browser, fresh.url)
    yield reader
    reader.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_steps_are_commands_for_this_server(person: Reader, fresh: Server, scheme: str) -> None:
    """An empty server tells what to type, with its own address; Copy puts it on the clipboard."""
    page = person.open("/", scheme=scheme)
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={fresh.url}" in page.locator(".command").first.inner_text()
    assert "OTEL_EXPORTER_OTLP_HEADERS" not in page.locator("main").inner_text()
    page.clock.install(time=0)
    page.clock.pause_at(1)  # else the word may be gone before it is looked for
    page.get_by_role("button", name="Copy").nth(1).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"spangate exec --server {fresh.url} -- pytest"
    page.clock.run_for(2_000)
    expect(page.get_by_role("button", name="Copied")).to_have_count(0)
    page.clock.resume()
    assert axe(page) == []


def test_demo_data_tells_the_story(person: Reader, fresh: Server) -> None:
    """One button fills a project with four runs; the last one waits for a decision and names the cause. Twice is as once."""
    page = person.open("/")
    page.get_by_role("button", name="Fill in demo data").click()
    page.wait_for_url("**/projects/demo")
    assert page.locator(".list .verdict").all_inner_texts() == ["FAIL", "PASS", "PASS", "NEW"]
    assert "TraceRepository.fetch returned 0 rows" in page.locator(".waiting").inner_text()
    assert axe(page) == []
    page.goto("/projects/default")
    page.get_by_role("button", name="Fill in demo data").click()
    page.wait_for_url("**/projects/demo")
    assert page.locator(".list tbody tr").count() == 4
    assert fresh.run(fresh.gate.stats()).runs == 4
    page.get_by_role("link", name="Pull request 7").first.click()
    page.wait_for_url("**/runs/demo-4")


def test_the_next_step_after_the_first_run(browser: Browser, tmp_path: Path) -> None:
    """Runs without anything golden lead to the newest one, where it is made golden; then nothing is said any more. With two
    projects the first page says how the last run of each ended."""
    with server(tmp_path) as served:
        served.run(served.gate.create_run(Run("first", "default", environment="ci")))
        served.give(persist_call("3" * 32, 1_700_000_000_000_000_000, found=True), run="first")
        served.run(served.gate.finish_run("default", "first"))
        served.run(served.gate.verdict("default", "first", wait=60))
        served.run(served.gate.create_project("shop"))
        reader = Reader(browser, served.url)
        page = reader.open("/")
        expect(page.locator(".cards li").first).to_contain_text("new")
        assert page.locator(".cards .verdict").count() == 1
        page.get_by_role("link", name="default").click()
        page.get_by_role("link", name="The newest run").click()
        page.wait_for_url("**/runs/first")
        page.get_by_text("Make this run golden").click()
        page.locator(".ask[open] button").click()
        page.goto("/projects/default")
        assert page.get_by_role("link", name="The newest run").count() == 0
        reader.close()


def test_a_fresh_token_is_in_the_commands_once(browser: Browser, tmp_path: Path) -> None:
    """With tokens, one press puts a new one into the commands; it works, and the page does not show it again."""
    with server(tmp_path, admin_token=ADMIN) as served:
        reader = Reader(browser, served.url)
        page = reader.open("/")
        page.locator("[name=token]").fill(ADMIN)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Make one for these commands").click()
        command = page.locator(".command").first
        expect(command).to_contain_text("Bearer%20sg_")
        secret = command.inner_text().partition("Bearer%20")[2].split()[0]
        with served.api(secret) as api:
            assert api.get("/traces").status_code == 200
        page.goto("/")
        assert secret not in page.content()
        assert page.get_by_role("button", name="Fill in demo data").count() == 0
        reader.close()
