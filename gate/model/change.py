"""The union of all that can differ between a flow and its baseline.

Each change is a fact without judgement; a `Finding` (see `verdict`) adds level, place and fingerprint.
Renderers `match` over `Change` and end in `assert_never`, so that a new kind cannot be forgotten.
"""

from typing import TypeAlias

import msgspec


class CallMissing(msgspec.Struct, frozen=True, tag="call-missing", gc=False):
    """A call of the baseline that no longer happens (`before` times, now none)."""

    service: str
    operation: str
    before: str
    """The learned count, as text: `1`, `2..5`."""
    statement: str = ""
    """The normalised query, topic or route, if the call has one."""


class CallAdded(msgspec.Struct, frozen=True, tag="call-added", gc=False):
    """A call that no golden trace has at this place, `after` times."""

    service: str
    operation: str
    after: int
    statement: str = ""


class CountChanged(msgspec.Struct, frozen=True, tag="count-changed", gc=False):
    """A known call happens another number of times; many more of the same is an N+1."""

    service: str
    operation: str
    before: str
    after: int
    statement: str = ""
    n_plus_one: bool = False


class RetryAdded(msgspec.Struct, frozen=True, tag="retry-added", gc=False):
    """A call is repeated after it failed."""

    service: str
    operation: str
    before: str
    after: int


class CallMoved(msgspec.Struct, frozen=True, tag="call-moved", gc=False):
    """A call with all below it happens under another caller."""

    service: str
    operation: str
    before: tuple[str, ...]
    """Names from the entry to the old caller."""
    after: tuple[str, ...]


class Wrapped(msgspec.Struct, frozen=True, tag="wrapped", gc=False):
    """A new operation stands between a caller and the calls it had (a middleware added)."""

    service: str
    operation: str


class Unwrapped(msgspec.Struct, frozen=True, tag="unwrapped", gc=False):
    """An operation between a caller and its calls is gone; the calls remain (a middleware removed)."""

    service: str
    operation: str


class Renamed(msgspec.Struct, frozen=True, tag="renamed", gc=False):
    """The same call under another name."""

    service: str
    before: str
    after: str


class OrderChanged(msgspec.Struct, frozen=True, tag="order-changed", gc=False):
    """`first` always ended before `then` began; now it does not."""

    first: str
    then: str


class ConcurrencyChanged(msgspec.Struct, frozen=True, tag="concurrency-changed", gc=False):
    """Calls that overlapped are now one after the other, or the other way round."""

    operations: tuple[str, ...]
    before: str
    """`parallel` or `serial`."""
    after: str


class ErrorAppeared(msgspec.Struct, frozen=True, tag="error-appeared", gc=False):
    """A call that never failed in the baseline fails. `propagated`: because a call below it fails."""

    service: str
    operation: str
    error_type: str = ""
    propagated: bool = False


class ErrorSwallowed(msgspec.Struct, frozen=True, tag="error-swallowed", gc=False):
    """A call that always failed in the baseline no longer reports it."""

    service: str
    operation: str


class AttributeChanged(msgspec.Struct, frozen=True, tag="attribute-changed", gc=False):
    """A kept attribute has another value; empty text means it is absent. The key tells which fact:
    `http.response.status_code`, `db.query.text`, `http.route`, …"""

    service: str
    operation: str
    key: str
    before: str
    after: str


class RowsChanged(msgspec.Struct, frozen=True, tag="rows-changed", gc=False):
    """A query that returned rows returns none, or the other way round."""

    service: str
    operation: str
    before: str
    after: str
    statement: str = ""


class BodyChanged(msgspec.Struct, frozen=True, tag="body-changed", gc=False):
    """A captured body is empty where it was not, or has another JSON shape."""

    service: str
    operation: str
    key: str
    before: str
    after: str


class ParentBecameLink(msgspec.Struct, frozen=True, tag="parent-became-link", gc=False):
    """A child is now a linked trace of its own, or the other way round."""

    service: str
    operation: str
    linked: bool


class TelemetryGap(msgspec.Struct, frozen=True, tag="telemetry-gap", gc=False):
    """The client span is there, the whole callee is gone: lost telemetry rather than a lost call."""

    service: str
    operation: str


class InstrumentationChanged(msgspec.Struct, frozen=True, tag="instrumentation-changed", gc=False):
    """Another version, convention or layer of instrumentation shows the same calls differently."""

    service: str
    scope: str
    before: str
    after: str


class NewVariant(msgspec.Struct, frozen=True, tag="new-variant", gc=False):
    """Every part is known, this combination is not (calls that always came together come apart)."""

    service: str
    operation: str
    detail: str


class FlowMissing(msgspec.Struct, frozen=True, tag="flow-missing", gc=False):
    """A flow with a baseline did not run."""

    operation: str


Change: TypeAlias = (
    CallMissing
    | CallAdded
    | CountChanged
    | RetryAdded
    | CallMoved
    | Wrapped
    | Unwrapped
    | Renamed
    | OrderChanged
    | ConcurrencyChanged
    | ErrorAppeared
    | ErrorSwallowed
    | AttributeChanged
    | RowsChanged
    | BodyChanged
    | ParentBecameLink
    | TelemetryGap
    | InstrumentationChanged
    | NewVariant
    | FlowMissing
)


def kind_of(change: Change) -> str:
    """The change's tag (`call-missing`, …), as policies, reports and JSON name it."""
    return str(change.__struct_config__.tag)
