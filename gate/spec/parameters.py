"""Parameters → the request that is sent."""

import re
from collections.abc import Mapping

import msgspec

from gate.errors import BadRequest
from gate.spec.spec import HttpRequest, Spec, Value

_REFERENCE = re.compile(r"\$(\$\{|\{(env:)?([^{}]*)\})")


def resolve(spec: Spec, overrides: Mapping[str, Value], environ: Mapping[str, str]) -> HttpRequest:
    """The spec's request with every `${…}` replaced. `overrides` win over the spec's own parameters.

    A parameter's value may name environment variables, not other parameters. Raises BadRequest when the spec has no request, when
    an override names no parameter, and when a parameter or a variable has no value; the message never shows a value.
    """
    if spec.trigger is None:
        raise BadRequest(
            f"The spec {spec.name!r} has no trigger.",
            hint="Add one, or test traces that are there: spangate spec check SPEC TRACES…",
        )
    unknown = sorted(overrides.keys() - spec.parameters.keys())
    if unknown:
        known = ", ".join(spec.parameters) or "none"
        raise BadRequest(f"The spec {spec.name!r} has no parameter {unknown[0]!r}.", hint=f"Its parameters: {known}.")
    values = {name: _environment(_text(value), environ, name) for name, value in {**spec.parameters, **overrides}.items()}
    http = spec.trigger.http
    if http.url.startswith("${base_url}") and "base_url" in values:
        values["base_url"] = values["base_url"].rstrip("/")
    request = msgspec.structs.replace(
        http,
        url=_fill(http.url, values, environ, "trigger.http.url"),
        headers={name: _fill(text, values, environ, f"trigger.http.headers.{name}") for name, text in http.headers.items()},
        body=_fill(http.body, values, environ, "trigger.http.body"),
    )
    if not request.url.startswith(("http://", "https://")):
        raise BadRequest(f"The request's URL is {request.url!r}, which is no http address.", hint="Set base_url.")
    return request


def _fill(text: str, values: Mapping[str, str], environ: Mapping[str, str], where: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] == "${":
            return "${"
        if match[2]:
            return _variable(match[3], environ, where)
        if match[3] not in values:
            raise BadRequest(f"{where} needs the parameter {match[3]!r}, which has no value.", hint="Add it to `parameters`.")
        return values[match[3]]

    return _REFERENCE.sub(value, text)


def _environment(text: str, environ: Mapping[str, str], name: str) -> str:
    """The value of a parameter: only environment variables are filled in."""
    return _REFERENCE.sub(lambda match: _variable(match[3], environ, f"parameter {name}") if match[2] else match[0], text)


def _variable(name: str, environ: Mapping[str, str], where: str) -> str:
    if name not in environ:
        raise BadRequest(f"{where} needs the environment variable {name}, which is not set.")
    return environ[name]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
