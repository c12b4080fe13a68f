"""`spangate serve`: the server, on SQLite unless told otherwise."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Generator

import click
import rich_click
import uvicorn

from gate.api.auth import is_loopback
from gate.app import create_app, open_gate
from gate.errors import BadRequest
from gate.logs import configure_logs
from gate.runner.listening import address_of, listen
from gate.service import Gate
from gate.settings import Settings
from gate.telemetry import Telemetry, start_telemetry


@rich_click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port for OTLP/HTTP, REST and /health (default 4318).")
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
    listener = listen(settings.host, settings.port, hint="Choose another with --port or --host.", backlog=2048)
    telemetry = start_telemetry() if settings.telemetry else None
    try:
        # uvicorn's loop, which is uvloop where it can be had.
        with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
            runner.run(_serve(settings, telemetry, listener))
    finally:
        if telemetry is not None:
            telemetry.shutdown()


async def _serve(settings: Settings, telemetry: Telemetry | None, listener: socket.socket) -> None:
    """Open the gate here and not in the application's lifespan: a store that cannot be used is one line, not a stack trace."""
    gate = await open_gate(settings)
    try:
        address = settings.public_url or address_of(listener, settings.host)
        click.echo(f"Spangate listens on {address}, data in {'PostgreSQL' if settings.database_url else settings.data}")
        click.echo(f"  export OTEL_EXPORTER_OTLP_ENDPOINT={address}")
        click.echo(f"  spangate exec --server {address} -- pytest")
        app = create_app(settings, gate, telemetry=telemetry)
        _keep_out_of_collections()
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10)
        await _Server(config, gate).serve(sockets=[listener])
    finally:
        await gate.close()


def _keep_out_of_collections() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again. A trace of 10,000 spans makes
    hundreds of thousands of values without a cycle; Python's own thresholds go through all of them every 700 values."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class _Server(uvicorn.Server):
    """Ends with code 0 when it is told to end: uvicorn itself raises the signal again. A second signal does not wait for clients."""

    def __init__(self, config: uvicorn.Config, gate: Gate) -> None:
        super().__init__(config)
        self._gate = gate

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._gate.stop_waiting()
        await super().shutdown(sockets)
