"""The JSON shape of OTLP's `TracesData`, for msgspec.

Source: opentelemetry-proto, `docs/specification.md`, "JSON Protobuf Encoding": keys are lowerCamelCase, ids are hex in any case,
64-bit integers are strings or numbers, enums are integers (names are read too), unknown fields are ignored, null is absence.
`instrumentationLibrarySpans` is what `scopeSpans` was called before OTLP 0.15; old files have it.
"""

import msgspec


class AnyValue(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """An attribute value: at most one field is set. Doubles that JSON has no number for are "NaN", "Infinity", "-Infinity"."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: "ArrayValue | None" = None
    kvlist_value: "KeyValueList | None" = None
    bytes_value: str | None = None


class ArrayValue(msgspec.Struct, omit_defaults=True, gc=False):
    """A list of values."""

    values: list[AnyValue] | None = None


class KeyValue(msgspec.Struct, gc=False):
    """One attribute."""

    key: str = ""
    value: AnyValue | None = None


class KeyValueList(msgspec.Struct, omit_defaults=True, gc=False):
    """A map of values."""

    values: list[KeyValue] | None = None


class Event(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A span event."""

    time_unix_nano: str | int | None = None
    name: str | None = None
    attributes: list[KeyValue] | None = None


class Link(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A span link."""

    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[KeyValue] | None = None


class Status(msgspec.Struct, omit_defaults=True, gc=False):
    """A span's status."""

    message: str | None = None
    code: int | str | None = None


class Span(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A span."""

    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    parent_span_id: str | None = None
    flags: int | str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: str | int | None = None
    end_time_unix_nano: str | int | None = None
    attributes: list[KeyValue] | None = None
    dropped_attributes_count: int | str | None = None
    events: list[Event] | None = None
    dropped_events_count: int | str | None = None
    links: list[Link] | None = None
    dropped_links_count: int | str | None = None
    status: Status | None = None


class Scope(msgspec.Struct, omit_defaults=True, gc=False):
    """An instrumentation scope."""

    name: str | None = None
    version: str | None = None


class ScopeSpans(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Spans of one scope; the scope has either its name of today or the one from before 0.15."""

    scope: Scope | None = None
    instrumentation_library: Scope | None = None
    spans: list[Span] | None = None
    schema_url: str | None = None


class Resource(msgspec.Struct, omit_defaults=True, gc=False):
    """A resource."""

    attributes: list[KeyValue] | None = None


class ResourceSpans(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Spans of one resource."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None
    instrumentation_library_spans: list[ScopeSpans] | None = None
    schema_url: str | None = None


class TracesData(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A file's line, or an export request; `batches` is what Tempo's first API calls the same list."""

    resource_spans: list[ResourceSpans] | None = None
    batches: list[ResourceSpans] | None = None
