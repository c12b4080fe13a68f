"""How people reach this server, for the links in what it answers."""

from typing import Any

import msgspec
from litestar.connection import ASGIConnection

from gate.model.run import Report


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The server as this client called it, without a final slash; a proxy's `X-Forwarded-Proto` counts where uvicorn trusts it."""
    return str(connection.base_url).rstrip("/")


def addressed(report: Report, connection: ASGIConnection[Any, Any, Any, Any]) -> Report:
    """The report with the server's public address; where `SPANGATE_PUBLIC_URL` does not say it, the one that was called."""
    return report if report.server_url else msgspec.structs.replace(report, server_url=client_address(connection))
