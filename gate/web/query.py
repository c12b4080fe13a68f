"""The search as people write it: one box and fields, to and from the address.

The box takes words and `filter:value` (`service:api error:true duration:100ms`), and `attribute=value`; what it says goes into the
fields, so that the address holds each filter under its own name, as the API has them.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from gate.service import TraceQuery

TEXTS = ("text", "service", "operation", "route", "test_case", "environment", "run", "commit", "attribute")
FIELDS = (*TEXTS, "status", "error", "persistent", "min_duration", "last", "since", "until")
"""Every filter of the page."""
LAST = {"15m": "15 minutes", "1h": "hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
"""How far back, and how to say it."""

_WORDS = {"case": "test_case", "test": "test_case", "env": "environment", "duration": "min_duration", "op": "operation"}
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "": 1_000_000}
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_LONGEST = 250


class Search(msgspec.Struct, frozen=True):
    """What was asked: values by field, as the form shows them, and what is wrong with any of them."""

    values: dict[str, str]
    errors: dict[str, str]
    query: TraceQuery | None
    """None when something is wrong."""


def spread(box: str) -> dict[str, str]:
    """What the box says, by field; `text` is the words that are no filter."""
    found: dict[str, str] = {}
    words: list[str] = []
    for part in _parts(box):
        name, colon, value = part.partition(":")
        name = _WORDS.get(name.lower(), name.lower())
        if colon and value and name in FIELDS:
            found[name] = value
        elif re.fullmatch(r"[\w.-]+\.[\w.-]+=.+", part):
            found["attribute"] = part
        else:
            words.append(part)
    return {**found, "text": " ".join(words)}


def read(parameters: Mapping[str, str], *, now: datetime, limit: int, after: str = "") -> Search:
    """The search of an address."""
    values = {name: parameters.get(name, "").strip() for name in FIELDS}
    errors: dict[str, str] = {}

    def checked(name: str, read_value: Callable[[str], int]) -> int:
        try:
            return read_value(values[name]) if values[name] else 0
        except (ValueError, OverflowError) as error:
            errors[name] = str(error)
            return 0

    for name in FIELDS:
        if len(values[name]) > _LONGEST or not values[name].isprintable():
            errors[name] = f"At most {_LONGEST} characters, on one line."
    if values["status"] and not re.fullmatch(r"[1-5](xx|[0-9]{2})", values["status"]):
        errors["status"] = "A status such as 404, or a class such as 5xx."
    if values["attribute"] and not re.fullmatch(r"[^=]+=.*", values["attribute"]):
        errors["attribute"] = "Write attribute=value, for example db.system.name=postgresql."
    shortest = checked("min_duration", _duration)
    since, until = checked("since", _moment), checked("until", _moment)
    if values["last"]:
        since = max(since, checked("last", lambda text: int((now - _span(text)).timestamp()) * 1_000_000_000))
    error, persistent = (_flag(values[name], name, errors) for name in ("error", "persistent"))
    if errors:
        return Search(values, errors, None)
    texts = {name: values[name] for name in TEXTS}
    query = TraceQuery(
        **texts, status=values["status"], error=error, persistent=persistent, since_ns=since, until_ns=until,
        min_duration_ns=shortest, limit=limit, after=after,
    )  # fmt: skip
    return Search(values, {}, query)


def _parts(box: str) -> list[str]:
    try:
        return shlex.split(box, posix=True)
    except ValueError:  # an open quotation mark is a word like any other
        return box.split()


def _flag(value: str, name: str, errors: dict[str, str]) -> bool | None:
    if value.lower() in (*_YES, *_NO):
        return value.lower() in _YES
    if value:
        errors[name] = "Only true or false."
    return None


def _duration(text: str) -> int:
    match = re.fullmatch(r">?=?\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ns|us|µs|ms|s|m|)", text)
    if not match:
        raise ValueError("A duration such as 250ms or 1.5s.")
    return int(float(match[1]) * _UNITS[match[2]])


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if not match:
        raise ValueError("How far back: 15m, 24h or 7d.")
    return int(match[1]) * _SPANS[match[2]]


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("A time such as 2026-11-24T10:04, in UTC unless it says otherwise.") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not 1970 <= at.year < 2262:
        raise ValueError("A year from 1970 to 2261.")
    return int(at.timestamp()) * 1_000_000_000
