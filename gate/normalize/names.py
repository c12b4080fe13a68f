"""Span name → template: what the operation is called once identifiers are gone."""

import re

from gate.normalize.keys import pipeline_name
from gate.normalize.repeat import until_stable
from gate.normalize.sql import sql_template
from gate.normalize.tokens import certain_template, is_enumerated, split_template
from gate.normalize.urls import path_template, url_template

CUT_LENGTHS = frozenset({50, 64, 100, 128, 255, 256})
"""Lengths at which exporters cut names; the last piece of such a name may be the beginning of an identifier."""

_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.\-]*://\S*")
_STATEMENT = re.compile(
    r"(?is)^\s*(?:select|insert|update|delete|with|merge|replace|create|alter|drop|truncate|savepoint|release|rollback|declare|fetch)\b"
    r".*(?:\b(?:from|into|set|where|values|savepoint|table|cursor|as)\b|;\s*\S)|^\s*savepoint\s+\S"
)
_SCHEME = re.compile(r"\bhttps?:/(?!/)")
_METHOD = re.compile(r"^HTTP (GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|QUERY)$")
_CUT = re.compile(r"(?<=[/\-_:.])(?=[0-9a-f\-]*\d)[0-9a-f][0-9a-f\-]{1,7}$")
_PATHS = re.compile(r"((?<!\S)\S*/\S*)")
_PROTECTED = re.compile(r"[{}<>\[\]()*^$\\|]")


@until_stable(65_536)
def name_template(name: str) -> str:
    """The template of a span name: `GET /users/17` → `GET /users/{id}`.

    Methods, versions, status codes, routes and words stay. Numbers that stand alone outside a path are identifiers from four
    digits on. A name that is a whole SQL statement becomes its template. The text is never empty unless the name was.
    """
    name = name.strip()
    if "(?" in name or name.startswith("^"):
        return name
    if _STATEMENT.match(name):
        return sql_template(name) or name
    name = name.rstrip(";") or name
    if method := _METHOD.match(name):  # the name that instrumentation gave before 2022
        return method[1]
    if name.isupper() and " " in name:
        name = pipeline_name(name)
    if "://" in name:
        name = _URL.sub(lambda match: url_template(match[0]), name)
    if ":/" in name:
        name = _SCHEME.sub("/", name)
    if "@" not in name and not any(character.isdigit() for character in name):
        return " ".join(name.split())
    if len(name) in CUT_LENGTHS:
        name = _CUT.sub("{id}", name)
    parts = _PATHS.split(name)  # what is a path is looked at segment by segment: a day can be a version there
    parts[::2] = map(certain_template, parts[::2])
    words = "".join(parts).split()
    return " ".join(_word_template(word, before) for before, word in zip(("", *words), words, strict=False))


def _word_template(word: str, before: str) -> str:
    if is_enumerated(word, before):
        return word
    if "/" in word:
        if word.upper().startswith("HTTP/"):
            return word
        path, mark, _ = word.partition("?")
        return url_template(word) if mark else path_template(path)
    if _PROTECTED.search(word):
        return word
    return split_template(word, numbers=4)
