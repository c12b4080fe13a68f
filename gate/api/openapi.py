"""The OpenAPI description at `/schema`: JSON and YAML, no page that would load scripts from elsewhere."""

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag

from gate import __version__


def openapi_config() -> OpenAPIConfig:
    """The description's head; the rest comes from the handlers."""
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
        render_plugins=[JsonRenderPlugin(path=["/openapi.json", "/"]), YamlRenderPlugin(path=["/openapi.yaml"])],
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
