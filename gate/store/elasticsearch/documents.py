"""A chunk as a document: the compressed body, and the attributes of its spans as terms of one field.

A field for each attribute key would let a sender fill the cluster's mapping: here keys are data, as values are.
"""

import base64
from functools import lru_cache

import msgspec
from opentelemetry.proto.common.v1 import common_pb2

from gate.codec.distinct import attributes_of
from gate.store.attributes import text_of
from gate.store.compression import decompress
from gate.store.values import StoredChunk

MAPPINGS = {
    "dynamic": False,
    # The body has it all; whoever copies a document makes them again.
    "_source": {"excludes": ["attributes"]},
    "properties": {
        "project": {"type": "keyword"},
        "trace_id": {"type": "keyword"},
        "received_ns": {"type": "long"},
        "attributes": {"type": "keyword", "doc_values": False},
        "unindexed": {"type": "boolean"},
        "body": {"type": "binary"},
    },
}
_TERM = 256
"""Characters of a term; a longer attribute is found by its beginning, then looked at in the body."""
_TERMS = 10_000
"""Terms of one document; one with more is looked into by every search."""


class SpanDocument(msgspec.Struct, frozen=True, gc=False):
    """What is stored under `document_id`."""

    project: str
    trace_id: str
    received_ns: int
    attributes: msgspec.Raw
    """A list of terms."""
    unindexed: bool
    """Whether there are attributes that did not become terms."""
    body: bytes
    """A zstd frame; base64 in JSON."""


def document_id(project: str, trace_id: str, chunk: StoredChunk) -> str:
    """The same chunk is the same document: to write it twice is to write it once."""
    return f"{project}:{trace_id}:{chunk.digest.hex()}"


def encode(project: str, trace_id: str, received_ns: int, blob: bytes, body: bytes) -> bytes:
    """The document as JSON. `body` is what `blob` is compressed of."""
    terms = terms_of(body)
    listed = msgspec.Raw(b"[%b]" % b",".join(terms if len(terms) <= _TERMS else sorted(terms)[:_TERMS]))
    return msgspec.json.encode(SpanDocument(project, trace_id, received_ns, listed, len(terms) > _TERMS, blob))


def body_of(stored: str) -> bytes:
    """The uncompressed body in a document's field `body`."""
    return decompress(base64.b64decode(stored))


def term_of(key: str, value: str) -> tuple[str, bool]:
    """The term for an attribute, and whether it stands for this attribute alone."""
    term = f"{key}\x00{value}"
    return term[:_TERM], len(term) <= _TERM and "\x00" not in key and "\x00" not in value


def terms_of(body: bytes) -> set[bytes]:
    """The terms, as JSON, of all attributes with a text in an OTLP body, of spans and resources."""
    terms = {_cached_term(one) if len(one) < _TERM else _term(one) for one in attributes_of(body)}
    terms.discard(b"")
    return terms


def _term(encoded: bytes) -> bytes:
    """Of an encoded attribute; empty when it has no text."""
    attribute = common_pb2.KeyValue.FromString(encoded)
    kind = attribute.value.WhichOneof("value")
    if kind not in ("string_value", "bool_value", "int_value", "double_value"):
        return b""
    text = text_of(getattr(attribute.value, kind))
    return b"" if text is None else msgspec.json.encode(term_of(attribute.key, text)[0])


_cached_term = lru_cache(maxsize=16_384)(_term)
"""Most attributes have been seen before, and need no decoding."""
