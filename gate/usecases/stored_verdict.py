"""A verdict and its comparisons as bytes, for the record store."""

from typing import Any

import msgspec
import zstandard

from gate.model.flow import Flow, FlowKey, Folded, Operation
from gate.model.trace import Link, Problem, SpanKind
from gate.model.verdict import Comparison, Finding, Verdict


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
    stored = msgspec.msgpack.decode(_decompress(blob), type=tuple[_Comparison, ...])
    return tuple(
        Comparison(
            **{name: getattr(one, name) for name in one.__struct_fields__ if name not in ("flow", "sample")},
            flow=_flow(one.flow),
            sample=_flow(one.sample),
        )
        for one in stored
    )


class _Flow(msgspec.Struct):
    """`Flow` with untyped operations: msgspec cannot decode the recursive type of a link's attributes."""

    key: FlowKey
    trace_id: str
    operations: list[dict[str, Any]]
    problems: tuple[Problem, ...]


class _Comparison(msgspec.Struct):
    key: FlowKey
    flow: _Flow | None
    sample: _Flow | None
    pairs: tuple[tuple[int, int], ...]
    samples: int
    findings: tuple[Finding, ...]
    incomplete: str
    notes: tuple[str, ...]


def _flow(stored: _Flow | None) -> Flow | None:
    if stored is None:
        return None
    return Flow(stored.key, stored.trace_id, tuple(map(_operation, stored.operations)), stored.problems)


def _operation(stored: dict[str, Any]) -> Operation:
    stored["kind"] = SpanKind(stored["kind"])
    stored["links"] = tuple(Link(**link) for link in stored["links"])
    stored["folded"] = tuple(Folded(**folded) for folded in stored["folded"])
    return Operation(**stored)


def _compress(value: object) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(value))


def _decompress(blob: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(blob)
