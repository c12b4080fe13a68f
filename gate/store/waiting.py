"""Callers that wait while their work is done together with that of others."""

import asyncio
from typing import Any


def resolve(waiting: "asyncio.Future[Any]", outcome: object) -> None:
    """Give a caller its result, or raise its error there; nothing when it has gone away. In the caller's loop."""
    if waiting.done():
        return
    if isinstance(outcome, BaseException):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)


def this_task() -> asyncio.Task[Any]:
    """The running task. Only inside one."""
    task = asyncio.current_task()
    assert task is not None
    return task
