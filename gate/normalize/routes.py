"""The path that a client asked for, by the route of the service that answered."""

import re
from collections.abc import Sequence
from functools import lru_cache

from gate.model.trace import Span, SpanKind
from gate.normalize.tokens import ID

_PARAMETER = re.compile(r"<[^<>/]*>|\{[^{}/]*\}|\[[^\[\]/]*\]|(?<=/):\w+|\*\w*")


def take_routes_of_callees(spans: Sequence[Span], parents: Sequence[int], attributes: Sequence[dict[str, str]]) -> None:
    """Set `url.template` of every CLIENT span that has a SERVER child with `http.route` to that route, in place.

    No pattern recognises every identifier (`/buckets/b-ennepkak` looks like a word); the router of the callee does.
    """
    for index, parent in enumerate(parents):
        if (
            parent >= 0
            and spans[index].kind == SpanKind.SERVER
            and "http.route" in attributes[index]
            and spans[parent].kind == SpanKind.CLIENT
        ):
            attributes[parent]["url.template"] = route_template(attributes[index]["http.route"])


@lru_cache(maxsize=16_384)
def route_template(route: str) -> str:
    """A route in the form of a path template, whatever the framework: `/orders/<int:oid>` and `/orders/:oid` → `/orders/{id}`.

    A route written as a regular expression stays as it is.
    """
    if "(?" in route or route.startswith("^"):
        return route
    path = _PARAMETER.sub(ID, route)
    return path if path.startswith("/") else f"/{path}"
