"""URL → template: path with identifiers replaced, names of the query parameters, nothing else.

`https://shop.example:8443/v1/orders/17/items?limit=3&after=ab3` → `/v1/orders/{id}/items?after&limit`.
Scheme, user, host and port belong to the environment; values of the query to the input.
"""

import re
from urllib.parse import unquote

from gate.normalize.repeat import until_stable
from gate.normalize.tokens import DATE, DATE_PATTERN, ID, certain_template, is_enumerated, split_template

TEXT = "{text}"
API_DATES = frozenset(
    "2010-04-01 2012-08-10 2012-11-05 2012-11-15 2013-04-01 2014-11-13 2015-03-31 2017-10-17 2018-11-29 2019-12-01 2020-05-31 2020-06-30 "
    "2021-12-03 2010-03-31 2010-08-01 2011-06-15 2016-11-15".split()
)
"""Dates that are a version in a path: those of cloud APIs (`/2015-03-31/functions/…`)."""

_AUTHORITY = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//[^/?#]*")
_SCHEME = re.compile(r"^(?:https?|wss?|grpcs?):/(?!/)")
_PROTECTED = re.compile(r"[{}<>\[\]*^$\\|()]")
_NUMBER = re.compile(r"[+\-]?\d+(?:\.\d{4,})?(?:[,;][+\-]?\d+(?:\.\d+)?)*|[+\-]?\d+\.\d+(?:,[+\-]?\d+\.\d+)+")
_STATUS = re.compile(r"[1-5]\d\d")
_STATUS_WORDS = frozenset(
    "status statuses error errors code codes http httpstatus status_code status-code statuscode response".split()
)
_VERSIONED = frozenset({"api", "rest"})
"""A single digit or a day after it is the version of an interface."""
_DOCUMENT_CALLS = frozenset("_doc _create _update _source _explain _termvectors".split())
"""Elasticsearch and OpenSearch: what follows is a document's id, even if it looks like a word."""
_KEYED = re.compile(r"([A-Za-z_]\w*)\((?:\d+|'[^']*'|\"[^\"]*\")\)")
_INDEX = re.compile(r"\[\d*\]")


@until_stable(65_536)
def url_template(url: str) -> str:
    """The template of an absolute URL, a path or a request target. A path that is a route already stays as it is."""
    rest = _AUTHORITY.sub("", url.strip())
    rest = _SCHEME.sub("/", rest)
    rest, _, _ = rest.partition("#")
    path, mark, query = rest.partition("?")
    if "(?" in rest or path.startswith("^"):  # a route written as a regular expression
        return rest
    path = path_template(path) or "/"
    return f"{path}?{names}" if mark and (names := _parameter_names(query)) else path


def path_template(path: str) -> str:
    """A path, segment by segment; relative ones stay relative."""
    segments = path.split("/")
    return "/".join(segment_template(segment, index, segments) for index, segment in enumerate(segments))


def segment_template(segment: str, index: int, segments: list[str]) -> str:
    """One segment, seen among its neighbours: a status code after `errors` and a leading API version are not identifiers."""
    if not segment:
        return segment
    if "%" in segment:
        segment = _decode(segment)
    segment, _, _ = segment.partition(";")  # matrix parameters: `;jsessionid=…`
    if keyed := _KEYED.fullmatch(segment):
        return f"{keyed[1]}({ID})"
    if segment.startswith(":") or _PROTECTED.search(segment):
        return segment
    if any(character.isspace() or not character.isprintable() for character in segment):
        return TEXT
    if index and segments[index - 1] in _DOCUMENT_CALLS:
        return ID
    if is_enumerated(segment, segments[index - 1] if index else ""):
        return segment
    if _NUMBER.fullmatch(segment):
        return segment if _is_enumeration(segment, index, segments) else ID
    if segment in API_DATES and not any(segments[:index]):
        return segment
    if index and segments[index - 1].lower() in _VERSIONED and DATE_PATTERN.fullmatch(segment):
        return segment
    segment = certain_template(segment)
    if segment == DATE or "{" in segment:
        return segment
    return split_template(segment, numbers=1, value=True)


def _is_enumeration(number: str, index: int, segments: list[str]) -> bool:
    before = segments[index - 1].lower() if index else ""
    if _STATUS.fullmatch(number):
        return before in _STATUS_WORDS
    leading = not any(segments[:index]) or before in _VERSIONED
    following = segments[index + 1] if index + 1 < len(segments) else ""
    return leading and len(number) == 1 and following[:1].isalpha()  # `/2/files/list`, `/3/movie/{id}`, `/rest/api/2/search`


def _decode(segment: str) -> str:
    while "%" in segment:
        decoded = unquote(segment)
        if decoded == segment:
            break
        segment = decoded
    return TEXT if set("/?#") & set(segment) or "\ufffd" in segment else segment


def _parameter_names(query: str) -> str:
    names: set[str] = set()
    for part in query.replace(";", "&").split("&"):
        name = _INDEX.sub("[]", part.partition("=")[0].strip())
        if name:
            names.add(name if _PROTECTED.search(name) else split_template(certain_template(_decode(name)), numbers=3))
    return "&".join(sorted(names))
