"""Bulk requests: what waits together is told together, and nobody waits for ever."""

import asyncio
from typing import Any

import pytest

from gate.errors import Unavailable
from gate.store.elasticsearch.bulk import AT_ONCE, BYTES, Action, Bulk


class Answers:
    """A cluster that answers as `answer` says; it counts the requests."""

    where = "here"

    def __init__(self) -> None:
        self.prompt = self
        self.requests = 0

    def bulk(self, *, operations: list[Any], filter_path: str) -> int:
        return len(operations) // 2

    async def ask(self, call: int) -> dict[str, Any]:
        self.requests += 1
        await self.answer()
        return {"items": [{"index": {"status": 201, "result": "created"}}] * call}

    async def answer(self) -> None:
        """Before the answer arrives."""


async def test_what_comes_while_a_sender_ends_is_sent():
    """A document that is handed over in the very moment in which the last request's answer is given out does not wait for a
    sender that has ended."""
    late: list[asyncio.Task[int]] = []

    class Ending(Answers):
        async def answer(self) -> None:
            if not late:
                late.append(asyncio.create_task(bulk.send([Action("i", "2", b"{}")])))

    bulk = Bulk(Ending())  # type: ignore[arg-type]
    assert await bulk.send([Action("i", "1", b"{}")]) == 1
    async with asyncio.timeout(30):
        assert await late[0] == 1


async def test_who_waits_for_a_cluster_that_is_away_is_told_with_the_first():
    """Else a hundred large requests would wait for a hundred timeouts, one after the other, with their documents in memory."""

    class Away(Answers):
        async def answer(self) -> None:
            await asyncio.sleep(0.01)
            raise Unavailable("it is away.")

    cluster = Away()
    bulk = Bulk(cluster)  # type: ignore[arg-type]
    sends = [bulk.send([Action("i", str(number), b"x" * BYTES)]) for number in range(100)]
    outcomes = await asyncio.gather(*sends, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 100
    assert cluster.requests == AT_ONCE


async def test_a_mistake_of_ours_keeps_nobody_waiting():
    """An answer that we do not understand is an error for who sent, not silence."""

    class Nonsense(Answers):
        async def ask(self, call: int) -> dict[str, Any]:
            return {"items": []}

    with pytest.raises(ValueError, match="zip"):
        await Bulk(Nonsense()).send([Action("i", "1", b"{}")])  # type: ignore[arg-type]
