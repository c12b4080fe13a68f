"""Nanoseconds since the epoch, and the RFC 3339 UTC text that people and JSON see."""

from datetime import UTC, datetime


def to_text(ns: int) -> str:
    """`2026-11-24T04:09:14.123Z`; empty for 0, which stands for unknown."""
    if not ns:
        return ""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
