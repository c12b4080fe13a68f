"""A listening socket, or one line that says why there is none."""

import os
import socket

from gate.errors import BadRequest


def listen(host: str, port: int, *, hint: str, backlog: int = 100) -> socket.socket:
    """Bound before anything else starts, so that a port in use is one line and not a stack trace. `port` 0: a free one.

    Raises BadRequest with the reason and `hint`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except (OSError, OverflowError) as error:
        raise BadRequest(f"Cannot listen on {host}:{port}: {_reason(error)}.", hint=hint) from None


def address_of(listener: socket.socket, host: str) -> str:
    """The URL of the port that was bound, on the host that was asked for."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _reason(error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return "a port is a number up to 65535"
    # create_server adds the address to strerror; a resolver's errors have numbers of their own.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else (error.strerror or str(error))
