"""The HTTP request that started a flow, read from the attributes of the span that answered it and of the call to it."""

import json
from urllib.parse import urlsplit

import msgspec

from gate.codec.redact import REDACTED, SECRET_SUFFIXES
from gate.model.trace import AttributeValue, Span
from gate.spec.paths import escaped, parametrised
from gate.spec.spec import HttpRequest, Value

_HEADER = "http.request.header."
_BODIES = (
    "http.request.body",
    "http.request.body.content",
    "http.request.body.text",
    "http.request_body",
    "http.request.payload",
)
_NOT_SENT = frozenset(
    "host content-length connection accept-encoding user-agent traceparent tracestate baggage transfer-encoding keep-alive "
    "proxy-connection te upgrade expect forwarded x-request-id b3".split()
)
"""Headers that the client makes itself, or that belong to the recorded request only."""


_NO_HEADERS = (
    "No span carries request headers: if the service needs some (a tenant, an authorization), add them under `trigger.http.headers`, or "
    "have them captured (OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST)."
)


class Recorded(msgspec.Struct, frozen=True):
    """A request as recorded, with what is known about its parameters."""

    request: HttpRequest
    parameters: dict[str, Value]
    notes: tuple[str, ...] = ()


def recorded_request(server: Span, client: Span | None) -> Recorded | None:
    """The request that `server` answered; `client` (the call to it, if it is in the trace) fills in what the server does not say.

    None when there is no method or no path among the attributes: then it was no HTTP request.
    """
    spans = (server,) if client is None else (server, client)
    method = _first(spans, "http.request.method", "http.method").upper()
    full = urlsplit(_first(spans, "url.full", "http.url"))
    target = _first(spans, "url.path", "http.target") or full.path
    path, _, query = target.partition("?")
    query = query or _first(spans, "url.query").lstrip("?") or full.query
    if not method.isalpha() or not path.startswith("/"):
        return None
    templated, found = parametrised(path, _first(spans, "http.route"), ("base_url",))
    parameters: dict[str, Value] = {"base_url": _base_url(server, client), **found}
    url = "${base_url}" + templated + (f"?{escaped(query)}" if query else "")
    headers = _headers(spans, parameters)
    body, notes = _body(spans, method)
    if body and "content-type" not in headers and _is_json(body):
        headers["content-type"] = "application/json"
    if not headers:
        notes = (*notes, _NO_HEADERS)
    if REDACTED in body or REDACTED in url:
        notes = (*notes, f"The request has a value that was recorded as {REDACTED}: put `${{env:NAME}}` there.")
    return Recorded(HttpRequest(method, url, headers, escaped(body)), parameters, notes)


def _base_url(server: Span, client: Span | None) -> str:
    full = urlsplit(_first((client,) if client else (), "url.full", "http.url") or _first((server,), "url.full", "http.url"))
    if full.scheme and full.netloc:
        return f"{full.scheme}://{full.netloc.rpartition('@')[2]}"
    scheme = _first((server,), "url.scheme", "http.scheme") or "http"
    host = _first((server,), "http.host", "server.address", "http.server_name", "net.host.name") or "localhost"
    port = _first((server,), "server.port", "net.host.port")
    if port and ":" not in host and (scheme, port) not in (("http", "80"), ("https", "443")):
        host = f"{host}:{port}"
    return f"{scheme}://{host}"


def _headers(spans: tuple[Span, ...], parameters: dict[str, Value]) -> dict[str, str]:
    """Captured headers; a secret one is read from the environment."""
    headers: dict[str, str] = {}
    for span in spans:
        for key, value in span.attributes.items():
            name = key.removeprefix(_HEADER).replace("_", "-").lower()
            text = _text(value)
            if not key.startswith(_HEADER) or name in headers or name in _NOT_SENT or name.startswith("x-forwarded-"):
                continue
            if not (text.isascii() and text.isprintable() and name.isascii() and name.replace("-", "").isalnum()):
                continue
            if text == REDACTED or name.replace("-", "_").endswith(tuple(word for word in SECRET_SUFFIXES if word.isalpha())):
                parameter = name.replace("-", "_")
                parameters[parameter] = f"${{env:{parameter.upper()}}}"
                headers[name] = f"${{{parameter}}}"
            else:
                headers[name] = escaped(text)
    return dict(sorted(headers.items()))


def _body(spans: tuple[Span, ...], method: str) -> tuple[str, tuple[str, ...]]:
    body = _first(spans, *_BODIES)
    size = _first(spans, "http.request.body.size", "http.request_content_length")
    if body:
        return body, ()
    if size.isdecimal() and int(size) > 0:
        return "", (
            f"The recorded request had a body of {size} bytes that no span carries: add it as `body` under `trigger.http`.",
        )
    if method in ("POST", "PUT", "PATCH"):
        return "", (f"No span says whether the recorded {method} had a body: if so, add it as `body` under `trigger.http`.",)
    return "", ()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _first(spans: tuple[Span, ...], *keys: str) -> str:
    for span in spans:
        for key in keys:
            if text := _text(span.attributes.get(key)):
                return text
    return ""


def _text(value: AttributeValue) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case list():
            return ", ".join(_text(item) for item in value)
        case _:
            return msgspec.json.encode(value).decode()
