"""A small instrumented program, with the real OpenTelemetry SDK and its OTLP/HTTP exporter: what the command line is tried on.

As a command it makes one trace of a test case; `serve` answers HTTP. What goes wrong is said by `SHOP`: words separated by commas.
"""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

FAULTS = frozenset(os.environ.get("SHOP", "").split(","))
tracer = trace.get_tracer("shop")


def order(number: str) -> None:
    """Answer one request: look at the items, write the order."""
    selects = 12 if "n+1" in FAULTS or _only_the_first_time() else 1
    for item in range(selects):
        statement = {"db.system.name": "postgresql", "db.query.text": f"SELECT * FROM items WHERE id = {item}"}
        with tracer.start_as_current_span("SELECT items", kind=SpanKind.CLIENT, attributes=statement) as span:
            span.set_attribute("db.response.returned_rows", 1)
    if "no-insert" not in FAULTS:
        statement = {"db.system.name": "postgresql", "db.query.text": f"INSERT INTO orders (id) VALUES ({number})"}
        with tracer.start_as_current_span("INSERT orders", kind=SpanKind.CLIENT, attributes=statement):
            pass


def _only_the_first_time() -> bool:
    """With the fault `flaky=FILE`: while there is no such file, which is made."""
    path = next((fault.partition("=")[2] for fault in FAULTS if fault.startswith("flaky=")), "")
    if not path or Path(path).exists():
        return False
    Path(path).touch()
    return True


class Handler(BaseHTTPRequestHandler):
    """`POST /orders/{id}`, traced as an instrumented server would."""

    def do_POST(self) -> None:
        attributes = {
            "http.request.method": "POST",
            "http.route": "/orders/{id}",
            "url.path": self.path,
            "url.scheme": "http",
            "server.address": self.headers["host"].partition(":")[0],
            "server.port": self.server.server_port,
            "http.request.header.x-tenant": [self.headers.get("x-tenant", "")],
        }
        context = propagate.extract(dict(self.headers.items()))
        with tracer.start_as_current_span("POST /orders/{id}", context, SpanKind.SERVER, attributes) as span:
            order(self.path.rpartition("/")[2])
            span.set_attribute("http.response.status_code", 201)
        self.send_response(201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main(provider: TracerProvider) -> int:
    if sys.argv[1:2] == ["serve"]:
        server = HTTPServer(("127.0.0.1", 0), Handler)
        Path(sys.argv[2]).write_text(str(server.server_port))
        server.serve_forever()
    with tracer.start_as_current_span("test_order", attributes={"test.case.name": "test_order"}):
        request = {
            "http.request.method": "POST",
            "http.route": "/orders/{id}",
            "url.path": "/orders/17",
            "server.address": "shop",
        }
        with tracer.start_as_current_span("POST /orders/{id}", kind=SpanKind.SERVER, attributes=request) as span:
            order("17")
            span.set_attribute("http.response.status_code", 201)
            if "killed" in FAULTS:  # the parents never end, so they are never exported
                provider.force_flush()
                os._exit(0)
    if "wait" in FAULTS:
        provider.force_flush()
        print("waiting", flush=True)
        time.sleep(60)
    return int(os.environ.get("SHOP_EXIT", "0"))


if __name__ == "__main__":
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        sys.exit(main(provider))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        provider.shutdown()
