"""Fixtures of the page tests; `kit.py` says what they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.kit import PATIENCE, Reader, Server, server

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in local mode on SQLite, one a module."""
    with server(tmp_path_factory.mktemp("local")) as served:
        yield served


@pytest.fixture
def reader(browser: Browser, local: Server) -> Iterator[Reader]:
    """Somebody who looks at the local server."""
    reader = Reader(browser, local.url)
    yield reader
    reader.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server in local mode with nothing in it."""
    with server(tmp_path) as served:
        yield served
