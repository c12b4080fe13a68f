"""Recording one run: the service and its suite under OpenTelemetry, their spans sent to Spangate."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate.demo.processes import DemoFailed, Process, free_port, python_module


@dataclass(frozen=True)
class Stores:
    """The two stores of the demo service. Empty addresses: the embedded stand-ins, fresh for every run."""

    database_url: str = ""
    elasticsearch_url: str = ""
    index: str = "traces"
    """Deleted at the start of every run."""
    spangate: Mapping[str, str] = field(default_factory=dict[str, str])
    """Spangate's own stores, as its settings in the environment; empty: SQLite."""


def service_environment(release: int) -> dict[str, str]:
    """What makes the service the one of the story. It captures the header without which nobody's request can be sent again."""
    return {
        "OTEL_SERVICE_NAME": "traces-api",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-organisation",
        "DEMO_RELEASE": str(release),
    }


def record(server: str, run: str, release: int, stores: Stores, directory: Path) -> None:
    """Start the service in `release`, run the suite against it, end both so that every span is flushed.

    Raises DemoFailed when a part does not start, or when a test of the suite fails.
    """
    telemetry = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": f"spangate.run={run},deployment.environment.name=demo",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    }
    logs = directory / "logs"
    scratch = Path(tempfile.mkdtemp(prefix="store-", dir=directory))
    search_port, service_port = free_port(), free_port()
    search_url = stores.elasticsearch_url or f"http://127.0.0.1:{search_port}"
    try:
        with Process("search", python_module("gate.demo.search"), logs, {"PORT": str(search_port)}) as search:
            search.wait_until_ready(f"http://127.0.0.1:{search_port}/ready")
            service = Process(
                "traces-api",
                python_module("gate.demo.application"),
                logs,
                {
                    **telemetry,
                    **service_environment(release),
                    "PORT": str(service_port),
                    "DEMO_DATABASE_URL": stores.database_url or f"sqlite:///{scratch / 'traces.db'}",
                    "DEMO_ELASTICSEARCH_URL": search_url,
                    "DEMO_INDEX": stores.index,
                },
            )
            with service:
                service.wait_until_ready(f"http://127.0.0.1:{service_port}/ready")
                suite = Process(
                    "suite",
                    python_module("gate.demo.suite"),
                    logs,
                    {**telemetry, "OTEL_SERVICE_NAME": "e2e-tests", "DEMO_URL": f"http://127.0.0.1:{service_port}"},
                )
                with suite:
                    failed = suite.child.wait(60)
        if failed:
            raise DemoFailed(f"{failed} test(s) of the demo's suite failed; see {logs / 'suite.log'}.")
    except subprocess.TimeoutExpired as error:
        raise DemoFailed(f"the demo's suite did not end within 60 s; see {logs / 'suite.log'}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
