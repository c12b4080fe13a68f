"""`attribute=value` search without an index of attributes: scan a chunk's bytes, decode only what can match.

Decoding every attribute while receiving would cost four times what storing costs, and an index of them more space than the spans.
A text attribute stands in its chunk as it is, so most chunks are refused by one search for its bytes.
"""

from collections.abc import Iterator

from gate.codec.otlp_protobuf import decode_spans
from gate.model.trace import Attributes, AttributeValue


def has_attribute(body: bytes, key: str, value: str) -> bool:
    """Whether a span in an OTLP protobuf body, or its resource, has attribute `key` with `value` as its text.

    Numbers compare by their JSON text (`200`, `1.5`), booleans as `true` and `false`; lists and maps never match."""
    if key.encode() not in body:
        return False
    if not _may_be_other_than_text(value) and value.encode() not in body:
        return False
    return any(text_of(attributes.get(key)) == value for attributes in _attributes(body))


def _attributes(body: bytes) -> Iterator[Attributes]:
    for span in decode_spans(body):
        yield span.attributes
        yield span.resource.attributes


def _may_be_other_than_text(value: str) -> bool:
    if value in ("true", "false"):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def text_of(value: AttributeValue) -> str | None:
    """What an attribute's value is compared as; None for lists, maps, bytes and nothing."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return None
