"""What a comparison compares with, as its sentences name it."""

import msgspec


class Standard(msgspec.Struct, frozen=True):
    """Words for the left side. The default are golden traces."""

    name: str = "the golden traces"
    each: str = "every golden trace"
    unseen: str = "no golden trace shows"
    has: str = "have"
    returns: str = "return"


GOLDEN = Standard()
FIRST_TRACE = Standard("the first trace", "the first trace", "the first trace does not show", "has", "returns")
FIRST_TRACES = Standard("the first traces", "each of the first traces", "none of the first traces shows", "have", "return")
