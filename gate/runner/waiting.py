"""When a local run is complete: the server's rule, on the spans of one receiver."""

import asyncio
from collections.abc import Callable

import msgspec

from gate.model.trace import Span
from gate.runner.receiver import LocalReceiver

_STEP = 0.1
_STILL = 0.3
"""Seconds without arrivals before it is worth looking at what is there."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait for spans, in seconds."""

    quiet: float = 3.0
    """Without new spans for so long, what is there is judged."""
    deadline: float = 60.0


async def wait_for_spans(
    receiver: LocalReceiver, patience: Patience, unsettled: Callable[[tuple[Span, ...]], str]
) -> tuple[Span, ...]:
    """The spans, once `unsettled` answers an empty text for them, or nothing came for `quiet`, or the deadline has passed."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    looked_at = -1
    while True:
        now = loop.time()
        idle = now - max(receiver.last_arrival or start, start)
        if idle >= patience.quiet or now - start >= patience.deadline:
            return receiver.spans()
        if receiver.received and idle >= _STILL and looked_at != receiver.received:
            looked_at = receiver.received
            spans = receiver.spans()
            if not unsettled(spans):
                return spans
        await asyncio.sleep(_STEP)
