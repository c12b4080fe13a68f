"""Spangate's own traces, by OpenTelemetry; off by default. Where they go is set by the usual `OTEL_*` environment.

Health checks and received exports are not traced: a server that exports to itself would never come to rest.
"""

import functools
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from litestar.types import ASGIApp, Scope

from gate import __version__
from gate.errors import BadRequest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_UNTRACED = r"//[^/]+/health(\?|$),//[^/]+/v1/traces(\?|$)"
"""Patterns that are looked for in the whole URL: `/api/v1/traces/…` is not meant."""


class Telemetry:
    """A tracer provider, as ASGI middleware and around the use cases. `shutdown` sends what is left."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("spangate", __version__)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Server spans named by route: `POST /api/v1/traces/{trace_id}/promote`."""
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
        from opentelemetry.util.http import parse_excluded_urls

        instrumented: Any = OpenTelemetryMiddleware(
            app,  # pyright: ignore[reportArgumentType]
            default_span_details=_span_details,
            excluded_urls=parse_excluded_urls(_UNTRACED),
            exclude_spans=["receive", "send"],
            tracer_provider=self._provider,
        )
        return instrumented

    def traced(self, gate: object) -> object:
        """The gate with a span around each of its calls: `gate.promote`."""
        return _Traced(gate, self._tracer)

    def shutdown(self) -> None:
        """Send what is left; no more spans after it."""
        self._provider.shutdown()


def start_telemetry() -> Telemetry:
    """Export to `OTEL_EXPORTER_OTLP_ENDPOINT`. Raises BadRequest when the extra packages are not installed."""
    try:
        import_module("opentelemetry.instrumentation.asgi")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadRequest(
            f"SPANGATE_TELEMETRY is on, but {error.name} is not installed.", hint="pip install 'spangate[telemetry]'"
        ) from error
    resource = Resource({"service.name": "spangate", "service.version": __version__}).merge(Resource.create())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Telemetry(provider)


class _Traced:
    def __init__(self, gate: object, tracer: Any) -> None:
        self._gate = gate
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gate, name)
        if name in ("receive", "check") or not inspect.iscoroutinefunction(method):
            return method

        @functools.wraps(method)
        async def traced(*arguments: Any, **options: Any) -> Any:
            with self._tracer.start_as_current_span(f"gate.{name}"):
                return await method(*arguments, **options)

        return traced


def _span_details(scope: Scope) -> tuple[str, dict[str, str]]:
    facts = dict[str, Any](scope)
    route = str(facts.get("path_template") or facts["path"])
    return f"{facts.get('method', '')} {route}".strip(), {"http.route": route}
