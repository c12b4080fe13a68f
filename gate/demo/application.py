"""The instrumented service of the story: traces with a metadata database (SQL) and a search index (Elasticsearch).

`POST /traces/{id}/persist` marks a trace as never to be deleted: it fetches the trace of the organisation, validates,
then updates both stores. Release 2 carries the bug of the story: a refactoring reads the organisation from another
header, the fetch comes back empty, validation returns early, and the endpoint still answers 202.

Telemetry is the official OpenTelemetry one, unpatched: the SDK with its OTLP/HTTP exporter, the Flask and SQLAlchemy
instrumentation, and the spans that the Elasticsearch client makes by itself.
"""

import os
import signal
import sys
from types import FrameType
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError
from flask import Flask, request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import Boolean, Column, Engine, MetaData, String, Table, create_engine, insert, select, update
from werkzeug.serving import make_server

metadata = MetaData()
traces = Table(
    "traces",
    metadata,
    Column("id", String, primary_key=True),
    Column("organisation", String, nullable=False),
    Column("name", String, nullable=False),
    Column("persistent", Boolean, nullable=False, default=False),
)

tracer = trace.get_tracer("traces-api")


class TraceRepository:
    """The metadata of traces, in SQL."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, trace_id: str, organisation: str, name: str) -> None:
        """A new trace, not persistent."""
        with self.engine.begin() as connection:
            connection.execute(insert(traces).values(id=trace_id, organisation=organisation, name=name, persistent=False))

    def fetch(self, trace_id: str, organisation: str) -> dict[str, Any] | None:
        """The trace, or None when the organisation has none of this id."""
        with tracer.start_as_current_span("TraceRepository.fetch") as span, self.engine.connect() as connection:
            query = select(traces).where(traces.c.id == trace_id, traces.c.organisation == organisation)
            rows = connection.execute(query).mappings().all()
            # How many rows came back, in the words of the database semantic conventions.
            span.set_attribute("db.response.returned_rows", len(rows))
            return dict(rows[0]) if rows else None

    def mark_persistent(self, trace_id: str) -> None:
        """Retention never deletes it from now on."""
        with self.engine.begin() as connection:
            connection.execute(update(traces).where(traces.c.id == trace_id).values(persistent=True))


def create_application(repository: TraceRepository, search: Elasticsearch, index: str, release: int) -> Flask:
    """The Flask application, of release 1 (as it should be) or 2 (with the bug)."""
    application = Flask("traces-api")

    def organisation_of_request() -> str:
        if release == 1:
            return request.headers["X-Organisation"]
        return request.headers.get("X-Organisation-Id", "public")  # the refactoring: nobody sends this header

    @application.put("/traces/<trace_id>")
    def create(trace_id: str) -> tuple[dict[str, Any], int]:
        document = {"organisation": request.headers["X-Organisation"], "name": request.get_json()["name"]}
        repository.add(trace_id, **document)
        search.index(index=index, id=trace_id, document=document | {"persistent": False})
        return {"id": trace_id}, 201

    @application.get("/traces/<trace_id>")
    def show(trace_id: str) -> tuple[dict[str, Any], int]:
        found = repository.fetch(trace_id, request.headers["X-Organisation"])
        return (found, 200) if found else ({"error": "no such trace"}, 404)

    @application.post("/traces/<trace_id>/persist")
    def persist(trace_id: str) -> tuple[dict[str, Any], int]:
        found = repository.fetch(trace_id, organisation_of_request())
        if found is None or found["persistent"]:  # validation: nothing to persist, or done before
            return {"accepted": True}, 202
        repository.mark_persistent(trace_id)
        search.update(index=index, id=trace_id, doc={"persistent": True})
        return {"accepted": True}, 202

    @application.get("/traces/<trace_id>/raw")
    def raw(trace_id: str) -> tuple[dict[str, Any], int]:
        try:
            return dict(search.get(index=index, id=trace_id)["_source"]), 200
        except NotFoundError:
            return {"error": "no such trace"}, 404

    return application


def empty_stores(engine: Engine, search: Elasticsearch, index: str) -> None:
    """Every run begins with the same data: none."""
    metadata.drop_all(engine)
    metadata.create_all(engine)
    search.options(ignore_status=404).indices.delete(index=index)


def main() -> None:
    """Serve on `PORT` until SIGTERM, which flushes the exporter first."""
    engine = create_engine(os.environ["DEMO_DATABASE_URL"])
    search = Elasticsearch(os.environ["DEMO_ELASTICSEARCH_URL"])
    index = os.environ["DEMO_INDEX"]
    empty_stores(engine, search, index)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    SQLAlchemyInstrumentor().instrument(engine=engine)
    application = create_application(TraceRepository(engine), search, index, int(os.environ["DEMO_RELEASE"]))
    FlaskInstrumentor().instrument_app(application, excluded_urls="ready")  # pyright: ignore[reportUnknownMemberType]
    application.add_url_rule("/ready", view_func=lambda: "ready")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        provider.shutdown()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    make_server("127.0.0.1", int(os.environ["PORT"]), application, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
