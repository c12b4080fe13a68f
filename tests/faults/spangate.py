"""`spangate serve` as a process that can be killed and started again, at another day."""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NoReturn

import httpx
import psutil

from tests.acceptance.cli import environ
from tests.faults.servers import Server

DAY_NS = 24 * 3600 * 10**9
_FORKER = Path(__file__).with_name("forker.py")


class Spangate(Server):
    """On the stores that `variables` name. `day`: where its clock is, from today; set it before `start`."""

    name = "spangate serve"

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__(folder)
        self.variables = {"SPANGATE_QUIET_SECONDS": "0.3", "SPANGATE_DEADLINE_SECONDS": "20", **variables}
        self.day = 0.0
        self._looked_at = 0
        self._forker: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        """What makes its processes."""
        self._forker = await asyncio.create_subprocess_exec(
            sys.executable, str(_FORKER), stdin=PIPE, stdout=PIPE, env=environ(**self.variables), cwd=os.fspath(self.folder)
        )

    async def close(self) -> None:
        """Of these, and the last one of them."""
        self.resume()
        await self.kill()
        if self._forker is not None and self._forker.stdin is not None:
            self._forker.stdin.close()
            await self._forker.wait()

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text()[-3000:]

    def mistake(self) -> str:
        """The first error that nobody expected, in its log since the last look; empty when there is none."""
        log = (self.folder / "log").read_text()
        place = log.find("Traceback", self._looked_at)
        self._looked_at = len(log)
        return log[max(place - 500, 0) : place + 6000] if place >= 0 else ""

    async def spawn(self) -> None:
        """Start it, and do not wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = await self._spawn(log.fileno(), ())

    async def until_it_answers(self) -> bool:
        """Whether it does; False when it has ended instead."""
        while self._process is not None and self._process.returncode is None:
            if await self._answers():
                return True
            await asyncio.sleep(0.05)
        return False

    async def doctor(self, *options: str) -> tuple[int, list[str]]:
        """`spangate doctor` on the same stores: its exit code and the disagreements."""
        command = [sys.executable, "-m", "gate.cli", "doctor", "--data", str(self.folder / "data"), *options]
        variables = environ(**{**self.variables, "SPANGATE_STORE_SECONDS": "60"})  # nothing is wrong, whatever time it takes
        done = await asyncio.to_thread(
            subprocess.run, command, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in (0, 1), (done.returncode, done.stdout, done.stderr)
        return done.returncode, [line for line in done.stdout.splitlines() if "  " in line]

    async def _spawn(self, log: int, options: Sequence[str]) -> "Forked":
        assert self._forker is not None
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        arguments = ["serve", "--port", str(self.port), "--data", str(self.folder / "data"), *options]
        line = "\t".join([str(int(self.day * DAY_NS)), str(self.folder / "log"), *arguments])
        self._forker.stdin.write(f"{line}\n".encode())
        return Forked(int(await self._forker.stdout.readline()))

    def _ended(self, log: str) -> NoReturn:
        raise AssertionError(log)

    async def _answers(self) -> bool:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            with suppress(httpx.TransportError):
                return (await client.get("/health")).status_code == 200
        return False


@asynccontextmanager
async def spangate(folder: Path, **variables: str) -> AsyncIterator[Spangate]:
    """Not started yet; killed at the end."""
    server = Spangate(folder, **variables)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


class Forked:
    """A process that is not our child, and is waited for by who made it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        """None while it is there; how it ended is not known."""
        return None if psutil.pid_exists(self.pid) else -1

    async def wait(self) -> None:
        """Until it is gone."""
        while self.returncode is None:  # noqa: ASYNC110  # only its parent is told
            await asyncio.sleep(0.005)
