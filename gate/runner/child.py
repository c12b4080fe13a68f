"""A command as a child process: its terminal, its signals and its exit code are passed through."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence

import msgspec

from gate.errors import BadRequest

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(msgspec.Struct, frozen=True):
    """How the child ended."""

    code: int
    """As a shell says it: 128 + signal when a signal ended it."""
    interrupted: int = 0
    """The signal that this process got meanwhile; 0 when none."""


async def run_child(command: Sequence[str], environ: Mapping[str, str]) -> Ended:
    """Run the command to its end. SIGINT, SIGTERM and SIGHUP are forwarded. Raises BadRequest when it cannot be started."""
    try:
        child = await asyncio.create_subprocess_exec(*command, env=dict(environ))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequest(f"Cannot start {command[0]!r}: {reason}.", hint="Put the command after `--`.") from None
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def forward(number: int) -> None:
        received.append(number)
        if child.returncode is None and not (number == signal.SIGINT and _terminal_told_the_child()):
            child.send_signal(number)

    for number in _FORWARDED:
        loop.add_signal_handler(number, forward, number)
    try:
        code = await child.wait()
    finally:
        for number in _FORWARDED:
            loop.remove_signal_handler(number)
    return Ended(code if code >= 0 else 128 - code, received[0] if received else 0)


def _terminal_told_the_child() -> bool:
    """Whether Ctrl-C reached the child already: a terminal sends it to every process of the foreground group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
