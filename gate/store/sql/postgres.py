"""PostgreSQL by asyncpg: the same functions of a synchronous `Connection`, run by SQLAlchemy's bridge.

Any number of servers may share the database: what two of them do at once is decided by unique constraints and row locks; the
transaction that loses is done again.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from gate.errors import BadRequest, Unavailable
from gate.store.protocols import LONGER, SECONDS
from gate.store.sql.database import Item, Result
from gate.store.waiting import resolve, this_task

_OLDEST = 14
"""The oldest PostgreSQL that its makers still support."""
GROUP = 64
"""How much work shares one commit at most."""
_AT_ONCE = 2
"""Groups on their way: while the database works for one and syncs it to its disk, the next is prepared."""
_POOL = 10
_HOLDERS = 4
"""Transactions that wait for another store, at most: they must leave connections to everybody else."""
_PATIENCE = 1.0
"""Seconds that a transaction may keep its locks while it waits for another store."""
_IDLE_SECONDS = 5.0
"""A connection that nobody used for so long is asked whether it still works before it is used."""
_TRIES = 10
_AGAIN = ("23505", "40001", "40P01")
"""SQLSTATE of a lost race: unique violation, serialization failure, deadlock."""
_MIGRATING = 0x5350414E47415445
"""The advisory lock (`SPANGATE` as a number) that lets one server at a time migrate."""


class PostgresDatabase:
    """A `Database` on one PostgreSQL database. `url` may begin with `postgresql:` or `postgres:`.

    `seconds`: a server that does not let us connect for so long, or commit what was received, is away: Unavailable. Other work
    may take four times as long."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        _, separator, rest = url.partition("://")
        if not separator:
            raise BadRequest("SPANGATE_DATABASE_URL is no URL.", hint="For example postgresql://user:password@host/database.")
        self._engine = _engine(f"postgresql+asyncpg://{rest}")
        self._where = rest.rpartition("@")[2]
        self._queues: dict[Callable[..., Any], _Queue] = {}
        self._closed = False
        self._seconds = seconds
        self._holders = asyncio.Semaphore(_HOLDERS)

    async def open(self, migrate: Callable[[Connection], None]) -> None:
        """Connect and migrate; of several servers that start at once one migrates. Raises Unavailable with the reason."""

        def work(connection: Connection) -> None:
            must_be_known(connection.dialect.server_version_info or ())
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            migrate(connection)

        await self._run(work, seconds=None)

    async def read(self, work: Callable[[Connection], Result], *, single: bool = False) -> Result:
        """See `Database.read`."""
        seconds = LONGER * self._seconds
        if single:
            return await self._run(work, seconds=seconds, isolation_level="AUTOCOMMIT")
        return await self._run(work, seconds=seconds, isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def write(self, work: Callable[[Connection], Result], *, after: asyncio.Future[Any] | None = None) -> Result:
        """See `Database.write`. Its locks are not held for longer than `_PATIENCE` seconds: then it is done again afterwards."""
        seconds = LONGER * self._seconds
        if after is not None and not self._holders.locked():
            with suppress(_StillWaiting):
                async with self._holders:
                    return await self._run(work, seconds=seconds, after=after)
        if after is not None:
            await asyncio.shield(after)
        return await self._run(work, seconds=seconds)

    async def write_together(self, work: Callable[[Connection, Sequence[Item]], Sequence[Result]], item: Item) -> Result:
        """See `Database.write_together`."""
        self._must_be_open()
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault(work, _Queue([], set()))
        queue.waiting.append(waiting)
        if len(queue.draining) < _AT_ONCE:
            queue.draining.add(asyncio.create_task(self._drain(work, queue)))
        return await waiting.future

    @asynccontextmanager
    async def hold(
        self, begin: Callable[[Connection], Result], end: Callable[[Connection, Result], None]
    ) -> AsyncGenerator[Result]:
        """See `Database.hold`."""
        self._must_be_open()
        async with self._errors(), AsyncExitStack() as stack:
            async with asyncio.timeout(self._seconds):
                await stack.enter_async_context(self._holders)
                connection = await stack.enter_async_context(self._engine.connect())
                transaction = await stack.enter_async_context(connection.begin())
                result = await connection.run_sync(begin)
            try:
                yield result
            except BaseException:
                async with asyncio.timeout(self._seconds):
                    await transaction.rollback()
                raise
            async with asyncio.timeout(self._seconds):
                await connection.run_sync(end, result)
                await transaction.commit()

    async def check(self) -> None:
        """See `Database.check`."""
        await self.read(lambda connection: connection.execute(text("select 1")).scalar_one())

    async def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        await asyncio.gather(*(task for queue in self._queues.values() for task in queue.draining), return_exceptions=True)
        await self._engine.dispose()

    async def _drain(self, work: Callable[..., Any], queue: "_Queue") -> None:
        """One group after the other, until nobody waits: what arrives meanwhile shares a later one."""
        try:
            while queue.waiting:
                group, queue.waiting[:] = queue.waiting[:GROUP], queue.waiting[GROUP:]
                try:
                    outcomes: list[Any] = await self._outcomes(work, group)
                except Unavailable as away:
                    # All who wait are told at once: else each group would wait as long, and their bodies would pile up.
                    group += queue.waiting
                    queue.waiting.clear()
                    outcomes = [Unavailable(away.detail, hint=away.hint) for _ in group]
                for waiting, outcome in zip(group, outcomes, strict=True):
                    resolve(waiting.future, outcome)
        finally:
            # In the same step as the last look at who waits, so that nobody takes this task for one that still works.
            queue.draining.remove(this_task())

    async def _outcomes(self, work: Callable[..., Any], group: "list[_Waiting]") -> list[Any]:
        """What each item came to. Raises Unavailable when that is nobody's own fault: the server is away."""
        items = [waiting.item for waiting in group]
        try:
            return list(await self._run(lambda connection: work(connection, items), seconds=self._seconds, draining=True))
        except Exception as error:
            if _is_away(error):
                raise
            if len(group) == 1:
                return [error]
        # One of them is to blame: each in a transaction of its own.
        return [outcome for waiting in group for outcome in await self._outcomes(work, [waiting])]

    async def _run(
        self,
        work: Callable[[Connection], Result],
        *,
        seconds: float | None,
        after: asyncio.Future[Any] | None = None,
        draining: bool = False,
        **options: Any,
    ) -> Result:
        if not draining:
            self._must_be_open()
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._errors():
                    return await self._transaction(work, seconds, after, options)
            except Unavailable as error:
                if attempt == _TRIES or not _can_be_tried_again(error.__cause__):
                    raise
                await asyncio.sleep(0.005 * attempt)
        raise AssertionError("unreachable")

    async def _transaction(
        self,
        work: Callable[[Connection], Result],
        seconds: float | None,
        after: asyncio.Future[Any] | None,
        options: dict[str, Any],
    ) -> Result:
        # All of it in one step over SQLAlchemy's bridge: each step costs as much as a small statement.
        def transaction(connection: Connection) -> Result:
            with connection.execution_options(**options).begin():
                result = work(connection)
                if after is not None:
                    if not after.done():
                        await_only(_ended(after))
                    after.result()
                return result

        # A statement that is cancelled takes its connection with it: nobody gets it in an unknown state.
        async with asyncio.timeout(self._seconds) as limit, self._engine.connect() as connection:
            limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
            return await connection.run_sync(transaction)

    @asynccontextmanager
    async def _errors(self) -> AsyncGenerator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._unavailable(error.orig) from error
        except (TimeoutError, PoolTimeoutError) as error:
            raise self._unavailable("it does not answer in time") from error
        # While connecting, and of connections that end in the middle of anything.
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise self._unavailable(error) from error

    def _must_be_open(self) -> None:
        if self._closed:
            raise Unavailable("The store is closed: the server is shutting down.", hint="Send it again.")

    def _unavailable(self, error: BaseException | str | None) -> Unavailable:
        # The address without user and password.
        return Unavailable(
            f"The database {self._where} cannot be used: {error}.", hint="Nothing was written; see SPANGATE_DATABASE_URL."
        )


def must_be_known(version: tuple[int, ...]) -> None:
    """Raises BadRequest for a PostgreSQL that is too old."""
    if version < (_OLDEST,):
        raise BadRequest(
            f"SPANGATE_DATABASE_URL names a PostgreSQL {'.'.join(map(str, version))}.", hint=f"It must be {_OLDEST} or newer."
        )


async def _ended(after: asyncio.Future[Any]) -> None:
    """Raises `_StillWaiting` when it takes long."""
    ended, _ = await asyncio.wait([after], timeout=_PATIENCE)
    if not ended:
        raise _StillWaiting


def _can_be_tried_again(cause: BaseException | None) -> bool:
    """Whether a transaction lost a race, or its connection before it wanted to commit (an error of the commit has no statement)."""
    if not isinstance(cause, DBAPIError):
        return False
    return getattr(cause.orig, "sqlstate", "") in _AGAIN or (cause.connection_invalidated and cause.statement is not None)


def _is_away(error: Exception) -> bool:
    """Whether the server, and not a statement, is the reason of an Unavailable."""
    if not isinstance(error, Unavailable):
        return False
    cause = error.__cause__
    return not isinstance(cause, DBAPIError) or cause.connection_invalidated


class _StillWaiting(Exception):
    """What a commit waits for takes long."""


class _Waiting(NamedTuple):
    item: Any
    future: "asyncio.Future[Any]"


class _Queue(NamedTuple):
    """Items for the same work."""

    waiting: list[_Waiting]
    draining: set[asyncio.Task[None]]


def _engine(url: str) -> AsyncEngine:
    # The one that was used last knows the most statements.
    engine = create_async_engine(url, pool_size=_POOL, max_overflow=0, pool_use_lifo=True, connect_args={"timeout": 10})
    event.listen(engine.sync_engine, "checkin", _used)
    event.listen(engine.sync_engine, "checkout", _must_work)
    return engine


def _used(_: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _must_work(connection: Any, record: Any, _: Any) -> None:
    """Not `pool_pre_ping`: that asks each time, in a transaction of its own, which is three more trips for each of ours. A server
    that ends closes its connections, and one that was lost silently is only found by asking."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    now = time.monotonic()
    if now - record.info.get("used", now) > _IDLE_SECONDS:
        try:
            connection.ping()
        except Exception as error:
            raise InvalidatePoolError from error
