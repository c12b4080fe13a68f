"""How large a trace may be before a part of it is refused."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds on one export request; the server's come from its settings of the same names. Sizes are bytes."""

    max_spans_per_trace: int = 200_000
    max_attribute_bytes: int = 1024 * 1024
    """Of one attribute value, encoded. A span with a larger one is rejected (partial success), the others are kept."""
