"""Every test of this folder runs on every backend, with an empty store and the project `shop`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gate.service import Project
from gate.store.protocols import Stores
from tests.contract.backends import BACKENDS, Backend, Open


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    """One of the backends; skips what it has opted out of."""
    if reason := request.param.opt_outs.get(request.node.originalname):
        pytest.skip(f"{request.param.name}: {reason}")
    return request.param


@pytest.fixture
async def reopen(backend: Backend, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same store again and again."""
    async with backend.empty(tmp_path) as open_stores:
        yield open_stores


@pytest.fixture
async def stores(reopen: Open) -> AsyncIterator[Stores]:
    """An open store with the project `shop`."""
    opened = await reopen()
    await opened.projects.create(Project("shop", retention_days=30), now_ns=1)
    yield opened
    await opened.close()
