"""How many bytes may be in flight: bodies being read, inflated, decoded, or waiting for the disk."""

from types import TracebackType
from typing import Self

from gate.errors import Overloaded


class PendingBytes:
    """A bound over all requests of this process. Not for use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self) -> "Hold":
        """A share of the bound, given back when its block ends."""
        return Hold(self)


class Hold:
    """What one request holds. `async` code may suspend inside the block."""

    def __init__(self, pending: PendingBytes) -> None:
        self._pending = pending
        self._size = 0

    def add(self, size: int) -> None:
        """Hold `size` bytes more. Raises Overloaded when all requests together would hold too many; a lone request never does."""
        pending = self._pending
        others = pending.held - self._size
        if others and pending.held + size > pending.limit:
            raise Overloaded(f"{pending.held} bytes of traces are waiting to be stored.", hint="Try again soon.", retry_after=1)
        pending.held += size
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pending.held -= self._size
        self._size = 0
