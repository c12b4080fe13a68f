"""Trace search with an attribute filter: the record store gives candidates, the span store looks into them."""

import msgspec

from gate.errors import BadRequest
from gate.service import TracePage, TraceQuery
from gate.store.protocols import Stores

_SCANNED = 1_000
"""Candidates that one page looks into at most. A page may then be short, or empty, and still have a `next`."""
_FEW = 1_000
"""Traces with an attribute that a span store with an index names at once. Of more, some are among any candidates."""
_LIMIT = 500


async def search(stores: Stores, project: str, query: TraceQuery) -> TracePage:
    """One page, newest first. Raises BadRequest for a bad filter, limit or cursor."""
    if not 1 <= query.limit <= _LIMIT:
        raise BadRequest(f"The limit is {query.limit}; it must be 1 to {_LIMIT}.")
    if query.attribute:
        return await _with_attribute(stores, project, query)
    found = await stores.traces.page(project, query)
    return TracePage(await stores.traces.several(project, found.trace_ids), found.cursors[-1] if found.more else "")


async def _with_attribute(stores: Stores, project: str, query: TraceQuery) -> TracePage:
    key, equals, value = query.attribute.partition("=")
    if not equals or not key:
        raise BadRequest(f"{query.attribute[:80]!r} is not `key=value`.", hint="For example attribute=db.system.name=postgresql.")
    found: list[str] = []
    after = query.after
    looked_into, at_once = 0, query.limit
    while looked_into < _SCANNED:
        candidates = await stores.traces.page(project, msgspec.structs.replace(query, limit=at_once, after=after))
        first = not looked_into
        looked_into += at_once
        # Where nearly all have it, a small look or two fill the page; where few have it, large ones cost the least.
        at_once = min(4 * at_once, max(_SCANNED - looked_into, 1))
        after = candidates.cursors[-1] if candidates.more else ""
        having = await stores.spans.with_attribute(project, candidates.trace_ids, key, value)
        for trace_id, cursor in zip(candidates.trace_ids, candidates.cursors, strict=True):
            if trace_id in having and len(found) < query.limit:
                found.append(trace_id)
                if len(found) == query.limit and trace_id != candidates.trace_ids[-1]:
                    after = cursor
        if len(found) == query.limit or not after:
            break
        if not first or len(found) * _SCANNED >= query.limit * looked_into:  # more looks will fill the page
            continue
        if (few := await stores.spans.having(project, key, value, limit=_FEW)) is not None:
            page = await stores.traces.page(project, query, among=sorted(few))
            return TracePage(await stores.traces.several(project, page.trace_ids), page.cursors[-1] if page.more else "")
    return TracePage(await stores.traces.several(project, found), after)
