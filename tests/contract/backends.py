"""The stores that the contract kit runs on. A backend that cannot keep a promise names the test and the reason."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from gate.store.protocols import Stores
from gate.store.sql.stores import open_sqlite

Open = Callable[[], Awaitable[Stores]]


class Backend(NamedTuple):
    """How to get an empty store, as a function that opens it (again: with what was written before)."""

    name: str
    empty: Callable[[Path], AbstractAsyncContextManager[Open]]
    opt_outs: Mapping[str, str] = {}
    """Test name → why this backend cannot do it. Everything else must pass."""


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Open]:
    yield lambda: open_sqlite(folder / "data" / "spangate.db")


BACKENDS = (Backend("sqlite", _sqlite),)
