"""One export request, decoded as far as storing needs: spans grouped by trace, each group a blob and a summary."""

import msgspec


class TraceChunk(msgspec.Struct, frozen=True, gc=False):
    """What one export request carries of one trace.

    `body` is an uncompressed OTLP protobuf `TracesData` with only this trace's spans, attributes untouched.
    """

    trace_id: bytes
    body: bytes
    spans: int
    services: tuple[str, ...]
    operations: tuple[tuple[str, str], ...]
    """Distinct (service, span name)."""
    start_ns: int
    end_ns: int
    error: bool
    run: str
    """From resource attributes (`spangate.run`, else `cicd.pipeline.run.id`); empty when they do not say."""
    environment: str
    commit: str
    test_case: str
    entry: "Entry | None"
    """The parentless span among them, the earliest; None when the root is in another chunk."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a trace list shows of a root span."""

    service: str
    operation: str
    route: str
    status: int
    start_ns: int
    end_ns: int


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One export request."""

    chunks: tuple[TraceChunk, ...]
    spans: int
    rejected: int = 0
    """Spans without a valid trace or span id, or over a limit; they are left out and reported as partial success."""
    message: str = ""
