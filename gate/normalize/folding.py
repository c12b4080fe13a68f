"""Which spans are no operation of their own: the second layer of one call, messages of a protocol, what a pool does for itself.

Two instrumented libraries that sit on each other show one call twice (an ORM and its driver, a search client and its HTTP
transport). Folded to one, a lost call is one missing operation, and a layer that appears or disappears changes nothing.
A folded span is never lost: it stays at the operation that stands for it, with the rule.
"""

import re
from collections.abc import Sequence

from gate.model.trace import Span, SpanKind

MESSAGE = "protocol message"
TWIN = "second layer of one query"
TRANSPORT = "transport of a client library"
SAME_REQUEST = "second layer of one request"
RESET = "reset of a pooled connection"

_SERVING = frozenset({SpanKind.SERVER, SpanKind.INTERNAL})
_RESET = re.compile(
    r"(?i)(?:DISCARD ALL|(?:EXEC )?sp_reset_connection|SELECT pg_advisory_unlock_all\(\)(?:;.*)?|RESET ALL)(?:;.*)?", re.DOTALL
)
_MESSAGE = re.compile(r" (?:http|websocket) (?:receive|send)$")


def fold(spans: Sequence[Span], parents: Sequence[int], attributes: Sequence[dict[str, str]]) -> dict[int, tuple[int, str]]:
    """Index of each folded span → (index of the span that stands for it, rule). Chains are resolved."""
    folded: dict[int, tuple[int, str]] = {}
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        if parent >= 0:
            children.setdefault(parent, []).append(index)
    for index, parent in enumerate(parents):
        if parent < 0:
            continue
        span = spans[index]
        if span.kind == SpanKind.INTERNAL and _MESSAGE.search(span.name):
            folded[index] = (parent, MESSAGE)
        elif (query := attributes[index].get("db.query.text")) and index not in children and _RESET.fullmatch(query):
            folded[index] = (parent, RESET)
        elif rule := _layer(spans, attributes, children, parent, index):
            folded[index] = (parent, rule)
    for members in children.values():
        if len(members) > 1:
            _fold_twins(spans, attributes, children, members, folded)
    return {index: (_target(folded, target), rule) for index, (target, rule) in folded.items()}


def _layer(
    spans: Sequence[Span], attributes: Sequence[dict[str, str]], children: dict[int, list[int]], parent: int, index: int
) -> str:
    """The rule by which a child is the lower layer of its parent's call, or nothing."""
    upper, lower = spans[parent], spans[index]
    if upper.service != lower.service:
        return ""
    above, below = attributes[parent], attributes[index]
    if upper.kind == SpanKind.SERVER and lower.kind in _SERVING:
        asked = ("http.request.method", "http.route")
        same = all(key in above and above[key] == below.get(key) for key in asked)
        return SAME_REQUEST if same and _only(children[parent], attributes, "http.route", below["http.route"]) else ""
    if upper.scope.name == lower.scope.name:
        return ""
    if "db.system.name" in above:
        query = above.get("db.query.text")
        if query and query == below.get("db.query.text"):
            return TWIN if _only(children[parent], attributes, "db.query.text", query) else ""
        if lower.kind == SpanKind.CLIENT and "http.request.method" in below and "db.system.name" not in below:
            method = below["http.request.method"]
            same_kind = [other for other in children[parent] if "http.request.method" in attributes[other]]
            return TRANSPORT if method and len(same_kind) == 1 else ""
    return ""


def _only(members: list[int], attributes: Sequence[dict[str, str]], key: str, value: str) -> bool:
    return sum(attributes[member].get(key) == value for member in members) == 1


def _fold_twins(
    spans: Sequence[Span],
    attributes: Sequence[dict[str, str]],
    children: dict[int, list[int]],
    members: list[int],
    folded: dict[int, tuple[int, str]],
) -> None:
    """Siblings with one query, of two scopes, one enclosing the other: the outer is folded into the inner (the driver)."""
    queries = [index for index in members if "db.query.text" in attributes[index] and index not in folded]
    queries.sort(key=lambda index: (spans[index].start_ns, -spans[index].end_ns))
    open_outer: list[int] = []
    for index in queries:
        span = spans[index]
        open_outer = [outer for outer in open_outer if spans[outer].end_ns >= span.end_ns]
        for position, outer in enumerate(open_outer):
            above = spans[outer]
            if (
                above.scope.name != span.scope.name
                and above.service == span.service
                and outer not in children
                and attributes[outer]["db.query.text"] == attributes[index]["db.query.text"]
            ):
                folded[outer] = (index, TWIN)
                del open_outer[position]
                break
        else:
            open_outer.append(index)
            if len(open_outer) > 16:
                del open_outer[0]


def _target(folded: dict[int, tuple[int, str]], index: int) -> int:
    while index in folded:
        index = folded[index][0]
    return index
