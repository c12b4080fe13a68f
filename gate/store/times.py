"""Nanoseconds since the epoch, and the RFC 3339 UTC text that people and JSON see."""

from datetime import UTC, datetime

MAXIMUM_NS = 2**63 - 1
"""The latest time that a signed 64-bit column holds (the year 2262); later times are clamped to it."""


def to_text(ns: int) -> str:
    """`2026-11-24T04:09:14.123Z`; empty for 0, which stands for unknown."""
    if not ns:
        return ""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clamp(ns: int) -> int:
    """A sender's time as a column can hold it: OTLP times are unsigned 64-bit numbers."""
    return min(max(ns, 0), MAXIMUM_NS)
