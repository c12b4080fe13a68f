"""SQLite: one writer thread that commits all waiting work at once, and reader threads with connections of their own.

WAL lets readers go on while the writer commits; `synchronous=FULL` makes a commit survive a power cut.
One writer inside the process means that no work ever meets a locked database; another process (the CLI) is waited for.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from gate.errors import GateError, Unavailable
from gate.store.protocols import SECONDS
from gate.store.sql.database import Item, Result
from gate.store.waiting import resolve

READERS = 4
GROUP = 64
"""How much work shares one commit at most: bounds memory and the time to the answer."""


class SqliteDatabase:
    """A `Database` in one file. The file and its folder are made when missing.

    `seconds`: another process that keeps it locked is waited for so long, then it is Unavailable."""

    def __init__(self, path: Path, *, seconds: float = SECONDS) -> None:
        self.path = path
        self._writing = _engine(path, begin="BEGIN IMMEDIATE", cache_kib=16_384, seconds=seconds)
        self._reading = _engine(path, begin="BEGIN", cache_kib=4_096, seconds=seconds)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="spangate-read")
        self._writer = threading.Thread(target=self._run, name="spangate-write", daemon=True)
        self._closed = False
        self._holding = asyncio.Lock()

    async def open(self, migrate: Callable[[Connection], None]) -> None:
        """Make the folder, migrate, start the writer. Raises Unavailable when the file cannot be used."""

        def work() -> None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._writing.connect() as connection:
                migrate(connection)
                connection.commit()

        try:
            await asyncio.to_thread(work)
        except (DBAPIError, OSError) as error:
            raise self._unavailable(error) from error
        self._writer.start()

    async def read(self, work: Callable[[Connection], Result], *, single: bool = False) -> Result:
        """See `Database.read`."""

        def snapshot() -> Result:
            with self._reading.connect() as connection:
                return work(connection)

        self._must_be_open()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, snapshot)
        except DBAPIError as error:
            raise self._unavailable(error) from error

    async def write(self, work: Callable[[Connection], Result], *, after: asyncio.Future[Any] | None = None) -> Result:
        """See `Database.write`. The writer is not kept waiting."""
        if after is not None:
            await asyncio.shield(after)
        return await self._submit(work, None)

    async def write_together(self, work: Callable[[Connection, Sequence[Item]], Sequence[Result]], item: Item) -> Result:
        """See `Database.write_together`."""
        return await self._submit(work, (item,))

    @asynccontextmanager
    async def hold(
        self, begin: Callable[[Connection], Result], end: Callable[[Connection, Result], None]
    ) -> AsyncGenerator[Result]:
        """See `Database.hold`. The writer is not kept waiting."""
        async with self._holding:
            result = await self.read(begin)
            yield result
            await self.write(lambda connection: end(connection, result))

    async def check(self) -> None:
        """See `Database.check`."""
        self._must_be_open()
        if not self._writer.is_alive():
            raise Unavailable("The database's writer has stopped.", hint="Restart Spangate; its log says why.")
        await self.write(lambda connection: connection.exec_driver_sql("select 1").scalar_one())

    async def close(self) -> None:
        """See `Database.close`."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        if self._writer.is_alive():
            await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    async def _submit(self, work: Callable[..., Any], item: tuple[Any] | None) -> Any:
        self._must_be_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put(_Job(work, item, loop, future))
        try:
            return await future
        except DBAPIError as error:
            raise self._unavailable(error) from error

    def _run(self) -> None:
        with self._writing.connect() as connection:
            while (job := self._jobs.get()) is not None:
                jobs, last = self._following(job, GROUP)
                outcomes = _commit(connection, jobs)
                for outcome in outcomes:
                    outcome.tell()
                if (locked := outcomes[-1].error) and _is_locked(locked) and not last and not self._jobs.empty():
                    # All who wait are told at once: else each group would wait as long, and their bodies would pile up.
                    jobs, last = self._following(self._jobs.get(), None)
                    for job in jobs:
                        _Outcome(job, error=locked).tell()
                if last:
                    return

    def _following(self, first: "_Job | None", most: int | None) -> "tuple[list[_Job], bool]":
        """The first job and those that wait behind it, and whether they are the last ones."""
        jobs: list[_Job] = []
        while first is not None:
            jobs.append(first)
            if (most is not None and len(jobs) >= most) or self._jobs.empty():
                return jobs, False
            first = self._jobs.get()
        return jobs, True

    def _must_be_open(self) -> None:
        if self._closed:
            raise Unavailable("The store is closed: the server is shutting down.", hint="Send it again.")

    def _unavailable(self, error: Exception) -> GateError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        return Unavailable(
            f"The database {self.path} cannot be used: {cause}.", hint="Nothing was written; see SPANGATE_DATA (--data)."
        )


def give_back_pages(connection: Connection, limit: int) -> None:
    """Shorten the file by at most `limit` of its free pages, at the next checkpoint."""
    free: int = connection.exec_driver_sql("pragma freelist_count").scalar_one()
    cursor = connection.connection.cursor()
    # One page a call: the pragma frees one page a step, and the driver takes one step when a statement has no columns.
    for _ in range(min(free, limit)):
        cursor.execute("pragma incremental_vacuum(1)")
    cursor.close()


class _Job(NamedTuple):
    work: Callable[..., Any]
    item: tuple[Any] | None
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class _Outcome(NamedTuple):
    job: _Job
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Resolve the caller's future in its own loop, if that still runs."""
        if not self.job.loop.is_closed():
            outcome = self.result if self.error is None else self.error
            self.job.loop.call_soon_threadsafe(resolve, self.job.future, outcome)


def _commit(connection: Connection, jobs: list[_Job]) -> list[_Outcome]:
    try:
        with connection.begin():
            return [outcome for group in _groups(jobs) for outcome in _call(connection, group)]
    except Exception as error:
        if len(jobs) == 1 or _is_locked(error):
            return [_Outcome(job, error=error) for job in jobs]
    # One of them is to blame: each in a transaction of its own.
    return [outcome for job in jobs for outcome in _commit(connection, [job])]


def _is_locked(error: BaseException) -> bool:
    """Whether another process had the file for all the time that we waited."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _groups(jobs: list[_Job]) -> list[list[_Job]]:
    """Neighbours that do the same work on items go together; the order of arrival is kept."""
    groups: list[list[_Job]] = []
    for job in jobs:
        if groups and job.item is not None and groups[-1][0].work == job.work:
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def _call(connection: Connection, group: list[_Job]) -> list[_Outcome]:
    if group[0].item is None:
        return [_Outcome(group[0], group[0].work(connection))]
    results = group[0].work(connection, [job.item[0] for job in group if job.item is not None])
    return [_Outcome(job, result) for job, result in zip(group, results, strict=True)]


def _engine(path: Path, *, begin: str, cache_kib: int, seconds: float) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=READERS, max_overflow=0, connect_args={"check_same_thread": False})

    def connected(connection: Any, _: Any) -> None:
        # SQLAlchemy begins transactions itself, below: the driver's own way begins them too late for a snapshot.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={round(seconds * 1000)}",
            "auto_vacuum=incremental",
            "journal_mode=wal",
            "synchronous=full",
            "foreign_keys=on",
            f"cache_size=-{cache_kib}",
        ):
            connection.execute(f"pragma {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine
