"""The recorded request as a trigger with parameters."""

import pytest

from gate.errors import BadRequest
from gate.model.trace import AttributeValue
from gate.spec import build_spec, resolve
from gate.spec.paths import parametrised
from gate.spec.spec import HttpRequest
from tests.unit.spec.drawn import drawn

SERVER: dict[str, AttributeValue] = {
    "http.request.method": "POST",
    "http.route": "/traces/<trace_id>/persist",
    "url.path": "/traces/4711/persist",
    "url.scheme": "http",
    "server.address": "127.0.0.1",
    "server.port": 8000,
}


@pytest.mark.parametrize(
    ("path", "route", "url", "values"),
    [
        ("/traces/4711/persist", "/traces/<trace_id>/persist", "/traces/${trace_id}/persist", {"trace_id": "4711"}),
        ("/traces/4711", "/traces/<int:trace_id>", "/traces/${trace_id}", {"trace_id": "4711"}),
        ("/o/1/i/2", "/o/{order}/i/{item}", "/o/${order}/i/${item}", {"order": "1", "item": "2"}),
        ("/o/1", "/o/{order:[0-9]+}", "/o/${order}", {"order": "1"}),
        ("/o/1", "/o/:id", "/o/${id}", {"id": "1"}),
        ("/files/a/b.txt", "/files/{path:path}", "/files/${path}", {"path": "a/b.txt"}),
        ("/api/v1/users/7", "/users/{id}", "/api/v1/users/${id}", {"id": "7"}),
        ("/a/1/b/2", "/a/{id}/b/{id}", "/a/${id}/b/${id_2}", {"id": "1", "id_2": "2"}),
        ("/orders/4711", "", "/orders/${order_id}", {"order_id": "4711"}),
        ("/health", "/health", "/health", {}),
        ("/a/${x}", "/other", "/a/$${x}", {}),
        ("/x/1", "/x/{base_url}", "/x/${base_url_2}", {"base_url_2": "1"}),
    ],
)
def test_identifiers_in_a_path_are_parameters(path: str, route: str, url: str, values: dict[str, str]) -> None:
    """Routes of the usual frameworks name the parameters; without a route what stands before an identifier does."""
    assert parametrised(path, route, ("base_url",)) == (url, values)


def test_the_trigger_of_a_server_span() -> None:
    """Method, address, path and parameters come from the span's attributes."""
    spec = build_spec([drawn("api: POST", {"POST": SERVER})])
    assert spec.trigger is not None
    assert spec.trigger.http == HttpRequest("POST", "${base_url}/traces/${trace_id}/persist")
    assert spec.parameters == {"base_url": "http://127.0.0.1:8000", "trace_id": "4711"}


def test_headers_body_and_secrets() -> None:
    """Captured headers and bodies are sent again; secrets come from the environment, transport headers are left out."""
    captured: dict[str, AttributeValue] = {
        "http.request.header.x-organisation": ["acme"],
        "http.request.header.authorization": ["[redacted]"],
        "http.request.header.host": ["127.0.0.1:8000"],
        "http.request.header.traceparent": ["00-1-2-01"],
        "http.request.body": '{"name": "${x}"}',
    }
    spec = build_spec([drawn("api: POST", {"POST": {**SERVER, **captured}})])
    assert spec.trigger is not None
    assert spec.trigger.http.headers == {
        "authorization": "${authorization}",
        "content-type": "application/json",
        "x-organisation": "acme",
    }
    assert spec.parameters["authorization"] == "${env:AUTHORIZATION}"
    sent = resolve(spec, {"base_url": "https://staging.example/"}, {"AUTHORIZATION": "Bearer s3cret"})
    assert sent.url == "https://staging.example/traces/4711/persist"
    assert sent.headers["authorization"] == "Bearer s3cret"
    assert sent.body == '{"name": "${x}"}'


def test_a_body_that_nobody_captured_is_said() -> None:
    """A request that had a body of known size is not sent as if it had none, without a word."""
    spec = build_spec([drawn("api: POST", {"POST": {**SERVER, "http.request.body.size": 20}})])
    assert "The recorded request had a body of 20 bytes that no span carries" in spec.notes[0]


def test_a_flow_without_a_request() -> None:
    """A consumed message has no trigger; the spec says so, and running it is refused."""
    spec = build_spec([drawn("worker: process", {})])
    assert spec.trigger is None
    with pytest.raises(BadRequest, match="has no trigger"):
        resolve(spec, {}, {})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"base": "x"}, "no parameter 'base'"),
        ({"base_url": "${env:NOPE}"}, "environment variable NOPE"),
        ({"base_url": "x"}, "no http address"),
    ],
)
def test_wrong_parameters(overrides: dict[str, str | int | bool], message: str) -> None:
    """An unknown parameter, an unset variable and an address that is none are named."""
    with pytest.raises(BadRequest, match=message):
        resolve(build_spec([drawn("api: POST", {"POST": SERVER})]), overrides, {})
