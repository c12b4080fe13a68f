"""Whether both stores agree: what each trace's record says, and what the span store has. Repairs what can be."""

from collections.abc import AsyncIterator

import msgspec

from gate.service import Disagreement, Examination, TraceQuery
from gate.store.protocols import Stores
from gate.store.values import Copied
from gate.usecases.outbox import Follower

_AT_ONCE = 500
_SETTLED_NS = 60 * 60 * 1_000_000_000
"""Spans without a record are called stray only after so long: their record may be on its way."""


async def examine(stores: Stores, follower: Follower, *, repair: bool, now_ns: int) -> Examination:
    """Compare the stores, project by project. Without `repair` nothing is written.

    Spans that are lost cannot be made again: such a trace stays as a record that says so until retention or a person deletes it.
    Everything else follows the record store: entries that the span store has not followed are applied, marks are set to what the
    records say, and spans that belong to no record are deleted."""
    found: list[Disagreement] = []
    count = 0
    for project in await stores.projects.all():
        name = project.name
        if repair:
            await follower.drain(name)
        waiting = {one.trace_id: one for one in await stores.outbox.pending(project=name)}
        for one in waiting.values():
            why = f": {one.error}" if one.error else ""
            found.append(Disagreement(name, one.trace_id, f"the span store has not followed yet ({one.action}){why}", False))
        persistent: set[str] = set()
        unkept: set[str] = set()
        async for part in _records(stores, name):
            count += len(part)
            persistent.update(trace_id for trace_id, is_kept in part.items() if is_kept)
            missing = await stores.spans.missing(name, list(part))
            still = {row.trace_id for row in await stores.traces.several(name, sorted(missing))}  # a prune may have been faster
            lost = still - waiting.keys()
            found += [Disagreement(name, trace_id, LOST, False) for trace_id in sorted(lost)]
            kept = [trace_id for trace_id, is_kept in part.items() if is_kept and trace_id not in waiting]
            unkept.update(await stores.spans.unkept(name, kept) - lost if kept else ())
        marked = await stores.spans.marked(name)
        suspects = sorted((persistent ^ marked | unkept) - waiting.keys())
        for trace_id, is_persistent in (await _levels(stores, name, suspects)).items():
            if is_persistent == (trace_id in marked) and not (is_persistent and trace_id in unkept):
                continue
            if repair and (digests := await stores.spans.mark(name, trace_id, persistent=is_persistent)):
                await stores.outbox.note(Copied(name, trace_id, digests))
            problem = "persistent, but the span store does not know" if is_persistent else "marked without reason"
            found.append(Disagreement(name, trace_id, problem, repair))
        strays = await stores.spans.strays(name, before_ns=now_ns - _SETTLED_NS, delete=repair)
        found += [Disagreement(name, trace_id, "spans without a record", repair) for trace_id in sorted(strays - waiting.keys())]
        golden = sorted({sample.trace_id for sample in await stores.baselines.samples(name)})
        known = {row.trace_id for row in await stores.traces.several(name, golden)}
        found += [Disagreement(name, one, "a golden sample without a record", False) for one in golden if one not in known]
    return Examination(count, tuple(found))


LOST = "its spans are lost"


async def _levels(stores: Stores, project: str, trace_ids: list[str]) -> dict[str, bool]:
    """Trace id → persistent, as the records say now: servers go on while the stores are read, and what one of them promoted or demoted
    meanwhile is no disagreement. What has work pending is left out."""
    found = {row.trace_id: row for row in await stores.traces.several(project, trace_ids)}
    settled = [trace_id for trace_id in trace_ids if trace_id not in found or found[trace_id].state == "done"]
    return {trace_id: trace_id in found and found[trace_id].persistent for trace_id in settled}


async def _records(stores: Stores, project: str) -> AsyncIterator[dict[str, bool]]:
    """Trace id → persistent, in parts, newest first."""
    query = TraceQuery(limit=_AT_ONCE)
    while True:
        page = await stores.traces.page(project, query)
        rows = await stores.traces.several(project, page.trace_ids)
        yield {row.trace_id: row.persistent for row in rows}
        if not page.more:
            return
        query = msgspec.structs.replace(query, after=page.cursors[-1])
