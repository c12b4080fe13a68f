"""What clients do with Spangate, and what they may rely on afterwards.

Everything is repeated until it is acknowledged; what was acknowledged is remembered, and looked for at the end.
"""

import asyncio
import itertools
from typing import Any, NamedTuple

from gate.model.trace import Span
from tests.faults.client import Client
from tests.faults.spangate import Spangate
from tests.faults.within import within
from tests.unit.service.story import persist_trace

RETENTION_DAYS = 30
_ENVIRONMENT = "judged"
"""Of runs: what is promoted elsewhere must not change how they are judged."""
_SETTLED = 300
"""Seconds in which what is pending must be done, once nothing is wrong any more."""


class Judged(NamedTuple):
    """A verdict without what differs from run to run."""

    conclusion: str
    findings: tuple[str, ...]
    """Fingerprints."""


class Expired(Exception):
    """Retention was faster than the client, whose server died again and again: what it worked at is gone."""


class Workload:
    """On one project. `clean`: what its two kinds of run, good and bad, are judged when nothing is wrong."""

    def __init__(self, client: Client, server: Spangate) -> None:
        self.client = client
        self.clean: dict[bool, Judged] = {}
        self.verdicts: list[tuple[bool, Judged]] = []
        self._server = server
        self._gone = 0
        self._runs: dict[str, float] = {}
        """The server's day when each began."""
        self._numbers = itertools.count(1)
        self._spans: dict[str, set[str]] = {}
        """Acknowledged spans by trace, but for"""
        self._expired: dict[str, set[str]] = {}
        """those that retention may have deleted before the others of the same trace arrived,"""
        self._day: dict[str, float] = {}
        """the server's day when the trace got its last one,"""
        self._golden: dict[str, bool] = {}
        """and what was acknowledged last: promoted, or demoted."""

    async def begin(self) -> None:
        """Make the project and its baseline: two golden traces of the flow that runs are judged by."""
        await self.client.api("POST", "/projects?project=default", json={"name": self.client.project}, fine=(201, 409))
        await self.client.api("POST", "/runs", json={"id": "golden", "environment": _ENVIRONMENT})
        for _ in range(2):
            await self.promote(await self.deliver(persist_trace(next(self._numbers)), "golden"))

    async def learn_clean_verdicts(self) -> None:
        """While nothing is wrong."""
        self.clean = {good: await self.judge(await self.record(good), good) for good in (True, False)}
        assert self.clean[True] == Judged("pass", ()), self.clean
        assert self.clean[False].conclusion == "fail", self.clean
        assert self.clean[False].findings, self.clean

    async def deliver(self, spans: list[Span], run: str = "") -> str:
        """A trace in two export requests; its id."""
        began = self._runs.get(run, self._server.day)
        for part in (spans[:2], spans[2:]):
            if part:
                day = self._server.day
                if not await self.client.send(part, run):
                    assert began <= self._server.day - RETENTION_DAYS, (run, began, self._server.day)
                    raise Expired
                trace = part[0].trace_id
                halved = trace in self.pruned()
                if halved:  # between its parts: the second may have made a new trace
                    self._expired[trace] = self._spans.pop(trace)
                self._spans.setdefault(trace, set()).update(span.span_id for span in part)
                self._day[trace] = day
                if halved:
                    raise Expired
        return spans[0].trace_id

    async def keep(self) -> str:
        """Deliver one trace that belongs to no run and no baseline."""
        number = next(self._numbers)
        return await self.deliver(persist_trace(number, case=f"case {number}"))

    async def record(self, good: bool) -> str:
        """A run with two traces, not finished yet; its id. A bad one lacks the two updates."""
        number = next(self._numbers)
        run = f"{'good' if good else 'bad'}-{number}"
        self._runs[run] = self._server.day
        await self.client.api("POST", "/runs", json={"id": run, "environment": _ENVIRONMENT})
        for _ in range(2):
            await self.deliver(persist_trace(next(self._numbers), good=good), run)
        return run

    async def judge(self, run: str, good: bool) -> Judged:
        """Finish a run, and wait for its verdict."""
        await self.client.api("POST", f"/runs/{run}/finish", fine=(200, 404), json={"expect_traces": 2})
        verdict = await self.client.api("GET", f"/runs/{run}/verdict?wait=5", fine=(200, 404))
        if "conclusion" not in verdict:
            assert self._runs[run] <= self._server.day - RETENTION_DAYS, (run, self._runs[run], self._server.day, verdict)
            raise Expired
        judged = Judged(verdict["conclusion"], tuple(sorted(finding["fingerprint"] for finding in verdict["findings"])))
        self.verdicts.append((good, judged))
        if judged.conclusion == "inconclusive":
            print(f"{run} is inconclusive: {verdict['reasons']}")
        return judged

    async def promote(self, trace: str) -> None:
        """Acknowledged: the record is written; the span store follows."""
        answer = await self.client.api("POST", f"/traces/{trace}/promote", fine=(200, 404))
        if answer.get("status") == 404:
            assert trace in self.pruned(), (answer, self._known_of(trace))
            raise Expired
        assert answer["state"] in ("done", "pending"), answer
        self._golden[trace] = True

    async def demote(self, trace: str) -> None:
        """Likewise."""
        answer = await self.client.api("POST", f"/traces/{trace}/demote", fine=(200, 404))
        self._golden[trace] = False
        if answer.get("status") == 404:  # it was done, the answer was lost, and retention came before the repetition
            assert trace in self.pruned(), (answer, self._known_of(trace))
            raise Expired
        assert answer["state"] in ("done", "pending"), answer

    async def prune(self) -> int:
        """How many traces one call deleted; a call whose answer was lost may have deleted others."""
        return (await self.client.api("POST", "/prune", json={}))["traces"]

    async def check(self) -> None:
        """What was acknowledged is there, no promotion is half done, no verdict is wrong. Call it when nothing is wrong any more."""
        golden = await self.settled()
        samples = {sample["trace_id"] for one in await self.client.api("GET", "/baselines") for sample in one["samples"]}
        assert samples == golden, self._difference(samples, golden)
        for trace, spans in self._spans.items():
            await self._check_trace(trace, spans, golden)
        for good, judged in self.verdicts:
            assert judged in (self.clean[good], Judged("inconclusive", ())), (good, judged, self.clean[good])

    def pruned(self) -> set[str]:
        """Traces that retention may have deleted by now."""
        return {trace for trace, day in self._day.items() if day <= self._server.day - RETENTION_DAYS}

    def is_golden(self, trace: str) -> bool:
        """Whether a promotion was acknowledged last."""
        return self._golden.get(trace, False)

    def counts(self) -> tuple[int, int, int]:
        """Traces that were acknowledged, that are golden, that retention deleted."""
        return len(self._spans), sum(self._golden.values()), self._gone

    @property
    def inconclusive(self) -> int:
        """Verdicts that say that they could not be made."""
        return sum(judged.conclusion == "inconclusive" for _, judged in self.verdicts)

    async def settled(self) -> set[str]:
        """What is old is deleted, exactly the golden traces are persistent, and the span store has followed; these traces."""
        golden = {trace for trace, is_golden in self._golden.items() if is_golden}
        pending: dict[str, Any] = {"prune": "not asked"}
        async with within(_SETTLED, lambda: f"the span store follows: {pending}"):
            while pending:
                # Of traces that are deleted no row says that the span store has still to follow.
                pruned = await self.client.api("POST", "/prune", json={})
                found = set(await self._listed("persistent=true"))
                assert found == golden, self._difference(found, golden)
                everything = await self._listed("")
                pending = {trace: row for trace, row in everything.items() if row["state"] != "done"}
                if pruned["state"] != "done":
                    pending["prune"] = pruned
                if pending:
                    await asyncio.sleep(0.2)
        marked = {trace for trace, row in everything.items() if row["baseline"]}
        assert marked == golden, self._difference(marked, golden)
        return golden

    def _difference(self, found: set[str], golden: set[str]) -> str:
        """For a person: which traces are golden without reason, which are not, and what is known of them."""
        more, less = ({trace: self._known_of(trace) for trace in sorted(some)} for some in (found - golden, golden - found))
        return f"golden, though nothing says so: {more}; not golden: {less}"

    def _known_of(self, trace: str) -> str:
        """For a person."""
        spans, day, golden = (known.get(trace, "unknown") for known in (self._spans, self._day, self._golden))
        return f"{trace}: spans {spans}, on day {day} of {self._server.day}, golden {golden}"

    async def _listed(self, query: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        after = ""
        while True:
            page = await self.client.api("GET", f"/traces?limit=500&{query}&after={after}")
            found.update({row["trace_id"]: row for row in page["traces"]})
            after = page["next"]
            if not after:
                return found

    async def _check_trace(self, trace: str, spans: set[str], golden: set[str]) -> None:
        answer = await self.client.until("GET", f"/api/v1/traces/{trace}?format=otlp", fine=(200, 404))
        if answer.status_code == 404:
            assert trace not in golden, f"golden and lost: {self._known_of(trace)}"
            assert trace in self.pruned(), f"lost: {self._known_of(trace)}"
            self._gone += 1
            return
        stored = [
            span["spanId"]
            for resource in answer.json()["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]
        assert len(stored) == len(set(stored)), (trace, stored)
        there = set(stored)
        assert spans <= there <= spans | self._expired.get(trace, set()), (trace, there, spans, self._expired.get(trace))


async def check_doctor(server: Spangate) -> None:
    """Both stores agree; all that a stop between them may leave are spans that nobody sees, and those are repaired."""
    _, found = await server.doctor()
    wrong = [line for line in found if "spans without a record" not in line]
    assert wrong == [], wrong
    if found:
        await server.doctor("--repair")
        left = await server.doctor()
        assert left == (0, []), (found, left)
