"""Bodies that were just read: who promotes a trace has read it a moment before, and its chunks are copied then."""

from collections import OrderedDict

_BYTES = 8 * 1024 * 1024
"""Of bodies that are remembered at most."""

Name = tuple[str, str, bytes]
"""Project, trace id and digest: they never stand for another body."""


class RecentBodies:
    """The bodies that were read last, as documents have them, within a bound on their bytes."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._bodies: OrderedDict[Name, str] = OrderedDict()
        self._size = 0

    def add(self, name: Name, body: str) -> None:
        """Remember it, and forget the oldest for it. What is larger than a quarter of the bound is not remembered."""
        if len(body) > self._limit // 4:
            return
        self._size += len(body) - len(self._bodies.pop(name, ""))
        self._bodies[name] = body
        while self._size > self._limit:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)

    def get(self, name: Name) -> str | None:
        """None when it is not remembered."""
        return self._bodies.get(name)
