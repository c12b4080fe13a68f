"""Real OpenTelemetry SDKs export into a real door."""

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from gate.errors import Unavailable
from gate.model.trace import SpanKind, StatusCode
from tests.http.door import door


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_the_python_sdk_exports(compression: Compression) -> None:
    """Every field that the SDK sets arrives: parent, kind, status, attributes of all types, events, links, resource, scope."""
    with door() as served:
        provider = TracerProvider(resource=Resource({"service.name": "shop", "spangate.run": "r7"}))
        exporter = OTLPSpanExporter(served.url, compression=compression)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("lib", "1.2", schema_url="https://opentelemetry.io/schemas/1.37.0")
        with tracer.start_as_current_span("GET /x", kind=trace.SpanKind.SERVER) as parent:
            parent.set_attributes({"text": "ä", "int": -3, "float": 0.5, "flag": True, "list": [1, 2]})
            link = trace.Link(parent.get_span_context(), {"why": "test"})
            with pytest.raises(ZeroDivisionError), tracer.start_as_current_span("work", links=[link]):
                _ = 1 / 0
        provider.shutdown()
        (received,) = served.gate.traces()
        (_, _, batch) = served.gate.received[0]
    root, child = received.spans
    assert received.problems == ()
    assert received.parents == (-1, 0)
    assert (root.name, root.kind, root.service, root.status) == ("GET /x", SpanKind.SERVER, "shop", StatusCode.UNSET)
    assert root.attributes == {"text": "ä", "int": -3, "float": 0.5, "flag": True, "list": [1, 2]}
    assert (root.scope.name, root.scope.version, root.scope.schema_url) == (
        "lib",
        "1.2",
        "https://opentelemetry.io/schemas/1.37.0",
    )
    assert (child.status, child.events[0].name) == (StatusCode.ERROR, "exception")
    assert child.events[0].attributes["exception.type"] == "ZeroDivisionError"
    assert (child.links[0].span_id, child.links[0].attributes) == (root.span_id, {"why": "test"})
    assert root.start_ns <= child.start_ns <= child.end_ns <= root.end_ns
    assert batch.chunks[0].run == "r7"
    assert batch.chunks[0].error


def test_the_sdk_tries_again() -> None:
    """A store that cannot be reached is 503, which the exporter takes as a reason to retry, and nothing is lost."""
    with door() as served:
        served.gate.failure = Unavailable("the store is away.", retry_after=1)
        served.gate.failures = 2
        provider = TracerProvider()
        patient = OTLPSpanExporter(served.url, timeout=60)  # of itself it gives up after ten seconds, of which it waits for two
        provider.add_span_processor(BatchSpanProcessor(patient))
        provider.get_tracer("t").start_span("kept").end()
        provider.shutdown()
        assert served.gate.attempts == 3
        assert [each.name for each in served.gate.traces()[0].spans] == ["kept"]


def test_many_small_exports() -> None:
    """One request a span, from a simple processor, makes one trace."""
    with door() as served:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(served.url)))
        tracer = provider.get_tracer("t")
        with tracer.start_as_current_span("root"):
            for number in range(20):
                with tracer.start_as_current_span(f"child {number}"):
                    pass
        provider.shutdown()
        (received,) = served.gate.traces()
    assert len(served.gate.received) == 21
    assert [each.name for each in received.spans] == ["root", *(f"child {number}" for number in range(20))]
