"""`docs/getting-started.md`: the fixture that it gives really makes each test a flow."""

import json
import re
import sys
from pathlib import Path

from tests.acceptance.cli import ROOT, spangate

TRACING = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
"""
TESTS = """
import pytest
from opentelemetry import trace


@pytest.mark.parametrize("amount", [1, 2])
def test_pay(amount):
    for _ in range(amount):
        with trace.get_tracer("shop").start_as_current_span("UPDATE orders", kind=trace.SpanKind.CLIENT):
            pass


def test_list():
    with trace.get_tracer("shop").start_as_current_span("SELECT orders", kind=trace.SpanKind.CLIENT):
        pass
"""
PYTEST = ("-m", "pytest", "-q", "-p", "tracing", "-p", "no:cacheprovider", "-c", "pytest.ini", "--rootdir", ".")


def test_one_span_a_test(tmp_path: Path) -> None:
    """The three tests are three flows, called by their names, with what each did below; run again, each passes."""
    (fixture,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "getting-started.md").read_text(), re.DOTALL)
    files = {"conftest.py": fixture, "tracing.py": TRACING, "test_shop.py": TESTS, "pytest.ini": "[pytest]\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = ("--quiet", "0.6", "--format", "json", "--", sys.executable, *PYTEST)
    for options in (("--update",), ()):
        result = spangate("exec", *options, *command, cwd=tmp_path, PYTHONPATH=f"{ROOT}:{tmp_path}")
        assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout[result.stdout.index('{"schema') :])
    flows = {flow["key"]["test_case"]: (flow["conclusion"], len(flow["rows"])) for flow in report["flows"]}
    assert flows == {"test_pay[1]": ("pass", 2), "test_pay[2]": ("pass", 3), "test_list": ("pass", 2)}
