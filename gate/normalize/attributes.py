"""Span attributes → those that the comparison sees, by their current semantic-convention key, and those that it hides.

`kept_attributes` runs once a span: what to do with a key is decided once and remembered, values go through cached templates.
"""

import re
from collections.abc import Callable
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeAlias

import msgspec

from gate.model.trace import AttributeValue, Span, SpanKind
from gate.normalize.aliases import CURRENT_VALUES, current_key, current_value
from gate.normalize.bodies import body_shape
from gate.normalize.keys import command_template, key_template, topic_template
from gate.normalize.names import name_template
from gate.normalize.rules import BODY_PATTERNS, CURATED, DEFAULT, HIDDEN, KEPT, STATUS_PATTERNS, Rules
from gate.normalize.sql import sql_template
from gate.normalize.urls import url_template

__all__ = ["CURATED", "Hidden", "hidden_attributes", "is_curated", "kept_attributes"]

MAX_VALUE = 300
"""Characters of an ordinary value that are compared."""
CUT_LENGTHS = frozenset({64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384})
"""Usual attribute length limits: a statement or URL of exactly such a length may be cut, its template ends in `…`."""
CUT = "…"

_COMMAND_SYSTEMS = frozenset({"redis", "valkey", "keydb", "dragonfly", "memcached"})
_CUT_PARAMETER = re.compile(r"%(?:\(\w*\)?)?$")
_CUT_LIST = re.compile(r"(?:\(\?(?:, \?)*,?|, \([^()]*|\()$")


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """An attribute that is not compared, and the rule that says so; shown in grey."""

    key: str
    value: str
    rule: str


class _Use(IntEnum):
    """What becomes of a key."""

    HIDE = 0
    TEXT = 1
    URL = 2
    QUERY = 3
    BODY = 4
    ERROR = 5
    ORDINARY = 6


_Plan: TypeAlias = tuple[_Use, str, bool, Callable[[str], str] | None, str]
"""Use, current key, whether the key was current already, template, rule that hides it."""


def kept_attributes(span: Span, rules: Rules = DEFAULT) -> dict[str, str]:
    """The attributes to compare: current keys, values as text (`200` and `"200"` are one), variable parts as templates.

    Curated keys: see `CURATED` and `is_curated`. `url.template` is the path of the requested URL with the names of its query
    parameters, only where no route says it better. The operation, table and summary of a query are left out where its text is.
    """
    plans = _plans(rules)
    kept: dict[str, str] = {}
    query: AttributeValue = None
    address: dict[str, str] = {}
    error = ""
    for key, value in span.attributes.items():
        plan = plans.get(key)
        if plan is None:
            plan = plans[key] = _plan(key, rules)
            if len(plans) > 50_000:
                plans.clear()
        use, current, is_current, template, _ = plan
        if use is _Use.HIDE or (not is_current and (current in kept or current in span.attributes)):
            continue
        match use:
            case _Use.TEXT | _Use.ORDINARY:
                text = _text(value)
                if use is _Use.ORDINARY:
                    text = text[:MAX_VALUE]
                elif current in CURRENT_VALUES:
                    text = current_value(current, text)
                kept[current] = template(text) if template else text
            case _Use.URL:
                address[current] = _text(value)
            case _Use.QUERY:
                query = value
            case _Use.BODY:
                kept[current] = body_shape(_text(value))
            case _Use.ERROR:
                error = _text(value)
            case _:
                pass
    if query is not None:
        _keep_query(kept, _text(query))
    if address:
        _keep_address(kept, address, span.kind)
    if "rpc.service" in kept:
        service = kept.pop("rpc.service")
        method = kept.get("rpc.method", "")
        kept["rpc.method"] = method if "/" in method or not service else f"{service}/{method}"
    if error or span.events:
        _keep_error(kept, span, error)
    return kept


def hidden_attributes(span: Span, rules: Rules = DEFAULT) -> tuple[Hidden, ...]:
    """The attributes of a span that are not compared, with the name of the rule that hides each; in the span's order."""
    plans = _plans(rules)
    hidden: list[Hidden] = []
    for key, value in span.attributes.items():
        plan = plans.get(key) or _plan(key, rules)
        if plan[0] is _Use.HIDE or (plan[0] is _Use.URL and plan[4]):
            hidden.append(Hidden(key, _text(value), plan[4]))
    return tuple(hidden)


@lru_cache(maxsize=16_384)
def is_curated(key: str) -> bool:
    """Whether a kept key counts from the first observation on (others need five): `CURATED`, bodies, every `*status_code`."""
    return key in CURATED or _fits(key, BODY_PATTERNS) or _fits(key, STATUS_PATTERNS)


@lru_cache(maxsize=64)
def _plans(rules: Rules) -> dict[str, _Plan]:
    """What to do with each key seen so far under these rules; a memory, not a state that changes answers."""
    return {}


def _plan(key: str, rules: Rules) -> _Plan:
    current = current_key(key)
    is_current = current == key
    if _fits(current, rules.keep) or _fits(key, rules.keep):
        return _Use.ORDINARY, current, is_current, None, ""
    for rule in rules.hide:
        if _fits(current, rule.keys) or _fits(key, rule.keys):
            return _Use.HIDE, current, is_current, None, rule.name
    if current == "error.type":
        return _Use.ERROR, current, is_current, None, ""
    if current == "db.query.text":
        return _Use.QUERY, current, is_current, None, ""
    if current in {"url.full", "url.path", "url.query", "url.target", "url.template"}:
        return _Use.URL, current, is_current, None, "" if current == "url.template" else "address"
    if current in CURATED or current == "rpc.service" or _fits(current, STATUS_PATTERNS):
        return _Use.TEXT, current, is_current, _TEMPLATES.get(current), ""
    if _fits(current, BODY_PATTERNS):
        return _Use.BODY, current, is_current, None, ""
    if not _fits(current, KEPT):
        for rule in HIDDEN:
            if _fits(current, rule.keys) or _fits(key, rule.keys):
                return _Use.HIDE, current, is_current, None, rule.name
    return _Use.ORDINARY, current, is_current, _TEMPLATES.get(current, _ordinary_template), ""


@lru_cache(maxsize=16_384)
def _ordinary_template(text: str) -> str:
    if "://" in text:
        return url_template(text)
    return " ".join(name_template(text).split()) if any(character.isalpha() for character in text) else text


def _content_type(text: str) -> str:
    return text.partition(";")[0].strip(' []"').lower()


_TEMPLATES: dict[str, Callable[[str], str]] = {
    "http.route": url_template,
    "db.operation.name": name_template,
    "db.collection.name": topic_template,
    "messaging.destination.name": topic_template,
    "messaging.rabbitmq.destination.routing_key": topic_template,
    "db.operation.parameter.index": topic_template,
    "cache.key": key_template,
    "http.request.header.content-type": _content_type,
    "http.response.header.content-type": _content_type,
}


def _keep_query(kept: dict[str, str], text: str) -> None:
    system = kept.get("db.system.name", "")
    cut = len(text) in CUT_LENGTHS
    if cut:
        text = _CUT_PARAMETER.sub("", text)
    if system in _COMMAND_SYSTEMS:
        template = command_template(text)
    elif text.lstrip()[:1] in {"{", "["}:
        template = body_shape(text)
    else:
        template = sql_template(text)
    if cut:
        template = _CUT_LIST.sub("", template).rstrip() + CUT
    if template:
        kept["db.query.text"] = template
        for key in ("db.operation.name", "db.collection.name", "db.query.summary"):
            kept.pop(key, None)


def _keep_address(kept: dict[str, str], address: dict[str, str], kind: SpanKind) -> None:
    if "http.route" in kept and kind != SpanKind.CLIENT:
        return
    if route := address.get("url.template"):
        kept["url.template"] = url_template(route)
        return
    path = address.get("url.path", "")
    if "url.query" in address and "?" not in path:
        path = f"{path}?{address['url.query']}"
    full = address.get("url.full") or address.get("url.target") or path
    kept["url.template"] = url_template(full) + (CUT if len(full) in CUT_LENGTHS else "")


def _keep_error(kept: dict[str, str], span: Span, error: str) -> None:
    exception = ""
    for event in span.events:
        if event.name == "exception":
            exception = _text(event.attributes.get("exception.type"))
    if exception:
        kept["exception.type"] = exception.rpartition(".")[2]
    error = error.rpartition(".")[2]
    said = {kept.get("http.response.status_code"), kept.get("rpc.response.status_code"), kept.get("exception.type")}
    if error and error not in said:
        kept["error.type"] = error


def _fits(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _text(value: AttributeValue) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case None:
            return ""
        case _:
            return msgspec.json.encode(value, order="sorted").decode()
