"""Ports for servers that must be told one: nobody else may have it until they listen, nor while they are started again."""

import random
import socket
from pathlib import Path

_FIRST, _DEFAULT_END = 10_000, 32_768
_chance = random.SystemRandom()
"""Not the one of `random`, which tests seed: two processes would go the same way."""
_given: set[int] = set()


def free_port() -> int:
    """Of 127.0.0.1, and not of those that the system gives to connections and to servers that name none: of these, another process
    has any one sooner or later."""
    end = _end()
    for _ in range(1_000):
        port = _chance.randrange(_FIRST, end)
        if port in _given:
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
    raise AssertionError(f"no port of {_FIRST} to {end} is free")


def _end() -> int:
    """Where the system's own ports begin, if that leaves some."""
    try:
        begin = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        begin = _DEFAULT_END
    return begin if begin > _FIRST + 2_000 else 65_536
