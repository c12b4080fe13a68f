"""Settings for each combination of stores that a server can have, with empty stores behind them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from tests.contract.backends import elasticsearch, postgresql


@contextmanager
def settings(name: str) -> Iterator[dict[str, Any]]:
    """`sqlite`, `postgresql`, each with `+elasticsearch`. In a thread with a loop of its own: Playwright has one in this thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()

    async def enter() -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        if "postgresql" in name:
            chosen["database_url"] = await stack.enter_async_context(postgresql())
        if "elasticsearch" in name:
            access = await stack.enter_async_context(elasticsearch())
            chosen |= {"elasticsearch_url": access.url, "elasticsearch_prefix": access.prefix}
        return chosen

    try:
        yield asyncio.run_coroutine_threadsafe(enter(), loop).result(300)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
