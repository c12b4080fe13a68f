"""`spangate serve`: the server, on SQLite unless told otherwise."""

import os
import socket

import click
import rich_click
import uvicorn

from gate.api.auth import is_loopback
from gate.app import create_app
from gate.errors import BadRequest
from gate.logs import configure_logs
from gate.settings import Settings
from gate.telemetry import start_telemetry


@rich_click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port for OTLP/HTTP, REST and /health (default 4318).")
@click.option("--data", help="Directory of the SQLite database (default spangate-data).")
def serve(host: str | None, port: int | None, data: str | None) -> None:
    """Receive traces, judge runs, answer the REST API. Every setting is also a SPANGATE_* variable (docs/settings.md)."""
    settings = Settings.from_environ(os.environ, host=host, port=port, data=data)
    if not is_loopback(settings.host) and not settings.admin_token:
        raise BadRequest(
            f"Refusing to listen on {settings.host} without a token: everyone who reaches it could write.",
            hint="Set SPANGATE_ADMIN_TOKEN, or listen on 127.0.0.1.",
        )
    configure_logs(settings.log_format)
    listener = _listener(settings)
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"Spangate listens on {address}, data in {(settings.database_url and 'PostgreSQL') or settings.data}")
    click.echo(f"  export OTEL_EXPORTER_OTLP_ENDPOINT={address}")
    click.echo(f"  spangate exec --server {address} -- pytest")
    telemetry = start_telemetry() if settings.telemetry else None
    config = uvicorn.Config(
        create_app(settings, telemetry=telemetry), log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        if telemetry is not None:
            telemetry.shutdown()


def _listener(settings: Settings) -> socket.socket:
    """Bound before anything else starts, so that a port in use is one line and not a stack trace."""
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        raise BadRequest(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.", hint="Choose another with --port or --host."
        ) from error
