"""One span in words: its attributes in readable form, and which of them the comparison sees."""

import json
import re
from collections.abc import Mapping

import msgspec

from gate.model.trace import AttributeValue, Span
from gate.normalize.attributes import hidden_attributes, kept_attributes

_BREAKS = re.compile(
    r"\s+(?=(?:FROM|WHERE|GROUP BY|ORDER BY|HAVING|LIMIT|VALUES|SET|RETURNING|UNION|(?:LEFT |RIGHT |INNER |FULL |CROSS )?JOIN|ON CONFLICT)\b)",
    re.IGNORECASE,
)
_STATEMENTS = ("db.query.text", "db.statement")
_LONG = 80
_SHOWN = 100_000
"""Characters of a value on the page; the raw JSON has all of them."""


class Fact(msgspec.Struct, frozen=True):
    """An attribute as the page shows it. `block`: on lines of its own."""

    key: str
    text: str
    block: bool = False


class Seen(msgspec.Struct, frozen=True):
    """An attribute as the comparison has it, or, with a `rule`, why it does not."""

    key: str
    text: str
    rule: str = ""


def facts(attributes: Mapping[str, AttributeValue]) -> tuple[Fact, ...]:
    """By key; SQL is broken into clauses, JSON is indented."""
    return tuple(_fact(key, value) for key, value in sorted(attributes.items()))


def seen_by_comparison(span: Span) -> tuple[Seen, ...]:
    """What is compared of a span, then what is hidden, each with the rule that hides it."""
    kept = tuple(Seen(key, value) for key, value in sorted(kept_attributes(span).items()))
    return (*kept, *(Seen(hidden.key, hidden.value, hidden.rule) for hidden in hidden_attributes(span)))


def _fact(key: str, value: AttributeValue) -> Fact:
    if isinstance(value, bytes):
        return Fact(key, f"{len(value):,} bytes: {value[:64].hex(' ')}{' …' if len(value) > 64 else ''}")
    if isinstance(value, list | dict):
        return _block(key, json.dumps(_plain(value), indent=2, ensure_ascii=False))
    if not isinstance(value, str):
        return Fact(key, "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value))
    if key in _STATEMENTS and len(value) > _LONG:
        return _block(key, _BREAKS.sub("\n", value))
    if value[:1] in "{[" and len(value) < _SHOWN:
        try:
            return _block(key, json.dumps(json.loads(value), indent=2, ensure_ascii=False))
        except (ValueError, RecursionError):
            pass
    return _block(key, value) if "\n" in value else Fact(key, _cut(value))


def _block(key: str, text: str) -> Fact:
    return Fact(key, _cut(text), block=True)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters; the raw JSON has all)"


def _plain(value: AttributeValue) -> object:
    match value:
        case bytes():
            return value.hex()
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case _:
            return value
