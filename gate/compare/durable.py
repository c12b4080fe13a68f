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
_SET_UP_NAME = re.compile(
    r"(?i)(?:(?:^|[._ :/])(?:connect|get_?connection|reset_?session|client (?:setinfo|setname))"
    r"|(?:^|\b(?:dns|tls|tcp|net|pool|redis|valkey|mongo(?:db)?|mysql|pg|postgres|amqp|smtp|ldap|memcached)[._ :/-])"
    r"(?:connection|acquire|handshake|ping|auth|hello|lookup))$"
)
_SET_UP_STATEMENT = re.compile(
    r"(?i)^(?:SELECT set_config\(|SELECT pg_catalog\.version\(|SELECT version\(|SELECT current_schema\(|SELECT @@|SELECT DATABASE\(|SHOW |PRAGMA "
    r"|SET (?:NAMES|SESSION|TIME ZONE|client_encoding|search_path|autocommit|CHARACTER|application_name|sql_mode|@@)"
    r"|(?:SELECT|WITH) .*\bFROM (?:pg_catalog\.)?pg_(?:type|class|range|attribute|namespace)\b|CLIENT SET|HELLO|AUTH|PING)"
)
"""What drivers and mappers send on a new connection of their own accord."""
_ASKING = re.compile(
    r"(?i)^(?:SELECT (?:pg_catalog\.)?(?:version|current_schema)\(|SELECT @@|SHOW |(?:SELECT|WITH) .*\bFROM (?:pg_catalog\.)?"
    r"pg_(?:type|class|range|attribute|namespace)\b|PING\b|HELLO\b)"
)
_QUERYING = re.compile(r"(?i)\b(?:get|find|search|query|read|list|count|exists|select|fetch|scan|info|ping)")


def is_connecting(label: Label) -> bool:
    """Whether the call only makes, sets up or checks a connection for the call after it."""
    return bool(_SET_UP_STATEMENT.match(label[2]) if label[2] else _CONNECTING.search(label[1]))


def is_durable(operation: Operation) -> bool:
    """Whether the call writes, publishes or asks another service to. Unknown calls to another service count as writing."""
    attributes = operation.attributes
    system = attributes.get("db.system.name", "")
    if system in CACHES:
        words = statement_of(operation).upper().split() or operation.name.upper().split()
        return bool(_PUBLISHING.intersection(words))
    if "db.query.text" in attributes:
        return bool(_WRITE.search(_LOCK.sub("", attributes["db.query.text"])))
    if sets_up(operation) or not any(character.isalpha() for character in operation.name):
        return False
    if system:
        return not _QUERYING.search(attributes.get("db.operation.name") or operation.name)
    if operation.kind == SpanKind.PRODUCER:
        return True
    if method := attributes.get("http.request.method"):
        return method.upper() not in _READING
    return operation.kind in {SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.SERVER}


def is_read(operation: Operation) -> bool:
    """Whether the call only asks a store: it writes nothing, locks nothing and fills no cache."""
    text = operation.attributes.get("db.query.text", "")
    return bool(text) and not is_durable(operation) and not fills_cache(operation) and not _LOCK.search(text)


def sets_up(operation: Operation) -> bool:
    """Whether the call sets up a connection or asks a new one what it is: a pool does so when it must, not when a request asks."""
    if text := operation.attributes.get("db.query.text"):
        return bool(_SET_UP_STATEMENT.match(text))
    serves = operation.kind in {SpanKind.SERVER, SpanKind.CONSUMER} or "http.request.method" in operation.attributes
    return not serves and bool(_SET_UP_NAME.search(operation.name))


def asks_connection(operation: Operation) -> bool:
    """Whether the call only asks a connection what is at its other end: nothing depends on whether it is asked again."""
    return bool(_ASKING.match(operation.attributes.get("db.query.text", "")))


def fills_cache(operation: Operation) -> bool:
    """Whether the call writes to a cache, or renews what is there: the sign of a miss or a hit."""
    if operation.attributes.get("db.system.name", "") not in CACHES:
        return False
    words = statement_of(operation).upper().split() or operation.name.upper().split()
    return bool(_FILLING.intersection(words))
