"""Topics, queues, routing keys, cache keys and cache commands → templates.

Separators tell the two apart: after `:`, `.` and `/` a number is an identifier (`user:17:cart`), after `-` and `_` a short one
can be a partition or a retry level that somebody named (`orders-retry-1`).
"""

import re

from gate.normalize.repeat import until_stable
from gate.normalize.tokens import ID, certain_template, split_template
from gate.normalize.urls import url_template

COMMANDS = frozenset(
    """APPEND AUTH BLMOVE BLPOP BRPOP BRPOPLPUSH BZPOPMAX BZPOPMIN CLIENT CLUSTER CONFIG COPY DBSIZE DECR DECRBY DEL DISCARD ECHO
    EVAL EVALSHA EXEC EXISTS EXPIRE EXPIREAT FLUSHALL FLUSHDB GEOADD GEOSEARCH GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL HELLO
    HEXISTS HGET HGETALL HINCRBY HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX HVALS INCR INCRBY INFO KEYS LINDEX LINSERT LLEN LMOVE
    LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MOVE MSET MSETNX MULTI OBJECT PERSIST PEXPIRE PEXPIREAT PING PSETEX
    PSUBSCRIBE PTTL PUBLISH PUNSUBSCRIBE QUIT RENAME RENAMENX RESTORE RPOP RPOPLPUSH RPUSH RPUSHX SADD SCAN SCARD SCRIPT SDIFF
    SELECT SET SETBIT SETEX SETNX SETRANGE SINTER SISMEMBER SMEMBERS SMOVE SORT SPOP SRANDMEMBER SREM SSCAN STRLEN SUBSCRIBE
    SUNION TIME TOUCH TTL TYPE UNLINK UNSUBSCRIBE UNWATCH WAIT WATCH XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO XLEN XPENDING
    XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZINCRBY ZPOPMAX ZPOPMIN ZRANGE ZRANGEBYSCORE ZRANK ZREM
    ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZSCAN ZSCORE ZUNIONSTORE""".split()
)
"""Redis commands whose repetition in a pipeline is not counted: `LLEN LLEN LLEN LLEN` is `LLEN`."""

_SUBCOMMANDS = frozenset(
    "LOAD EXISTS FLUSH KILL SETINFO SETNAME GETNAME INFO NODES SLOTS SHARDS CREATE HELP USAGE ENCODING".split()
)
_SCRIPTS = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"})
_VALUE = re.compile(r"[\x00-\x1f\x7f\ufffd]|[{\[]\"")
"""What no key looks like: bytes that are no text, JSON."""
_WORD = re.compile(r"[A-Za-z][\w.]*|\?")
_LINES = re.compile(r"[\r\n]+|; ?")
_PARTS = re.compile(r"([:./])")
_SERVER_NAMED = re.compile(r"^(amq\.gen-|_INBOX\.|amq\.rabbitmq\.reply-to\.|amq\.ctag-)(?!\{id\}$).+$")
_PROTECTED = re.compile(r"[{}<>*#?]")


@until_stable(16_384)
def topic_template(topic: str) -> str:
    """The template of a topic, queue, exchange, routing key or search index."""
    topic = topic.strip()
    if "://" in topic:
        return url_template(topic)
    if match := _SERVER_NAMED.match(topic):
        return match[1] + ID
    return _template(topic, numbers=3)


@until_stable(16_384)
def key_template(key: str) -> str:
    """The template of a cache key: `user:17:cart` → `user:{id}:cart`."""
    return _template(key.strip(), numbers=1)


@until_stable(16_384)
def command_template(statement: str) -> str:
    """The template of a cache command or a pipeline of them (one a line): arguments that follow each other are one `?`.

    Keys that the instrumentation shows are templates: `GET user:17` → `GET user:{id}`. Values are not shown: what follows the keys
    of a script, and what follows the first text that no key looks like (JSON, bytes).
    """
    lines: list[str] = []
    packed = False
    for line in _LINES.split(statement):
        words = line.split()
        if not words or (lines and not _WORD.fullmatch(words[0])) or (packed and words[0].upper() not in COMMANDS):
            continue  # a value that goes on
        packed = packed or words[0].upper() in _SCRIPTS
        command = [words[0].upper() if words[0].upper() in COMMANDS else words[0]]
        for word in _without_values(command[0], words[1:]):
            argument = word if word.upper() in _SUBCOMMANDS and word.isupper() else _argument(word)
            if argument != "?" or command[-1] != "?":
                command.append(argument)
        text = " ".join(command)
        if not lines or lines[-1] != text:
            lines.append(text)
    return "; ".join(lines)


def _without_values(command: str, words: list[str]) -> list[str]:
    """The arguments of a command up to the first value, which stands for the rest. A script says how many keys it has."""
    if command in _SCRIPTS and len(words) > 1 and words[1].isdigit() and len(words) > 2 + int(words[1]):
        return [*words[: 2 + int(words[1])], "?"]
    value = next((at for at, word in enumerate(words) if _VALUE.search(word)), None)
    return words if value is None else [*words[:value], "?"]


def pipeline_name(name: str) -> str:
    """A span name made of commands, without the repetitions that only count the arguments of one pipeline."""
    words = name.split()
    if len(words) < 2 or not all(word in COMMANDS or word in _SUBCOMMANDS for word in words):
        return name
    kept = [words[0]]
    for word in words[1:]:
        if word != kept[-1]:
            kept.append(word)
    return " ".join(kept)


def _argument(word: str) -> str:
    word = word.rstrip(";")
    template = key_template(word)
    if template == ID or not any(character.isalpha() for character in template):
        return "?"
    return template


def _template(text: str, *, numbers: int) -> str:
    text = certain_template(text)
    parts = _PARTS.split(text)
    for index in range(0, len(parts), 2):
        part = parts[index]
        if not part or _PROTECTED.search(part):
            continue
        separated = index > 0 or (len(parts) > 1 and parts[1] == ":")
        if part.isdigit() and part.isascii() and separated:
            parts[index] = ID
        else:
            parts[index] = split_template(part, numbers=numbers)
    return "".join(parts)
