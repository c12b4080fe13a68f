"""OpenTelemetry's trace, as received: spans with their resource and scope, assembled into a tree.

Names and meanings are those of the OpenTelemetry trace data model; ids are lower-case hex
(32 characters a trace, 16 a span), times are nanoseconds since the Unix epoch.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import TypeAlias

import msgspec

AttributeValue: TypeAlias = "str | bool | int | float | bytes | None | list[AttributeValue] | dict[str, AttributeValue]"
Attributes: TypeAlias = Mapping[str, AttributeValue]


class SpanKind(IntEnum):
    """OTLP `Span.SpanKind`."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    """OTLP `Status.StatusCode`."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Resource(msgspec.Struct, frozen=True, gc=False):
    """The entity that produced spans; one object is shared by all spans of one OTLP `ResourceSpans`."""

    attributes: Attributes
    service: str = ""
    """`service.name`; empty when the resource does not say."""


class Scope(msgspec.Struct, frozen=True, gc=False):
    """The instrumentation scope (library) that made a span."""

    name: str = ""
    version: str = ""
    schema_url: str = ""


class Event(msgspec.Struct, frozen=True, gc=False):
    """A span event, such as `exception`."""

    name: str
    time_ns: int
    attributes: Attributes


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link to a span of this or another trace."""

    trace_id: str
    span_id: str
    attributes: Attributes


class Span(msgspec.Struct, frozen=True, gc=False):
    """One operation of one process. `parent_span_id` is empty at a root."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    attributes: Attributes
    resource: Resource
    scope: Scope
    status: StatusCode = StatusCode.UNSET
    status_message: str = ""
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    trace_state: str = ""
    flags: int = 0
    dropped_attributes_count: int = 0
    dropped_events_count: int = 0
    dropped_links_count: int = 0

    @property
    def service(self) -> str:
        """`service.name` of the resource; empty when unknown."""
        return self.resource.service

    @property
    def error(self) -> bool:
        """Whether the span's status is ERROR."""
        return self.status == StatusCode.ERROR


class ProblemKind(StrEnum):
    """What can be wrong with a trace as it arrived. None of them is an exception."""

    ORPHAN = "orphan"
    """A span names a parent that is not in the trace; it is kept as a root."""
    CYCLE = "cycle"
    """Spans name each other as ancestors; the edge of the earliest span is cut and it is kept as a root."""
    DUPLICATE = "duplicate"
    """Two different spans carry one id; the first delivered is kept. Identical copies are one span and no problem."""
    SEVERAL_ROOTS = "several-roots"
    """More than one span has no parent."""
    NEGATIVE_DURATION = "negative-duration"
    """A span ends before it starts."""
    TOO_DEEP = "too-deep"
    """A span is nested deeper than the limit; what is below is attached at the limit."""


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong with a trace, at a span."""

    kind: ProblemKind
    span_id: str
    detail: str


class Trace(msgspec.Struct, frozen=True):
    """One assembled trace.

    `spans` is in pre-order: a parent before its children, siblings by (start, span id), roots likewise.
    `parents[i]` is the index of the parent of `spans[i]`, or -1 at a root. Arrays, not nested objects,
    so that a trace 100,000 spans deep needs no recursion.
    """

    trace_id: str
    spans: tuple[Span, ...]
    parents: tuple[int, ...]
    problems: tuple[Problem, ...] = ()
