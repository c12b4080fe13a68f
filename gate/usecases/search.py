"""Trace search with an attribute filter: the record store gives candidates, the span store looks into them."""

import msgspec

from gate.errors import BadRequest
from gate.service import TracePage, TraceQuery, TraceSummary
from gate.store.protocols import Stores

_SCANNED = 2_000
"""Candidates that one page looks into at most. A page may then be short, or empty, and still have a `next`."""
_AT_ONCE = 200
_LIMIT = 500


async def search(stores: Stores, project: str, query: TraceQuery) -> TracePage:
    """One page, newest first. Raises BadRequest for a bad filter, limit or cursor."""
    if not 1 <= query.limit <= _LIMIT:
        raise BadRequest(f"The limit is {query.limit}; it must be 1 to {_LIMIT}.")
    if query.attribute:
        return await _with_attribute(stores, project, query)
    rows = await stores.traces.page(project, query)
    return TracePage(rows.traces, rows.cursors[-1] if rows.more else "")


async def _with_attribute(stores: Stores, project: str, query: TraceQuery) -> TracePage:
    key, equals, value = query.attribute.partition("=")
    if not equals or not key:
        raise BadRequest(f"{query.attribute[:80]!r} is not `key=value`.", hint="For example attribute=db.system.name=postgresql.")
    found: list[TraceSummary] = []
    after = query.after
    for _ in range(_SCANNED // _AT_ONCE):
        rows = await stores.traces.page(project, msgspec.structs.replace(query, limit=_AT_ONCE, after=after))
        having = await stores.spans.with_attribute(project, [row.trace_id for row in rows.traces], key, value)
        for position, row in enumerate(rows.traces):
            if row.trace_id in having:
                found.append(row)
                if len(found) == query.limit:
                    last = position == len(rows.traces) - 1 and not rows.more
                    return TracePage(tuple(found), "" if last else rows.cursors[position])
        if not rows.more:
            return TracePage(tuple(found))
        after = rows.cursors[-1]
    return TracePage(tuple(found), after)
