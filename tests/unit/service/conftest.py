"""A real `StoreGate` on SQLite, with little patience."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gate.usecases import outbox, retention
from gate.usecases.completion import Patience
from gate.usecases.gate import Options, StoreGate
from tests.contract.backends import BACKENDS, Backend
from tests.contract.made import NOW

Open = Callable[[], Awaitable[StoreGate]]


class Clock:
    """Runs with real time, from a fixed day; tests move it, or stop it."""

    def __init__(self) -> None:
        self._offset = NOW - time.time_ns()
        self._stopped = 0

    def __call__(self) -> int:
        return self._stopped or time.time_ns() + self._offset

    def stop(self) -> None:
        """Nobody's patience ends any more, however long a step of the test takes."""
        self._stopped = self()

    def move(self, ns: int) -> None:
        """Forward."""
        self._offset += ns
        self._stopped += ns if self._stopped else 0


@pytest.fixture
def clock() -> Clock:
    """The gate's clock."""
    return Clock()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    """SQLite, unless a test asks for more."""
    return getattr(request, "param", BACKENDS[0])


@pytest.fixture
async def reopen(backend: Backend, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Opens a gate on the same data again and again; what a test leaves open is closed. What a gate does by itself it has done once
    when it is open, and does not do again at some moment in the middle of a test."""
    monkeypatch.setattr(outbox, "_RETRY_SECONDS", 3600)
    monkeypatch.setattr(retention, "_LOOK_SECONDS", 3600)
    opened: list[StoreGate] = []

    async with backend.empty(tmp_path) as open_stores:

        async def open_gate() -> StoreGate:
            patience = Patience(quiet_ns=300_000_000, deadline_ns=2_000_000_000)
            options = Options(patience, retention_days=30, server_url="http://here")
            gate = StoreGate(await open_stores(), options, clock=clock)
            opened.append(gate)
            drain, drained = gate._follower.drain, asyncio.Event()

            async def first(project: str = "", trace_id: str = "") -> str:
                try:
                    return await drain(project, trace_id)
                finally:
                    drained.set()

            with monkeypatch.context() as start:
                start.setattr(gate._follower, "drain", first)
                await gate.start()
                await drained.wait()
            return gate

        yield open_gate
        for gate in opened:
            await gate.close()


@pytest.fixture
async def gate(reopen: Open) -> StoreGate:
    """A gate with the project `default`."""
    return await reopen()
