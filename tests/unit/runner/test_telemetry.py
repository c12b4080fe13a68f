"""What a command that runs under `spangate exec` gets."""

import pytest

from gate.runner.telemetry import telemetry


def given(**environ: str) -> dict[str, str]:
    """The environment of the child."""
    return telemetry(environ, endpoint="http://127.0.0.1:1", run="r", environment="ci", headers={}).environ


def test_metrics_and_logs_are_not_sent_to_who_takes_spans() -> None:
    """An SDK that exports everything is told to keep what nobody would take."""
    child = given()
    assert (child["OTEL_METRICS_EXPORTER"], child["OTEL_LOGS_EXPORTER"]) == ("none", "none")
    assert (child["OTEL_TRACES_EXPORTER"], child["OTEL_EXPORTER_OTLP_ENDPOINT"]) == ("otlp", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    "own", [{"OTEL_METRICS_EXPORTER": "console"}, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics:4318/v1/metrics"}]
)
def test_who_says_where_metrics_go_keeps_them(own: dict[str, str]) -> None:
    """What the user set stays; logs are still off."""
    child = given(**own)
    assert child.get("OTEL_METRICS_EXPORTER") == own.get("OTEL_METRICS_EXPORTER")
    assert child["OTEL_LOGS_EXPORTER"] == "none"
