"""The span store follows the record store: outbox entries are applied until they are done, by any server, in any order."""

import asyncio

import structlog

from gate.errors import GateError
from gate.store.protocols import Stores
from gate.store.values import Work

_AT_ONCE = 500
_RETRY_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Follower:
    """Applies outbox entries: at once when asked, and in the background for what failed or was left by a crash."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what an earlier server left."""
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def close(self) -> None:
        """Stop; what is pending stays in the outbox."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def follow(self, project: str, trace_id: str) -> str:
        """Apply this trace's entries now: `done`, or `pending` when the span store could not."""
        return await self._apply(await self._stores.outbox.pending(limit=_AT_ONCE, project=project, trace_id=trace_id))

    async def drain(self, project: str) -> str:
        """Apply all entries of a project, likewise."""
        while work := await self._stores.outbox.pending(limit=_AT_ONCE, project=project):
            if await self._apply(work) == "pending":
                return "pending"
        return "done"

    async def _apply(self, work: tuple[Work, ...]) -> str:
        deletions = [one for one in work if one.action == "delete"]
        marks = [one for one in work if one.action == "mark"]
        try:
            for one in marks:
                await self._stores.spans.mark(one.project, one.trace_id, persistent=one.persistent)
            for project, before_ns in {(one.project, one.before_ns) for one in deletions}:
                mine = [one.trace_id for one in deletions if (one.project, one.before_ns) == (project, before_ns)]
                await self._stores.spans.delete(project, mine, before_ns=before_ns)
        except GateError as error:
            _log.warning("the span store could not follow", entries=len(work), error=str(error))
            self._wake.set()
            return "pending"
        await self._stores.outbox.done(work)
        return "done"

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while work := await self._stores.outbox.pending(limit=_AT_ONCE):
                    if await self._apply(work) == "pending":
                        break
            except GateError as error:
                _log.warning("the outbox cannot be read", error=str(error))
                self._wake.set()
            await asyncio.sleep(_RETRY_SECONDS)
