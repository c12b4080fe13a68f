"""What all pages have in common, in a real Chromium: frame, sign-in, problems, keys, times, no script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.kit import Reader, Server, axe, layout_shift, nothing_foreign, server

ADMIN = "admin-secret"
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with tokens and two projects."""
    with server(tmp_path_factory.mktemp("closed"), admin_token=ADMIN) as served:
        served.run(served.gate.create_project("shop"))
        yield served


@pytest.fixture
def stranger(browser: Browser, closed: Server) -> Iterator[Reader]:
    """Somebody at the closed server who has not signed in."""
    reader = Reader(browser, closed.url)
    yield reader
    reader.close()


@SCHEMES
def test_sign_in_by_hand(stranger: Reader, scheme: str) -> None:
    """From an address to the form, a wrong token, the right one, and on to that address; out again."""
    page = stranger.open("/projects/shop", scheme=scheme)
    assert page.title() == "Sign in · Spangate"
    assert axe(page) == []
    assert page.evaluate("document.activeElement.name") == "token"
    page.keyboard.type("wrong")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".field-error").inner_text() == "This token is not known here."
    assert axe(page) == []
    stranger.expect("401")
    page.locator("[name=token]").fill(ADMIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/shop")
    assert axe(page) == []
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.title() == "Sign in · Spangate"


def test_switching_projects(stranger: Reader) -> None:
    """The project's name opens a list of all that the token sees; no script is needed for it."""
    page = stranger.open("/", script=False)
    page.locator("[name=token]").fill(ADMIN)
    page.get_by_role("button", name="Sign in").click()
    assert page.locator("h1").inner_text() == "Projects"
    page.get_by_role("link", name="shop").first.click()
    page.locator(".projects summary").click()
    assert page.locator(".projects [aria-current]").inner_text() == "shop"
    page.locator(".projects").get_by_role("link", name="default").click()
    assert page.url.endswith("/projects/default")


@SCHEMES
def test_a_wrong_address_has_a_page(reader: Reader, scheme: str) -> None:
    """What does not exist is said on a page that leads back."""
    page = reader.open("/projects/nobody", scheme=scheme)
    reader.expect("404")
    assert page.locator("h1").inner_text() == "Not found"
    assert "nobody" in page.locator(".problem").inner_text()
    assert axe(page) == []
    page.get_by_role("link", name="Start page").click()
    assert page.url.endswith("/projects/default")


def test_a_store_that_is_down_has_a_page(browser: Browser, tmp_path: Path) -> None:
    """When the store does not answer, the page says so in the store's words, with a way to try again."""
    with server(tmp_path) as served:
        reader = Reader(browser, served.url)
        page = reader.open("/projects/default")
        served.run(served.gate.close())
        page.reload()
        reader.expect("503")
        assert page.locator("h1").inner_text() == "Unavailable"
        assert page.get_by_role("link", name="Try again").is_visible()
        assert axe(page) == []
        reader.close()


def test_the_keys_are_listed(reader: Reader) -> None:
    """`?` lists what the page listens to; a sequence of two goes to another page; Escape closes."""
    page = reader.open("/projects/default")
    page.keyboard.press("?")
    dialog = page.locator("#keyboard")
    assert dialog.is_visible()
    assert "g s" in " ".join(dialog.locator("dl").inner_text().split())
    names = dialog.locator("dd").all_inner_texts()
    assert len(names) == len(set(names)) and "This list" in names, names
    assert axe(page) == []
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.get_by_role("button", name="Keyboard ?").click()
    assert dialog.is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/projects/default")


@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_no_page_is_wider_than_its_screen(reader: Reader, width: int) -> None:
    """Nothing to scroll sideways, from a phone to 4K, and nothing moves while the page loads."""
    page = reader.open("/projects/default", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert layout_shift(page) == 0
    assert nothing_foreign(page) == []
