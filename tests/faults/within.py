"""A time limit that says what did not happen in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def within(seconds: float, what: Callable[[], object]) -> AsyncIterator[None]:
    """Raises AssertionError with `what`, asked when the time is over."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise AssertionError(f"not within {seconds:.0f} s: {what()}") from error
