"""Attribute values of OTLP in its two encodings, and as Python values.

string, bool, int, float, bytes, list and dict are themselves; an empty AnyValue is None.
"""

import base64
import binascii
import math
from collections.abc import Iterable, Mapping
from typing import cast

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1 import common_pb2 as pb

from gate.codec import otlp_structs as js
from gate.errors import UnreadableTraces
from gate.model.trace import AttributeValue

MAX_NESTING = 28
"""Levels of lists and maps in one value. protobuf's own limit of 100 messages allows 30 in a span."""

_INT64 = 1 << 63


def from_protobuf(attributes: Iterable[pb.KeyValue]) -> dict[str, AttributeValue]:
    """Attributes by key; the last of equal keys wins."""
    return {item.key: _value_from_protobuf(item.value) for item in attributes}


def fill_protobuf(into: RepeatedCompositeFieldContainer[pb.KeyValue], attributes: Mapping[str, AttributeValue]) -> None:
    """Append the same as protobuf messages, in the mapping's order."""
    for key, value in attributes.items():
        item = into.add()
        item.key = key
        _fill_value(item.value, value)


def from_json(attributes: Iterable[js.KeyValue] | None) -> dict[str, AttributeValue]:
    """Attributes by key; the last of equal keys wins. Raises UnreadableTraces naming the key of a value that is none."""
    result: dict[str, AttributeValue] = {}
    for item in attributes or ():
        value = item.value
        if value is None:
            result[item.key] = None
        elif value.string_value is not None:
            result[item.key] = value.string_value
        else:
            try:
                result[item.key] = _value_from_json(value, 0)
            except ValueError as error:
                raise UnreadableTraces(f"attribute {item.key[:100]!r}: {error}") from None
    return result


def to_json(attributes: Mapping[str, AttributeValue]) -> list[js.KeyValue] | None:
    """The same as JSON structs, in the mapping's order; None when there are none."""
    return [js.KeyValue(key, _value_to_json(value)) for key, value in attributes.items()] or None


def _value_from_protobuf(value: pb.AnyValue) -> AttributeValue:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value
        case "array_value":
            return [_value_from_protobuf(item) for item in value.array_value.values]
        case "kvlist_value":
            return from_protobuf(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value
        case _:
            return None


def _fill_value(into: pb.AnyValue, value: AttributeValue) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    elif isinstance(value, float):
        into.double_value = value
    elif isinstance(value, bytes):
        into.bytes_value = value
    elif isinstance(value, list):
        into.array_value.SetInParent()
        for item in value:
            _fill_value(into.array_value.values.add(), item)
    elif isinstance(value, dict):
        into.kvlist_value.SetInParent()
        fill_protobuf(into.kvlist_value.values, value)
    else:
        into.SetInParent()


def _value_from_json(value: js.AnyValue, depth: int) -> AttributeValue:
    """Raises ValueError with the reason."""
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return signed(value.int_value)
    if value.double_value is not None:
        return float(value.double_value)
    if value.bytes_value is not None:
        try:
            return base64.b64decode(value.bytes_value, validate=True)
        except binascii.Error:
            raise ValueError("bytesValue is not base64") from None
    if depth >= MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING} levels")
    if value.array_value is not None:
        return [_value_from_json(item, depth + 1) for item in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return {
            item.key: None if item.value is None else _value_from_json(item.value, depth + 1)
            for item in value.kvlist_value.values or ()
        }
    return None


def _value_to_json(value: AttributeValue) -> js.AnyValue:
    if isinstance(value, str):
        return js.AnyValue(string_value=value)
    if isinstance(value, bool):
        return js.AnyValue(bool_value=value)
    if isinstance(value, int):
        return js.AnyValue(int_value=str(value))
    if isinstance(value, float):
        return js.AnyValue(double_value=value if math.isfinite(value) else _NOT_FINITE[str(value)])
    if isinstance(value, bytes):
        return js.AnyValue(bytes_value=base64.b64encode(value).decode())
    if isinstance(value, list):
        return js.AnyValue(array_value=js.ArrayValue([_value_to_json(item) for item in value]))
    if isinstance(value, dict):
        return js.AnyValue(kvlist_value=js.KeyValueList(to_json(cast("dict[str, AttributeValue]", value))))
    return js.AnyValue()


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def signed(value: int | str) -> int:
    """A 64-bit integer from a number or its text. Raises ValueError."""
    number = value if isinstance(value, int) else _integer(value)
    if not -_INT64 <= number < _INT64:
        raise ValueError("not a 64-bit integer")
    return number


def unsigned(value: int | str | None, bits: int) -> int:
    """An unsigned integer from a number or its text; absent is 0. Raises ValueError."""
    if value is None or value == "":
        return 0
    number = value if isinstance(value, int) else _integer(value)
    if not 0 <= number < 1 << bits:
        raise ValueError(f"{number if abs(number) < _INT64 * 4 else 'a number'} is not an unsigned {bits}-bit integer")
    return number


def _integer(text: str) -> int:
    if len(text) > 20 or not (text.isascii() and text.removeprefix("-").isdecimal()):
        raise ValueError(f"{text[:40]!r} is not an integer")
    return int(text)
