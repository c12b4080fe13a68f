"""Captured body → its shape: which fields there are and of which kind, not what they say."""

from typing import cast

import msgspec

from gate.normalize.tokens import certain_template, is_random

EMPTY = "empty"
MAX_BODY = 262_144
"""Bytes of a body that are parsed; a longer one is `long text`."""
MAX_DEPTH = 12
MAX_FIELDS = 200


def body_shape(body: str) -> str:
    """The shape of a body: `{id: number, items: [{sku: string}]}`, `[]`, `null`, `text` when it is not JSON, `empty`.

    Elements of a list are merged: `[{a: number, b?: string}]` means that some elements have no `b`.
    """
    text = body.strip()
    if not text:
        return EMPTY
    if len(text) > MAX_BODY:
        return "long text"
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return "text"
    return _shape(value, MAX_DEPTH)


def _shape(value: object, depth: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _ if depth == 0:
            return "…"
        case dict():
            fields = {_field(str(key)): item for key, item in cast("dict[object, object]", value).items()}
            shapes = [f"{key}: {_shape(fields[key], depth - 1)}" for key in sorted(fields)[:MAX_FIELDS]]
            return "{" + ", ".join(shapes) + "}"
        case list():
            return _list_shape(cast("list[object]", value), depth)
        case _:
            return type(value).__name__


def _list_shape(items: list[object], depth: int) -> str:
    if not items:
        return "[]"
    if all(isinstance(item, dict) for item in items):
        objects = [{_field(str(key)): item for key, item in cast("dict[object, object]", entry).items()} for entry in items]
        keys = sorted({key for entry in objects for key in entry})[:MAX_FIELDS]
        fields: list[str] = []
        for key in keys:
            shapes = sorted({_shape(entry[key], depth - 1) for entry in objects if key in entry})
            optional = "" if all(key in entry for entry in objects) else "?"
            fields.append(f"{key}{optional}: {' | '.join(shapes)}")
        return "[{" + ", ".join(fields) + "}]"
    return "[" + " | ".join(sorted({_shape(item, depth - 1) for item in items})) + "]"


def _field(key: str) -> str:
    """A field that is an identifier itself (a map by id) is one field."""
    return "{id}" if key.isdigit() or "{" in certain_template(key) or (len(key) >= 12 and is_random(key)) else key
