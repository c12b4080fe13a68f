"""The OpenAPI description at `/schema`: JSON and YAML, no page that would load scripts from elsewhere."""

from typing import Any, cast

import msgspec
from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag

from gate import __version__
from gate.api import bodies
from gate.api.media import MEDIA_TYPES
from gate.compare import DEFAULT_LEVELS
from gate.model.policy import Policy, Rule

Node = dict[str, Any]
"""A part of the description, as JSON has it."""

_BODIES = (
    bodies.NewProject, bodies.ProjectChange, bodies.NewToken, bodies.NewRun, bodies.Finish, bodies.NewApproval, bodies.NewRejection,
    bodies.Withdrawal, bodies.SpecSource, bodies.SpecChange, bodies.SpecCheck, bodies.Reasoned, bodies.PruneOrder, Policy, Rule,
)  # fmt: skip
_PROJECT: Node = {
    "name": "project",
    "in": "query",
    "required": False,
    "description": "Another project than the token's: only with the server's admin token, or in local mode.",
    "schema": {"type": "string"},
}
_OR_EMPTY: Node = {
    "since": {"format": "date-time"},
    "until": {"format": "date-time"},
    "status": {"pattern": "^([1-5][0-9][0-9]|[1-5]xx)$"},
}
"""Parameters that may be empty, which is the same as not there."""


def openapi_config() -> OpenAPIConfig:
    """The description's head; the rest comes from the handlers, and from `completed`."""
    return OpenAPIConfig(
        title="Spangate",
        version=__version__,
        summary="A regression gate for distributed traces.",
        description=(
            "Send spans to `POST /v1/traces` (OTLP/HTTP), finish the run, read its verdict. "
            "A token decides the project; in local mode (a loopback server without tokens) and with the server's admin token, "
            "`?project=` names another than `default`. Errors are `application/problem+json` (RFC 9457)."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/schema",
        render_plugins=[_Json(path=["/openapi.json", "/"]), _Yaml(path=["/openapi.yaml"])],
        use_handler_docstrings=True,
        security=[{"bearer": []}, {}],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", description="A token: `sg_…`.")}
        ),
        tags=[
            Tag(name="runs", description="Begin, finish, verdict, report, approval."),
            Tag(name="traces", description="Search, compare, promote."),
            Tag(name="baselines", description="Flows with their golden samples."),
            Tag(name="projects", description="Projects, policies, tokens."),
            Tag(name="operation", description="Health, counts, retention."),
        ],
    )


def completed(description: Node) -> Node:
    """The description with what Litestar leaves out: closed bodies with all their bounds, bodies that may be left out, the media
    type of each `format`, what a time is, and `?project=`. The given one stays as it is."""
    description = msgspec.json.decode(msgspec.json.encode(description))
    schemas: Node = description["components"]["schemas"]
    _, exact = msgspec.json.schema_components(_BODIES, ref_template="#/components/schemas/{name}")
    exact["Policy"]["properties"]["levels"]["propertyNames"] = {"enum": sorted(DEFAULT_LEVELS)}
    names = {schema.get("title", name): name for name, schema in schemas.items()}
    for name, schema in exact.items():
        schemas[names.get(name, name)] = schema
    for path, operations in description["paths"].items():
        for operation in operations.values():
            _complete(operation)
            if path.startswith("/api/v1"):
                operation.setdefault("parameters", []).append(_PROJECT)
    return description


def _complete(operation: Node) -> None:
    body: Node = operation.get("requestBody", {})
    carried: Node = body.get("content", {}).get("application/json", {})
    match carried.get("schema"):
        case {"oneOf": [schema, {"type": "null"}]}:
            carried["schema"], body["required"] = schema, False
        case _:
            pass
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in _OR_EMPTY:
            parameter["schema"] = {"type": "string", "anyOf": [_OR_EMPTY[parameter["name"]], {"maxLength": 0}]}
        if parameter["name"] == "format":
            answer: Node = operation["responses"]["200"]
            answer["content"] = _content(parameter["schema"]["enum"], answer["content"])


def _content(formats: list[str], content: Node) -> Node:
    """One entry a media type; structured where it is known, else text."""
    media = {each: MEDIA_TYPES.get(each, "application/json").partition(";")[0] for each in formats}
    known: Node = content.get("application/json", {}).get("schema", {})
    described: Node = {kind: {"schema": {} if kind == "application/yaml" else {"type": "string"}} for kind in media.values()}
    if "application/json" in described:
        several = list(media.values()).count("application/json") > 1
        described["application/json"] = {"schema": {"anyOf": [known, {"type": "object"}]} if several else known}
    return described


class _Json(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: Node) -> bytes:
        return cast(Any, super()).render(request, completed(openapi_schema))


class _Yaml(YamlRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: Node) -> bytes:
        return cast(Any, super()).render(request, completed(openapi_schema))
