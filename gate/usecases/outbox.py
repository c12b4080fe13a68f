"""The span store follows the record store: outbox entries are applied until they are done, by any server, in any order."""

import asyncio
from collections.abc import Sequence

import structlog

from gate.errors import GateError, Overloaded
from gate.store.protocols import Stores
from gate.store.values import Claim, Copied, Work

_AT_ONCE = 5_000
"""Entries of one claim: the span store deletes so many traces with the requests that it needs for one."""
_TOGETHER = 4
"""Traces marked at the same time: they share requests, and leave connections to others."""
_RETRY_SECONDS = 5.0
"""How often to look for what failed, or what another server left when it stopped."""

_log = structlog.get_logger(__name__)


class Follower:
    """Applies outbox entries: at once when asked, and in the background for what failed or was left by a crash."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what an earlier server left."""
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def close(self) -> None:
        """Stop; what is pending stays in the outbox."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def follow(self, project: str, trace_id: str) -> str:
        """Apply this trace's entries now: `done`, or `pending` when the span store could not."""
        return await self.drain(project, trace_id)

    async def follow_all(self, project: str, trace_ids: Sequence[str]) -> dict[str, str]:
        """Likewise for several traces. Those at which another server is are `pending`: they are not waited for."""
        if len(trace_ids) == 1:
            return {trace_ids[0]: await self.follow(project, trace_ids[0])}
        if not trace_ids or await self.drain(project) == "done":
            return dict.fromkeys(trace_ids, "done")
        try:
            return {one.trace_id: one.state for one in await self._stores.traces.several(project, trace_ids)}
        except GateError:
            return dict.fromkeys(trace_ids, "pending")

    async def drain(self, project: str = "", trace_id: str = "") -> str:
        """Apply all entries (of a project, of a trace), likewise."""
        try:
            while True:
                async with self._stores.outbox.claim(limit=_AT_ONCE, project=project, trace_id=trace_id) as claim:
                    claimed = len(claim.work)
                    failed = await self._apply(claim)
                if failed:
                    await self._note(failed)
                    return "pending"
                if trace_id:  # its entries were waited for: whoever makes a new one follows it
                    return "done"
                if not await self._stores.outbox.pending(limit=1, project=project):
                    return "done"
                if not claimed:  # another server is at them
                    return "pending"
        except GateError as error:
            _log.warning("the outbox cannot be worked off", error=str(error))
            return "pending"

    async def _apply(self, claim: Claim) -> list[tuple[Work, str]]:
        """Apply entries; takes those that could not be out of the claim, and returns them with the reason."""
        work = claim.work
        failed: dict[int, str] = {}
        away = ""
        for (project, action, before_ns), group in _groups(work).items():
            parts = [group] if action == "delete" else _by_trace(group)
            for start in range(0, len(parts), _TOGETHER):
                together = parts[start : start + _TOGETHER]
                if away:
                    failed.update({one.id: away for part in together for one in part})
                    continue
                errors = await asyncio.gather(*[self._follow(claim, project, action, before_ns, part) for part in together])
                for part, error in zip(together, errors, strict=True):
                    if error is not None:
                        failed.update({one.id: str(error) for one in part})
                        # One entry that cannot be applied must not keep back the others; a store that is away keeps back all.
                        away = str(error) if isinstance(error, Overloaded) else away
        gone = [(one, failed[one.id]) for one in work if one.id in failed]
        work[:] = [one for one in work if one.id not in failed]
        return gone

    async def _follow(self, claim: Claim, project: str, action: str, before_ns: int, part: list[Work]) -> GateError | None:
        try:
            if action == "delete":
                await self._stores.spans.delete(project, [one.trace_id for one in part], before_ns=before_ns)
            else:
                trace_id = part[0].trace_id
                if digests := await self._stores.spans.mark(project, trace_id, persistent=part[0].persistent):
                    claim.copied.append(Copied(project, trace_id, digests))
        except GateError as error:
            return error
        return None

    async def _note(self, failed: list[tuple[Work, str]]) -> None:
        _log.warning("the span store could not follow", entries=len(failed), error=failed[0][1])
        for reason in dict.fromkeys(reason for _, reason in failed):
            await self._stores.outbox.failed([one for one, why in failed if why == reason], reason)

    async def _run(self) -> None:
        while True:
            try:
                await self.drain()
            except Exception:  # nobody else would go on
                _log.exception("the outbox cannot be worked off")
            await asyncio.sleep(_RETRY_SECONDS)


def _groups(work: list[Work]) -> dict[tuple[str, str, int], list[Work]]:
    grouped: dict[tuple[str, str, int], list[Work]] = {}
    for one in work:
        grouped.setdefault((one.project, one.action, one.before_ns), []).append(one)
    return grouped


def _by_trace(work: list[Work]) -> list[list[Work]]:
    grouped: dict[str, list[Work]] = {}
    for one in work:
        grouped.setdefault(one.trace_id, []).append(one)
    return list(grouped.values())
