"""A verdict and its comparisons as bytes, for the record store."""

from typing import Any

import msgspec
import zstandard

from gate.model.flow import Flow, Operation
from gate.model.trace import Link, Problem
from gate.model.verdict import Comparison, Verdict


def encode_verdict(verdict: Verdict) -> bytes:
    """Compressed MessagePack of the Struct."""
    return _compress(verdict)


def decode_verdict(blob: bytes) -> Verdict:
    """The value that was encoded."""
    return msgspec.msgpack.decode(_decompress(blob), type=Verdict)


def encode_comparisons(comparisons: tuple[Comparison, ...]) -> bytes:
    """Compressed MessagePack of the Structs, flows included: a report must not change when golden traces do."""
    return _compress(comparisons)


def decode_comparisons(blob: bytes) -> tuple[Comparison, ...]:
    """The values that were encoded."""
    return msgspec.msgpack.decode(_decompress(blob), type=tuple[_Comparison, ...])


class _Link(Link, frozen=True, gc=False):
    """A stored link: msgspec cannot decode the recursive type of its attributes."""

    attributes: dict[str, Any]


class _Operation(Operation, frozen=True, gc=False):
    links: tuple[_Link, ...] = ()


class _Flow(Flow, frozen=True):
    operations: tuple[_Operation, ...]
    problems: tuple[Problem, ...] = ()


class _Comparison(Comparison, frozen=True):
    flow: _Flow | None
    sample: _Flow | None


def _compress(value: object) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(value))


def _decompress(blob: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(blob)
