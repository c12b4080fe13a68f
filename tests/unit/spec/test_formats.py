"""A spec taken away as a shell script and as a Tracetest definition."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from gate.errors import BadRequest
from gate.spec import FORMATS, parse_spec, render_spec
from gate.spec.spec import AttributeIs, Call, Happens, HttpRequest, NoErrors, Rows, Spec, Trigger
from tests.unit.spec.test_texts import specs

HOSTILE = 'it\'s $(touch /tmp/no) `id` "x" \\ ${env:HOME} $${not} \n line'
SPEC = Spec(
    name="persist a trace\n$(touch x)",
    entry=Call("api", "POST /traces/{id}/persist"),
    trigger=Trigger(
        HttpRequest(
            "POST",
            "${base_url}/traces/${trace id}/persist?q=[1]",
            {"content-type": "text/plain", "x-note": "a'b"},
            "${body}|$${raw}|'",
        )
    ),
    parameters={"base_url": "http://127.0.0.1:1", "trace id": "47 11", "body": HOSTILE},
    validations=(
        Happens(call=Call("api", "UPDATE traces"), times=1),
        Happens(call=Call("api", "SELECT", "SELECT * FROM traces WHERE id = ?"), times="2..5"),
        AttributeIs(call=Call("api", "POST /traces/{id}/persist"), key="http.response.status_code", equals=200),
        Rows(call=Call("api", "", "SELECT name FROM t WHERE a = ?"), rows="some"),
        NoErrors(),
    ),
)


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.seen = (self.path, dict(self.headers), body)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def listening() -> Iterator[HTTPServer]:
    """A server that remembers the last request."""
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_script_sends_the_request(listening: HTTPServer, tmp_path: Path) -> None:
    """With an environment's parameters, the caller's variables, headers, body and a traceparent; the shell reads nothing in them."""
    address = f"http://127.0.0.1:{listening.server_address[1]}"
    script = tmp_path / "spec.sh"
    script.write_text(render_spec(SPEC, "curl", {"base_url": address}))
    ran = subprocess.run(
        ["sh", script], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": "/home/eve", "trace_id": "9"}, capture_output=True, text=True
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    path, headers, body = listening.seen  # type: ignore[attr-defined]
    assert path == "/traces/9/persist?q=[1]"
    assert (headers["content-type"], headers["x-note"]) == ("text/plain", "a'b")
    assert body == HOSTILE.replace("${env:HOME}", "/home/eve").replace("$${", "${") + "|${raw}|'"
    assert headers["traceparent"].split("-")[1] in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.sh"]


def test_tracetest_says_what_it_can() -> None:
    """Counts, ranges, attributes and rows, below the entry; placeholders become `contains`, and a statement the names in it, since spans
    have it with other spaces; what is left out is said."""
    text = render_spec(SPEC, "tracetest")
    document = yaml.safe_load(text)
    assert document["type"] == "Test"
    entry = 'span[service.name="api" name contains "POST /traces/"]'
    assert [(each["selector"], each["assertions"]) for each in document["spec"]["specs"]] == [
        (f'{entry} span[service.name="api" name="UPDATE traces"]', ["attr:tracetest.selected_spans.count = 1"]),
        (
            f'{entry} span[service.name="api" name contains "SELECT" db.query.text contains "SELECT" '
            'db.query.text contains "FROM" db.query.text contains "traces" db.query.text contains "WHERE"]',
            ["attr:tracetest.selected_spans.count >= 2", "attr:tracetest.selected_spans.count <= 5"],
        ),
        (entry, ["attr:http.response.status_code = 200"]),
        (
            f'{entry} span[service.name="api" db.query.text contains "SELECT" db.query.text contains "name" '
            'db.query.text contains "FROM" db.query.text contains "WHERE"]',
            ["attr:db.response.returned_rows > 0"],
        ),
    ]
    assert "# Not said here, because Tracetest's language cannot: no call fails" in text
    assert document["spec"]["trigger"]["httpRequest"]["url"] == "http://127.0.0.1:1/traces/47 11/persist?q=[1]"


@settings(max_examples=40, deadline=None)
@given(specs)
def test_every_form_takes_every_spec(spec: Spec) -> None:
    """Whatever the texts are: YAML parses, a script is one that the shell parses; only curl may refuse, and only without a request."""
    for format in FORMATS:
        if format == "curl" and spec.trigger is None:
            with pytest.raises(BadRequest, match="no trigger"):
                render_spec(spec, format)
            continue
        text = render_spec(spec, format)
        if format == "tracetest":
            assert yaml.safe_load(text)["type"] == "Test"
        if format == "curl":
            checked = subprocess.run(["sh", "-n"], input=text.encode(), capture_output=True)
            assert checked.returncode == 0, (text, checked.stderr)


def test_an_environment_replaces_parameters() -> None:
    """In the YAML too, so that what is taken away runs there."""
    text = render_spec(SPEC, "yaml", {"base_url": "https://staging"})
    assert parse_spec(text).parameters == {**SPEC.parameters, "base_url": "https://staging"}
