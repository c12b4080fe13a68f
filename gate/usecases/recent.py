"""What was made for one answer and will be asked for again: kept for a while, bounded by weight."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

Value = TypeVar("Value")


class Recent:
    """Least recently used values. What a key names never changes: a trace with so many spans, two of them compared."""

    def __init__(self, weight: int) -> None:
        self._weight = weight
        self._kept: OrderedDict[Hashable, tuple[int, asyncio.Future[Any]]] = OrderedDict()

    async def get(self, key: Hashable, weight: int, make: Callable[[], Awaitable[Value]]) -> Value:
        """The kept value, or a new one. Who asks meanwhile waits for the same; a failure is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast(Value, await asyncio.shield(self._kept[key][1]))
        made: asyncio.Future[Value] = asyncio.ensure_future(make())
        self._kept[key] = (weight, made)
        made.add_done_callback(lambda done: self._forget_failed(key, done))
        while len(self._kept) > 1 and sum(each for each, _ in self._kept.values()) > self._weight:
            self._kept.popitem(last=False)
        return await asyncio.shield(made)

    def _forget_failed(self, key: Hashable, done: "asyncio.Future[Any]") -> None:
        if (done.cancelled() or done.exception() is not None) and self._kept.get(key, (0, None))[1] is done:
            del self._kept[key]
