"""A program with the real OpenTelemetry SDK, configured by nothing but the environment.
Arguments: http or grpc, how many traces, and how many quotes each asks for (default 1)."""

import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def main(protocol: str, count: int, quotes: int) -> None:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("shop")
    for _ in range(count):
        with tracer.start_as_current_span("GET /checkout", kind=trace.SpanKind.SERVER):
            for _ in range(quotes):
                with tracer.start_as_current_span("quote"):
                    pass
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
