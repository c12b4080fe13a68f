"""Fixtures for the real parts of `tests/parts.py`, and how many examples Hypothesis tries."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

# What they assert is said as in a test, with both sides.
pytest.register_assert_rewrite(*(f"tests.{name}" for name in ("acceptance", "action", "browser", "contract", "faults", "http")))

from tests import parts  # noqa: E402

# HYPOTHESIS_PROFILE=long looks longer for what breaks a law; in continuous integration every run tries the same examples.
# How long examples take to draw is no law: a busy machine takes any time.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", _PATIENT, max_examples=60, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.register_profile("long", _PATIENT, max_examples=1_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def node_program() -> Path:
    """The `node` program."""
    return parts.node()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The installed npm packages of `tests/node`."""
    return parts.npm_install()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, one a test module: Playwright's own event loop must not outlive it, other modules run theirs."""
    program = parts.chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"], timeout=120_000)
        yield browser
        browser.close()
