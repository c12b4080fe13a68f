"""The ASGI application: the gate behind its doors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.di import Provide

from gate.api.auth import Authorizer
from gate.api.openapi import openapi_config
from gate.api.operation import health
from gate.api.request_id import log_requests
from gate.api.routes import api_router
from gate.api.security_headers import security_headers
from gate.codec.limits import Limits
from gate.codec.redact import Redaction
from gate.errors import Unavailable
from gate.ingest.http import Bounds, otlp_route
from gate.service import Gate
from gate.settings import Settings
from gate.telemetry import Telemetry
from gate.usecases.opening import open_gate
from gate.web.problems import PAGE_EXCEPTION_HANDLERS
from gate.web.routes import pages_router

__all__ = ["create_app", "open_gate"]


def create_app(settings: Settings, gate: Gate | None = None, *, telemetry: Telemetry | None = None) -> Litestar:
    """The application. Without a gate it opens one at its start and closes it at its end; a given one stays the caller's."""
    slot = _Slot(gate)
    served = cast(Gate, slot if telemetry is None else telemetry.traced(slot))
    authorizer = Authorizer(served, settings)

    @asynccontextmanager
    async def own_gate(_: Litestar) -> AsyncGenerator[None]:
        slot.gate = await open_gate(settings)
        try:
            yield
        finally:
            await slot.gate.close()

    def provide_gate() -> Gate:
        return served

    app = Litestar(
        route_handlers=[
            api_router(authorizer),
            _otlp(served, authorizer, settings),
            health,
            pages_router(served, authorizer, settings),
        ],
        dependencies={"gate": Provide(provide_gate, sync_to_thread=False)},
        exception_handlers=PAGE_EXCEPTION_HANDLERS,
        lifespan=[] if gate is not None else [own_gate],
        middleware=[] if telemetry is None else [telemetry.middleware],
        openapi_config=openapi_config(),
        logging_config=None,
        signature_types=[Gate],
    )
    # Around the router, not inside: its own 404 and 405 pass these too.
    app.asgi_handler = log_requests(security_headers(app.asgi_handler))
    return app


class _Slot:
    """A gate that is opened after the routes are made."""

    gate: Gate | None

    def __init__(self, gate: Gate | None) -> None:
        self.gate = gate

    def __getattr__(self, name: str) -> Any:
        if self.gate is None:
            raise Unavailable("The server is starting.")
        return getattr(self.gate, name)


def _otlp(gate: Gate, authorizer: Authorizer, settings: Settings) -> Any:
    bounds = Bounds(settings.max_body_bytes, settings.max_inflated_bytes, settings.max_pending_bytes)
    values = msgspec.structs.asdict(settings)
    limits = Limits(**{field.name: values[field.name] for field in msgspec.structs.fields(Limits) if field.name in values})
    return otlp_route(gate, authorizer.authorize, bounds=bounds, limits=limits, redaction=Redaction(settings.redact))
