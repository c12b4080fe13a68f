"""Where SQL runs: every query is a plain function of a synchronous SQLAlchemy `Connection`, and a `Database` calls it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")
Item = TypeVar("Item")


class Database(Protocol):
    """Transactions. Work may be called again after a failure that had nothing to do with it: it must have no effect outside
    its connection. `GateError`s of the work come back as they are; the database's own errors as `Unavailable`."""

    async def read(self, work: Callable[[Connection], Result], *, single: bool = False) -> Result:
        """Run work on one snapshot that sees everything committed before the call. `single`: it is one statement beside
        `project_key`, which needs no transaction for that."""
        ...

    async def write(self, work: Callable[[Connection], Result], *, after: asyncio.Future[Any] | None = None) -> Result:
        """Run work in one transaction; returns after its commit, or raises after its rollback. The commit comes after the end of
        `after`; when that raises nothing is written, and its error is raised. Where the database can, work runs meanwhile."""
        ...

    async def write_together(self, work: Callable[[Connection, Sequence[Item]], Sequence[Result]], item: Item) -> Result:
        """Like `write`, with every item that waits at the moment as one call in one transaction (group commit).
        An item that makes the work fail fails alone."""
        ...

    def hold(
        self, begin: Callable[[Connection], Result], end: Callable[[Connection, Result], None]
    ) -> AbstractAsyncContextManager[Result]:
        """Run `begin`, then the block with its result, then `end` when nothing was raised. What `begin` locks stays locked until
        then, also against other processes where the database can; on SQLite against blocks of this process only."""
        ...

    async def check(self) -> None:
        """Raises Unavailable when a transaction is not likely to succeed."""
        ...

    async def close(self) -> None:
        """Commit what waits, then release the connections. Later calls raise Unavailable."""
        ...
