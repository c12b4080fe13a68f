"""From stored bytes to flows: what judging and promoting look at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import NoReturn, TypeVar

from gate.codec.assemble import build_traces
from gate.codec.otlp_protobuf import decode_spans
from gate.errors import Conflict, NotFound
from gate.model.flow import Flow
from gate.model.trace import ProblemKind, Trace
from gate.normalize import normalize
from gate.store.protocols import Stores
from gate.store.values import Keeping

_AT_ONCE = 100
"""Traces decoded together: bounds memory for runs of thousands."""
_SMALL = 16 * 1024
"""Bytes whose flows are there in about a millisecond."""

Result = TypeVar("Result")


async def load_traces(stores: Stores, project: str, trace_ids: Sequence[str]) -> tuple[Trace, ...]:
    """The assembled traces, in this order. NotFound for an unknown trace; Conflict when the span store has none of a trace's
    spans: the record says that they were stored, so an empty answer would be a lie."""
    loaded: list[Trace] = []
    async for stored in _stored(stores, project, trace_ids):
        loaded += await _aside(_assemble, stored)
    return tuple(loaded)


async def load_flows(stores: Stores, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[Flow, ...]]:
    """The flows of each trace. Raises likewise."""
    flows: dict[str, tuple[Flow, ...]] = {}
    async for stored in _stored(stores, project, trace_ids):
        flows.update(await _aside(_flows, stored))
    return flows


async def load_flows_keeping(stores: Stores, project: str, trace_id: str) -> tuple[tuple[Flow, ...], Keeping]:
    """The flows of a trace that is likely to become persistent, and its copies, which are written while they are made. Raises likewise."""
    (stored,) = [bodies async for bodies in _stored(stores, project, [trace_id])]
    keeping = await stores.spans.keep(project, [trace_id])
    return (await _aside(_flows, stored))[trace_id], keeping


async def load_flows_of_each(
    stores: Stores, project: str, trace_ids: Sequence[str]
) -> tuple[dict[str, tuple[Flow, ...]], dict[str, str]]:
    """As `load_flows`, of the traces that have any, and why the others have none: their spans are lost, or they were pruned."""
    try:
        return await load_flows(stores, project, trace_ids), {}
    except (Conflict, NotFound) as error:
        if len(trace_ids) == 1:
            return {}, {trace_ids[0]: error.detail}
    flows: dict[str, tuple[Flow, ...]] = {}
    why: dict[str, str] = {}
    for trace_id in trace_ids:
        of_one, lost = await load_flows_of_each(stores, project, [trace_id])
        flows |= of_one
        why |= lost
    return flows, why


async def must_be_pruned(stores: Stores, project: str, trace_id: str) -> NoReturn:
    """Why the span store has not all of a trace: NotFound when a prune was faster, else Conflict, for they are lost."""
    await stores.traces.one(project, trace_id)
    raise Conflict(
        f"The spans of trace {trace_id} are missing in the span store, though its record is there.",
        hint="Restore the span store, or let retention delete the record; `spangate doctor` lists all such traces.",
    )


def is_incomplete(flows: Iterable[Flow]) -> bool:
    """Whether a span names a parent that never arrived."""
    return any(problem.kind == ProblemKind.ORPHAN for flow in flows for problem in flow.problems)


async def _stored(stores: Stores, project: str, trace_ids: Sequence[str]) -> AsyncIterator[list[tuple[bytes, ...]]]:
    """The bodies of each trace, in parts."""
    for start in range(0, len(trace_ids), _AT_ONCE):
        part = trace_ids[start : start + _AT_ONCE]
        bodies = await stores.spans.read(project, part)
        for trace_id in part:
            if not bodies.get(trace_id):
                await must_be_pruned(stores, project, trace_id)
        yield [bodies[trace_id] for trace_id in part]


async def _aside(work: Callable[[list[tuple[bytes, ...]]], Result], stored: list[tuple[bytes, ...]]) -> Result:
    """Work in a thread, unless it is done before another request would notice."""
    if sum(len(body) for bodies in stored for body in bodies) < _SMALL:
        return work(stored)
    return await asyncio.to_thread(work, stored)


def _assemble(stored: list[tuple[bytes, ...]]) -> list[Trace]:
    return [build_traces(span for body in bodies for span in decode_spans(body))[0] for bodies in stored]


def _flows(stored: list[tuple[bytes, ...]]) -> dict[str, tuple[Flow, ...]]:
    return {trace.trace_id: normalize(trace) for trace in _assemble(stored)}
