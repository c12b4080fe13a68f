"""Commands that work on the store itself, without a server: they open the gate, use it once and close it. What a server does by
itself they leave alone: `doctor` would prune what it looks at."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gate.app import open_gate
from gate.service import Gate
from gate.settings import Settings

Result = TypeVar("Result")


def with_gate(data: str | None, work: Callable[[Gate], Awaitable[Result]]) -> Result:
    """What `work` returns, on the gate of the settings and `data`. Raises what the gate raises."""

    async def run() -> Result:
        gate = await open_gate(Settings.from_environ(os.environ, data=data), serve=False)
        try:
            return await work(gate)
        finally:
            await gate.close()

    return asyncio.run(run())
