"""What people can search for: values for type-ahead, from the newest traces."""

import asyncio
from collections import Counter

from gate.codec.otlp_protobuf import decode_spans
from gate.errors import BadRequest
from gate.service import FACETS, FacetValue, TraceQuery
from gate.store.protocols import Stores

_NEWEST = 2_000
_DECODED = 20
"""Traces whose spans are read for attributes: there is no index of them."""
_LIMIT = 100
_LONGEST = 200
"""Characters of a value that anybody would choose from a list."""


async def facet(stores: Stores, project: str, name: str, *, text: str, limit: int) -> tuple[FacetValue, ...]:
    """See `Gate.facet`. Raises BadRequest for a name that is no facet, or a limit outside 1 to 100."""
    if name not in FACETS:
        raise BadRequest(f"There is no facet {name[:80]!r}.", hint=f"There are {', '.join(FACETS)}.")
    if not 1 <= limit <= _LIMIT:
        raise BadRequest(f"The limit is {limit}; it must be 1 to {_LIMIT}.")
    if name == "attribute":
        found = await _attributes(stores, project, text)
    else:
        found = await stores.traces.values(project, name, text=text, newest=_NEWEST)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FacetValue(value, traces) for value, traces in ordered[:limit])


async def _attributes(stores: Stores, project: str, text: str) -> dict[str, int]:
    newest = await stores.traces.page(project, TraceQuery(limit=_DECODED))
    bodies = await stores.spans.read(project, newest.trace_ids)
    return await asyncio.to_thread(_count, list(bodies.values()), text.casefold())


def _count(traces: list[tuple[bytes, ...]], text: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for bodies in traces:
        pairs: set[str] = set()
        for body in bodies:
            for span in decode_spans(body):
                for attributes in (span.attributes, span.resource.attributes):
                    for key, value in attributes.items():
                        if isinstance(value, str | int | float) and len(pair := f"{key}={_text(value)}") <= _LONGEST:
                            pairs.add(pair)
        counts.update(pair for pair in pairs if text in pair.casefold())
    return counts


def _text(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
