"""Whether a call changes something that lasts: what a cache, a warm process or a retry may never leave out."""

import re

from gate.compare.shape import Label
from gate.model.flow import Operation
from gate.model.trace import SpanKind
from gate.normalize.statement import statement_of

CACHES = frozenset({"redis", "valkey", "keydb", "dragonfly", "memcached", "hazelcast", "ignite", "infinispan"})

_WRITE = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|REPLACE INTO|TRUNCATE|CREATE|ALTER|DROP|COMMIT)\b", re.IGNORECASE)
_LOCK = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b", re.IGNORECASE)
_CONNECTING = re.compile(r"(?i)^(?:\w+\.)?(?:connect|dial|dns(?:\.\w+)?|tls(?:\.\w+)?|tcp\.connect|pool\W?\w*|acquire)$")
_PUBLISHING = frozenset("LPUSH RPUSH LPUSHX RPUSHX XADD PUBLISH".split())
_FILLING = frozenset("SET SETEX PSETEX SETNX MSET HSET HMSET ADD REPLACE EXPIRE PEXPIRE EXPIREAT ZADD SADD TOUCH".split())
_READING = frozenset("GET HEAD OPTIONS".split())
_QUERYING = re.compile(r"(?i)\b(?:get|find|search|query|read|list|count|exists|select|fetch|scan|info|ping)")


def is_connecting(label: Label) -> bool:
    """Whether the call only makes or checks a connection for the call after it."""
    return not label[2] and bool(_CONNECTING.search(label[1]))


def is_durable(operation: Operation) -> bool:
    """Whether the call writes, publishes or asks another service to. Unknown calls to another service count as writing."""
    attributes = operation.attributes
    system = attributes.get("db.system.name", "")
    if system in CACHES:
        words = statement_of(operation).upper().split() or operation.name.upper().split()
        return bool(_PUBLISHING.intersection(words))
    if "db.query.text" in attributes:
        return bool(_WRITE.search(_LOCK.sub("", attributes["db.query.text"])))
    if system:
        return not _QUERYING.search(attributes.get("db.operation.name") or operation.name) and operation.name != "connect"
    if operation.kind == SpanKind.PRODUCER:
        return True
    if method := attributes.get("http.request.method"):
        return method.upper() not in _READING
    return operation.kind in {SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.SERVER}


def fills_cache(operation: Operation) -> bool:
    """Whether the call writes to a cache, or renews what is there: the sign of a miss or a hit."""
    if operation.attributes.get("db.system.name", "") not in CACHES:
        return False
    words = statement_of(operation).upper().split() or operation.name.upper().split()
    return bool(_FILLING.intersection(words))
