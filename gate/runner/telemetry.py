"""The environment that makes a child process send its spans here."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_DEFAULTS = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}


class Telemetry(msgspec.Struct, frozen=True):
    """The child's environment, and what the user should know about it."""

    environ: dict[str, str]
    warnings: tuple[str, ...]


def telemetry(environ: Mapping[str, str], *, endpoint: str, run: str, environment: str, headers: Mapping[str, str]) -> Telemetry:
    """`environ` with the OTEL_* variables that export spans to `endpoint` as part of `run`.

    What the user set stays, except the endpoint, which is replaced with a warning. Resource attributes and headers are added to
    the user's.
    """
    child = dict(environ)
    warnings: list[str] = []
    for name, value in ((_ENDPOINT, endpoint), (_TRACES_ENDPOINT, f"{endpoint}/v1/traces")):
        if environ.get(name) and environ[name] != value:
            warnings.append(f"{name} was {environ[name]}; spans of this command go to {value} instead")
            child[name] = value
    child[_ENDPOINT] = endpoint
    for name, value in _DEFAULTS.items():
        child[name] = environ.get(name) or value
    for signal in ("METRICS", "LOGS"):  # they would go to the endpoint, where nobody takes them, and be complained about
        if not environ.get(f"OTEL_{signal}_EXPORTER") and not environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"):
            child[f"OTEL_{signal}_EXPORTER"] = "none"
    warnings += obstacles(child)
    attributes = {"spangate.run": run, "deployment.environment.name": environment}
    child["OTEL_RESOURCE_ATTRIBUTES"] = _added(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""), attributes)
    if headers:
        child["OTEL_EXPORTER_OTLP_HEADERS"] = _added(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), headers)
    return Telemetry(child, tuple(warnings))


def obstacles(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that keep an SDK from exporting spans over OTLP/HTTP."""
    found: list[str] = []
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        found.append("OTEL_SDK_DISABLED is true: the SDK makes no spans")
    exporters = environ.get("OTEL_TRACES_EXPORTER", "otlp").replace(" ", "").split(",")
    if not any(exporter.startswith("otlp") for exporter in exporters):
        found.append(f"OTEL_TRACES_EXPORTER is {environ['OTEL_TRACES_EXPORTER']}: spans are not exported over OTLP")
    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        if environ.get(name, "").strip() == "grpc":
            found.append(f"{name} is grpc: this receiver speaks http/protobuf and http/json")
    sampler = environ.get("OTEL_TRACES_SAMPLER", "")
    if sampler not in ("", "always_on", "parentbased_always_on"):
        found.append(f"OTEL_TRACES_SAMPLER is {sampler}: a part of the traces may be left out")
    return tuple(found)


def _added(text: str, pairs: Mapping[str, str]) -> str:
    """`key=value,…` with percent-encoded values; a key that is there already stays as it is, except our own run."""
    present = {part.partition("=")[0].strip(): part.strip() for part in text.split(",") if part.strip()}
    for key, value in pairs.items():
        if key not in present or key in ("spangate.run", "x-spangate-run"):
            present[key] = f"{key}={quote(value, safe='')}"
    return ",".join(present.values())
