"""The demo's service as a running process, in either release, with one trace in its stores."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from gate.demo.processes import Process, python_module
from gate.demo.recording import service_environment
from tests.acceptance.cli import environ
from tests.ports import free_port

HEADERS = {"X-Organisation": "acme"}


class DemoService:
    """Its address; every test persists a trace of its own, because persisting twice is not the same as once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made = 100

    def new_trace(self) -> str:
        """The id of a trace that is not persistent yet."""
        self._made += 1
        made = httpx.put(f"{self.url}/traces/{self._made}", json={"name": "x"}, headers=HEADERS, timeout=60, trust_env=False)
        made.raise_for_status()
        return str(self._made)


@contextmanager
def demo_service(folder: Path, endpoint: str, release: int) -> Iterator[DemoService]:
    """Serve until the block ends; its spans go to `endpoint`."""
    folder.mkdir(parents=True, exist_ok=True)
    search_port, port = free_port(), free_port()
    variables = environ(
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_BSP_SCHEDULE_DELAY="500",
        OTEL_SEMCONV_STABILITY_OPT_IN="http,database",
        DEMO_DATABASE_URL=f"sqlite:///{folder / 'traces.db'}",
        DEMO_ELASTICSEARCH_URL=f"http://127.0.0.1:{search_port}",
        DEMO_INDEX="traces",
        PORT=str(port),
    ) | service_environment(release)
    with ExitStack() as stack:
        search = stack.enter_context(
            Process("search", python_module("gate.demo.search"), folder, {**variables, "PORT": str(search_port)})
        )
        search.wait_until_ready(f"http://127.0.0.1:{search_port}/ready")
        service = stack.enter_context(Process("traces-api", python_module("gate.demo.application"), folder, variables))
        service.wait_until_ready(f"http://127.0.0.1:{port}/ready")
        yield DemoService(f"http://127.0.0.1:{port}")
