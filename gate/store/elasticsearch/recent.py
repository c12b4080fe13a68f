"""Chunks that were just read: who promotes a trace has read it a moment before, and its chunks are copied then."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from gate.store.values import StoredChunk

_BYTES = 8 * 1024 * 1024
"""Of bodies that are remembered at most."""


class ReadChunk(NamedTuple):
    """A chunk, and its body as documents have it."""

    chunk: StoredChunk
    body: str


class RecentTraces:
    """The chunks of the traces that were read last, within a bound on their bytes. More may have arrived since."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._traces: OrderedDict[tuple[str, str], Sequence[ReadChunk]] = OrderedDict()
        self._size = 0

    def add(self, project: str, trace_id: str, chunks: Sequence[ReadChunk]) -> None:
        """Remember them, and forget the oldest for it. What is larger than a quarter of the bound is not remembered."""
        self.take(project, trace_id)
        if _size(chunks) > self._limit // 4:
            return
        self._size += _size(chunks)
        self._traces[project, trace_id] = chunks
        while self._size > self._limit:
            _, oldest = self._traces.popitem(last=False)
            self._size -= _size(oldest)

    def take(self, project: str, trace_id: str) -> Sequence[ReadChunk] | None:
        """None when they are not remembered; they are not any more."""
        chunks = self._traces.pop((project, trace_id), None)
        self._size -= _size(chunks or ())
        return chunks


def _size(chunks: Sequence[ReadChunk]) -> int:
    return sum(len(one.body) for one in chunks)
