"""Bulk requests by size: what waits is sent together, and a part of it that fails fails alone."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from elasticsearch import ApiError

from gate.errors import GateError, Overloaded, Unavailable
from gate.store.elasticsearch.cluster import RIGHTS, Cluster, reason_of
from gate.store.waiting import resolve, this_task

BYTES = 8 * 1024 * 1024
"""Of one request; a larger document goes alone."""
AT_ONCE = 4
"""Requests on their way: while the cluster syncs one to its disk, it indexes others. Two keep it waiting: 5 % fewer spans a second."""
_TRIES = 4
_BUSY = 429
_FORBIDDEN = 403


class Action(NamedTuple):
    """One line of a bulk request: a document to write under its id, or (without a source) to delete."""

    into: str
    """An index."""
    id: str
    source: bytes | None = None


class Bulk:
    """Sends actions. Returns when the cluster has them on disk."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._waiting: list[_Part] = []
        self._senders: set[asyncio.Task[None]] = set()

    async def send(self, actions: Sequence[Action]) -> int:
        """Do all of it; returns how many documents were there and were deleted, or were written.

        Raises Unavailable when any of it was refused: what was done stays, and is done again without harm. Overloaded when the
        cluster had no room for it in several tries."""
        parts = [_Part(part, size, asyncio.get_running_loop().create_future()) for part, size in _parts(actions)]
        self._waiting += parts
        while len(self._senders) < min(AT_ONCE, len(self._waiting)):
            self._senders.add(asyncio.create_task(self._drain()))
        outcomes = await asyncio.gather(*[part.done for part in parts], return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return sum(outcome for outcome in outcomes if isinstance(outcome, int))

    async def _drain(self) -> None:
        try:
            await self._send_all()
        finally:
            # In the same step as the last look at what waits: a callback would come later, and what is sent in between would
            # take this task for one that still sends, and wait for ever.
            self._senders.remove(this_task())

    async def _send_all(self) -> None:
        while self._waiting:
            size, count = 0, 0
            while count < len(self._waiting) and (not count or size + self._waiting[count].size <= BYTES):
                size += self._waiting[count].size
                count += 1
            parts, self._waiting = self._waiting[:count], self._waiting[count:]
            try:
                outcomes = await self._outcomes(parts)
            except Exception as error:
                # All who wait are told at once: else each request would wait as long, and their documents would pile up.
                parts, self._waiting = parts + self._waiting, []
                outcomes = [_copy(error) for _ in parts]
            for part, outcome in zip(parts, outcomes, strict=True):
                resolve(part.done, outcome)

    async def _outcomes(self, parts: "list[_Part]") -> list[int | Exception]:
        """What each part came to. Raises when the request as a whole failed."""
        open_ = {(which, position) for which, part in enumerate(parts) for position in range(len(part.actions))}
        outcomes: list[int | Exception] = [0] * len(parts)
        for attempt in range(1, _TRIES + 1):
            order = sorted(open_)
            lines: list[Any] = [line for which, position in order for line in _lines(parts[which].actions[position])]
            busy, items = await self._answers(lines)
            for identity, item in zip(order, items, strict=not busy):
                result = next(iter(item.values()))
                outcome = outcomes[identity[0]]
                if result["status"] == _BUSY and "block" not in reason_of(result):
                    busy = reason_of(result)
                    continue
                open_.discard(identity)
                if "error" in result:
                    outcomes[identity[0]] = self._refused(result)
                elif isinstance(outcome, int):
                    outcomes[identity[0]] = outcome + (result["result"] != "not_found")
            if not open_:
                return outcomes
            if attempt == _TRIES:
                problem = Overloaded(
                    f"Elasticsearch at {self._cluster.where} has no room for more: {busy}.", hint="Send it again."
                )
                for which, _ in open_:
                    outcomes[which] = problem
            else:
                await asyncio.sleep(0.05 * 4**attempt)
        return outcomes

    async def _answers(self, lines: list[Any]) -> tuple[str, list[dict[str, Any]]]:
        """The answer to each line; or why there is no room for any."""
        try:
            answer = await self._cluster.ask(self._cluster.prompt.bulk(operations=lines, filter_path=_WANTED))
        except Unavailable as error:
            cause = error.__cause__
            if isinstance(cause, ApiError) and cause.status_code == _BUSY and "block" not in reason_of(cause.body):
                return reason_of(cause.body), []
            raise
        return "", answer["items"]

    def _refused(self, result: dict[str, Any]) -> Exception:
        reason = reason_of(result)
        problem, hint = f"refuses a document ({result['status']}): {reason}", "Nothing was acknowledged; try again."
        if "block" in reason:
            hint = "Nothing was acknowledged. Give it disk space, or remove the block."
        elif result["status"] == _FORBIDDEN:  # to write is: it may still be allowed to ask
            problem, hint = f"forbids it: {reason}", RIGHTS
        return Unavailable(f"Elasticsearch at {self._cluster.where} {problem}.", hint=hint)


_WANTED = "items.*.status,items.*.result,items.*.error.type,items.*.error.reason"


def _copy(error: Exception) -> Exception:
    return type(error)(error.detail, hint=error.hint) if isinstance(error, GateError) else error


class _Part(NamedTuple):
    actions: list[Action]
    size: int
    done: "asyncio.Future[int]"


def _parts(actions: Sequence[Action]) -> list[tuple[list[Action], int]]:
    parts: list[tuple[list[Action], int]] = []
    for action in actions:
        size = len(action.source or b"") + 200
        if parts and parts[-1][1] + size <= BYTES:
            parts[-1][0].append(action)
            parts[-1] = (parts[-1][0], parts[-1][1] + size)
        else:
            parts.append(([action], size))
    return parts


def _lines(action: Action) -> list[bytes]:
    target = {"_index": action.into, "_id": action.id}
    if action.source is None:
        return [msgspec.json.encode({"delete": target})]
    return [msgspec.json.encode({"index": target}), action.source]
