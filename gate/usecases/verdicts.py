"""Verdicts of finished runs: made in the background once a run is complete, again when something new makes them stale.

Everything that decides is in the stores, so a restarted server, or another one, goes on where this one stopped.
"""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import msgspec
import structlog

from gate.errors import GateError, Overloaded
from gate.model.flow import Flow, RunFlows
from gate.model.run import Run, RunState
from gate.model.verdict import Comparison, Conclusion, Verdict
from gate.store.protocols import Stores
from gate.store.values import Activity, StoredVerdict
from gate.usecases.completion import Moment, Patience, wait_ns
from gate.usecases.judging import Judge
from gate.usecases.stored_verdict import decode_comparisons, decode_verdict, encode_comparisons, encode_verdict

_POLL_SECONDS = 1.0
"""How often to look for spans that another server received."""
_LATE = "late data"

Name = tuple[str, str]
"""Project and run id."""
Judged = Callable[[Run, Verdict, RunFlows], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Verdicts:
    """One background watch at most per run. `clock` gives nanoseconds since the epoch; `judged` is called before a first verdict
    is stored."""

    def __init__(self, stores: Stores, *, clock: Callable[[], int], patience: Patience, judged: Judged) -> None:
        self._stores = stores
        self._clock = clock
        self._patience = patience
        self._judged = judged
        self.judge = Judge(stores)
        self._watches: dict[Name, asyncio.Task[None]] = {}
        self._arrived: dict[Name, asyncio.Event] = {}
        self._changed = asyncio.Condition()
        self._ending = False
        self._finished: dict[Name, None] = {}
        self._locks: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()  # there while somebody has or awaits it

    async def resume(self) -> None:
        """Watch what was finished but not judged when the last server stopped."""
        for run in await self._stores.runs.unjudged():
            self.watch(run.project, run.run)

    def watch(self, project: str, run_id: str) -> None:
        """Judge the run when it is complete. A run that is watched already is not watched twice."""
        name = (project, run_id)
        self._finished.pop(name, None)
        self._finished[name] = None
        while len(self._finished) > 10_000:
            self._finished.pop(next(iter(self._finished)))
        if name not in self._watches:
            self._arrived[name] = asyncio.Event()
            task = asyncio.create_task(self._watch(name), name=f"judge {run_id}")
            self._watches[name] = task
            task.add_done_callback(lambda _: self._forget(name))

    def arrived(self, project: str, runs: frozenset[str]) -> None:
        """New spans were stored for these runs: look again, also at those that have a verdict."""
        for run_id in runs:
            if event := self._arrived.get((project, run_id)):
                event.set()
            elif (project, run_id) in self._finished:
                self.watch(project, run_id)

    async def verdict(self, project: str, run_id: str, *, wait: float) -> Verdict | None:
        """The verdict, waiting up to `wait` seconds for the first one or for one that is being made again."""
        deadline = asyncio.get_running_loop().time() + wait
        while True:
            stored, current = await self._current(project, run_id)
            left = deadline - asyncio.get_running_loop().time()
            if current or left <= 0 or self._ending:
                return decode_verdict(stored.verdict) if stored else None
            await self._next_change(min(left, _POLL_SECONDS))

    async def comparisons(self, project: str, run_id: str) -> tuple[Verdict, tuple[Comparison, ...]] | None:
        """The verdict with all that it was made of; None while there is none."""
        stored, _ = await self._current(project, run_id)
        if stored is None:
            return None
        return decode_verdict(stored.verdict), await asyncio.to_thread(decode_comparisons, stored.comparisons)

    async def decide(self, project: str, run_id: str, decide: Callable[[Verdict], Awaitable[bool]]) -> Verdict | None:
        """Let `decide` decide about the present verdict (it says whether that changed anything), then judge the same comparisons
        again. None while there is no verdict."""
        async with self._lock((project, run_id)):
            stored = await self._stores.runs.verdict(project, run_id)
            if stored is None:
                return None
            verdict = decode_verdict(stored.verdict)
            revision = stored.activity.revision + await decide(verdict)
            activity = await self._stores.runs.activity(project, run_id)
            comparisons = await asyncio.to_thread(decode_comparisons, stored.comparisons)
            renewed = await self.judge.again(project, verdict, comparisons)
            seen = stored.activity
            if activity.revision == revision:  # else others changed more, of which it is not made: it does not stand
                seen = msgspec.structs.replace(seen, revision=revision)
            await self._save(project, run_id, StoredVerdict(seen, encode_verdict(renewed), stored.comparisons), renewed)
        return renewed

    async def stop_waiting(self) -> None:
        """Nobody waits for a verdict any longer."""
        self._ending = True
        async with self._changed:
            self._changed.notify_all()

    async def judge_again(self, project: str, run_id: str, *, by: str) -> None:
        """Compare and judge from what is stored now, in the background. Raises NotFound, and Conflict without a verdict."""
        await self._stores.runs.make_stale(project, run_id, by=by, now_ns=self._clock())
        self.watch(project, run_id)

    async def close(self) -> None:
        """Stop watching; what is not judged is resumed by the next server."""
        tasks = list(self._watches.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _current(self, project: str, run_id: str) -> tuple[StoredVerdict | None, bool]:
        """The stored verdict, and whether it stands. One that does not is made again in the background."""
        run = await self._stores.runs.one(project, run_id)
        if run.state != RunState.FINISHED:
            return None, False
        stored = await self._stores.runs.verdict(project, run_id)
        activity = await self._stores.runs.activity(project, run_id)
        if not _stands(stored, activity):
            self.watch(project, run_id)
            return stored, False
        self._finished[project, run_id] = None
        return stored, True

    async def _next_change(self, seconds: float) -> None:
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _watch(self, name: Name) -> None:
        while True:
            try:
                return await self._complete_or_give_up(*name)
            except Overloaded as error:
                _log.warning("cannot judge yet", project=name[0], run=name[1], error=str(error))
                await asyncio.sleep(error.retry_after)
            except GateError as error:  # retention was faster: there is no run any more to give up
                return _log.warning("cannot judge", project=name[0], run=name[1], error=str(error))

    async def _complete_or_give_up(self, project: str, run_id: str) -> None:
        """Raises Overloaded: a store is away, which says nothing about the run."""
        try:
            await self._complete(project, run_id)
        except Overloaded:
            raise
        except GateError as error:
            await self._give_up(project, run_id, str(error))
        except Exception:
            _log.exception("judging failed", project=project, run=run_id)
            await self._give_up(project, run_id, "judging failed inside Spangate; its log has the reason")

    async def _complete(self, project: str, run_id: str) -> None:
        run = await self._stores.runs.one(project, run_id)
        expected, finished_ns = await self._stores.runs.expected(project, run_id)
        known: dict[str, tuple[int, tuple[Flow, ...]]] = {}
        event = self._arrived[project, run_id]
        while True:
            event.clear()
            stored = await self._stores.runs.verdict(project, run_id)
            activity = await self._stores.runs.activity(project, run_id)
            if _stands(stored, activity):
                return  # who had it made asked before it was stored
            late = stored is not None and activity.is_newer(stored.activity)
            evidence = await self.judge.gather(run, known)
            unsettled = await self.judge.unsettled(evidence)
            moment = Moment(self._clock(), finished_ns, activity, expected, late)
            seconds = wait_ns(moment, unsettled, self._patience) / 1e9
            if stored is not None and not late:
                seconds = 0.0
            if seconds <= 0:
                break
            try:
                async with asyncio.timeout(min(seconds, _POLL_SECONDS)):
                    await event.wait()
            except TimeoutError:
                continue
        async with self._lock((project, run_id)):
            verdict, comparisons = await self.judge.judge(evidence, expected=expected, notes=_notes(stored, activity))
            if stored is None:
                # Before the verdict is seen, so that who has seen it finds the baselines changed; repeated after a crash.
                await self._judged(run, verdict, evidence.flows)
            blobs = await asyncio.to_thread(lambda: (encode_verdict(verdict), encode_comparisons(comparisons)))
            await self._save(project, run_id, StoredVerdict(activity, *blobs), verdict)

    async def _give_up(self, project: str, run_id: str, reason: str) -> None:
        activity = await self._stores.runs.activity(project, run_id)
        verdict = Verdict(Conclusion.INCONCLUSIVE, (), (), (reason,))
        stored = StoredVerdict(activity, encode_verdict(verdict), encode_comparisons(()))
        await self._save(project, run_id, stored, verdict)

    async def _save(self, project: str, run_id: str, stored: StoredVerdict, verdict: Verdict) -> None:
        conclusion = verdict.conclusion.value
        await self._stores.runs.save_verdict(project, run_id, stored, conclusion=conclusion, now_ns=self._clock())
        async with self._changed:
            self._changed.notify_all()

    def _forget(self, name: Name) -> None:
        self._watches.pop(name, None)
        if (event := self._arrived.pop(name, None)) and event.is_set():
            self.watch(*name)  # Spans came after the last look.

    def _lock(self, name: Name) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def _stands(stored: StoredVerdict | None, activity: Activity) -> bool:
    return stored is not None and activity.revision == stored.activity.revision and not activity.is_newer(stored.activity)


def _notes(stored: StoredVerdict | None, activity: Activity) -> tuple[str, ...]:
    """What a reader must know of a verdict that was made again."""
    if stored is None:
        return ()
    before = tuple(reason for reason in decode_verdict(stored.verdict).reasons if reason.startswith(_LATE))
    if not activity.is_newer(stored.activity):
        return before
    more = activity.spans - stored.activity.spans  # not above 0 when retention deleted others meanwhile
    return (f"{_LATE}: {f'{more} spans' if more > 0 else 'spans'} arrived after the verdict, which was made again",)
