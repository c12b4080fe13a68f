"""From settings to a running `Gate`."""

import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gate.service import Gate
from gate.settings import Settings
from gate.store.elasticsearch.cluster import Access
from gate.store.sql.stores import open_postgres, open_sqlite
from gate.usecases.completion import Patience
from gate.usecases.gate import Options, StoreGate


async def open_gate(settings: Settings, *, clock: Callable[[], int] = time.time_ns, serve: bool = True) -> Gate:
    """Open the stores, migrate their schema, and (when it is to `serve`) do in the background what a server does by itself: resume
    what was left, judge, prune. Close the gate at the end.

    `clock` gives nanoseconds since the epoch. Raises Unavailable when a store cannot be used, with the reason."""
    elasticsearch = _elasticsearch(settings) if settings.elasticsearch_url else None
    if settings.database_url:
        stores = await open_postgres(settings.database_url, elasticsearch, seconds=settings.store_seconds)
    else:
        stores = await open_sqlite(Path(settings.data) / "spangate.db", elasticsearch, seconds=settings.store_seconds)
    options = Options(
        patience=Patience(int(settings.quiet_seconds * 1e9), int(settings.deadline_seconds * 1e9)),
        retention_days=settings.retention_days,
        admin_token=settings.admin_token,
        server_url=settings.public_url,
        version=_version(),
    )
    gate = StoreGate(stores, options, clock=clock)
    await gate.start(serve=serve)
    return gate


def _elasticsearch(settings: Settings) -> Access:
    return Access(**{name: getattr(settings, f"elasticsearch_{name}") for name in Access.__struct_fields__})


def _version() -> str:
    try:
        return version("spangate")
    except PackageNotFoundError:
        return ""
