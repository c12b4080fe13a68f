"""Secrets out of attributes, before anything is stored.

A value is replaced by `[redacted]` when its key looks secret: authorization and cookie headers, API keys, passwords, secrets,
tokens, private keys and credentials, plus the user's patterns. The key stays, so that a comparison still sees its presence.
Values are not searched: a secret inside a URL or a statement under an innocent key stays.
"""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

REDACTED = "[redacted]"

SECRET_SUFFIXES = (
    "authorization",
    "cookie",
    "api[-_.]key",
    "apikey",
    "access[-_.]key",
    "secret[-_.]key",
    "private[-_.]key",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
)
"""A key that ends so, in any case, is secret: `http.request.header.set-cookie`, `db.password`, `X-Api-Key`."""


class Redaction:
    """The built-in rules and the user's shell patterns of attribute keys (`*.ssn`), case-insensitive."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        own = [pattern.lower() for pattern in patterns]
        rules = [f".*(?:{'|'.join(SECRET_SUFFIXES)})", *(translate(pattern) for pattern in own)]
        matches = re.compile("|".join(f"(?:{rule})" for rule in rules), re.DOTALL).fullmatch

        @lru_cache(maxsize=4096)
        def secret(key: str) -> bool:
            return matches(key.lower()) is not None

        self._secret = secret
        self._fragments = tuple(_longest_literal(pattern) for pattern in own)

    def suspects(self, body: bytes) -> bool:
        """Whether an encoded message may have a secret key: a search of the bytes, a third of the cost of walking the keys.

        False is certain, true is not. Looks for a secret suffix before the tag of the value that follows a key (0x12)."""
        if _SUSPICIOUS.search(body):
            return True
        if not self._fragments:
            return False
        lower = body.lower()
        return any(fragment in lower for fragment in self._fragments)

    def apply(self, request: pb.TracesData) -> None:
        """Replace secret values in place: on resources, scopes, spans, events and links, and in maps below them."""
        for resource_spans in request.resource_spans:
            self._redact(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                self._redact(scope_spans.scope.attributes)
                for span in scope_spans.spans:
                    self._redact(span.attributes)
                    for event in span.events:
                        self._redact(event.attributes)
                    for link in span.links:
                        self._redact(link.attributes)

    def _redact(self, attributes: Iterable[common.KeyValue]) -> None:
        secret = self._secret
        for item in attributes:
            if secret(item.key):
                item.value.Clear()
                item.value.string_value = REDACTED
            elif not item.value.string_value:
                self._below(item.value)

    def _below(self, value: common.AnyValue) -> None:
        match value.WhichOneof("value"):
            case "kvlist_value":
                self._redact(value.kvlist_value.values)
            case "array_value":
                for element in value.array_value.values:
                    self._below(element)
            case _:
                pass


_VALUE_TAG = "\x12"


def _suspicious() -> re.Pattern[bytes]:
    """A search that costs one look at two letters for most keys: 0x12, then what stands before it. Of those that may be the last
    two of a suffix the pair is compared, and only then the suffixes."""
    suffixes = [suffix.replace("[-_.]", ".") for suffix in SECRET_SUFFIXES]
    pairs = {suffix[-2:] for suffix in suffixes}
    last = {letter: _either(first for first, second in pairs if second == letter) for _, letter in pairs}
    any_pair = f"(?<={_either(first for first, _ in pairs)}{_either(last)}{_VALUE_TAG})"
    a_pair = f"(?<={'|'.join(f'{before}{_either(letter)}{_VALUE_TAG}' for letter, before in sorted(last.items()))})"
    whole = "|".join(f"(?<={suffix}{_VALUE_TAG})" for suffix in suffixes)
    return re.compile(f"{_VALUE_TAG}{any_pair}{a_pair}(?i:{whole})".encode(), re.DOTALL)


def _either(letters: Iterable[str]) -> str:
    """One of these letters, in any case."""
    either = sorted({*letters})
    return f"[{''.join(either)}{''.join(either).upper()}]"


_SUSPICIOUS = _suspicious()


def _longest_literal(pattern: str) -> bytes:
    return max(re.split(r"\[[^]]*\]|[*?]", pattern), key=len).encode()


DEFAULT_REDACTION = Redaction()
