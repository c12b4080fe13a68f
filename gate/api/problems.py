"""Errors over HTTP: every one is `application/problem+json` (RFC 9457), whoever raised it."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec

from gate.api.request_id import request_id
from gate.errors import GateError, Overloaded

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:spangate:problem:"

logger: structlog.stdlib.BoundLogger = structlog.get_logger("spangate.http")


class Problem(msgspec.Struct, frozen=True):
    """What a failed request is answered with."""

    type: str
    """Names the kind of error: `urn:spangate:problem:not-found`."""
    title: str
    """The kind in words; the same for every error of this type."""
    status: int
    detail: str
    """What happened, and where."""
    instance: str
    """The path that was asked for."""
    hint: str = ""
    """What to do about it; may be empty."""


def problem_response(
    request: Request[Any, Any, Any], problem: Problem, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """The problem as an answer."""
    del request
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def on_gate_error(request: Request[Any, Any, Any], error: GateError) -> Response[bytes]:
    """A `GateError` says all that a problem needs; a class of the tree is a problem type."""
    headers: dict[str, str] = {}
    if isinstance(error, Overloaded):
        headers["retry-after"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="spangate"'
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request failed", error=str(error), request_id=request_id(request.scope))
    return problem_response(
        request,
        Problem(
            type=TYPE_PREFIX + _kebab(type(error).__name__),
            title=error.title,
            status=error.status,
            detail=error.detail,
            instance=request.url.path,
            hint=error.hint,
        ),
        headers,
    )


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: no such route or method, a body or parameter of the wrong shape, too much."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_exception(request, error)
    status = HTTPStatus(error.status_code)
    detail, hint = str(error.detail), ""
    match status:
        case HTTPStatus.NOT_FOUND:
            detail, hint = f"There is nothing at {request.url.path}.", "The API is described at /schema/openapi.json."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail, hint = (
                f"{request.method} is not possible on {request.url.path}.",
                "The API is described at /schema/openapi.json.",
            )
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            detail, hint = "The request's body is over the limit of this endpoint.", "Send less at once."
        case HTTPStatus.BAD_REQUEST:
            detail = _validation_detail(error)
        case _:
            pass
    return problem_response(
        request,
        Problem(
            type=TYPE_PREFIX + _kebab(status.phrase.title().replace(" ", "")),
            title=_TITLES.get(status, status.phrase.capitalize()),
            status=status,
            detail=detail,
            instance=request.url.path,
            hint=hint,
        ),
        error.headers,
    )


def on_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A mistake of ours: the log has it under the request's id, the answer has only the id."""
    identity = request_id(request.scope)
    logger.error("unexpected error", exc_info=error, request_id=identity, method=request.method, path=request.url.path)
    return problem_response(
        request,
        Problem(
            type=TYPE_PREFIX + "internal",
            title="Internal error",
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            detail=f"Something went wrong inside Spangate; its log has it under request id {identity}.",
            instance=request.url.path,
            hint="Please report it with the lines of the log.",
        ),
    )


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The OpenAPI descriptions of the problems that a handler can answer with, beside those that all can."""
    return {
        status: ResponseSpec(
            data_container=Problem, media_type=MEDIA_TYPE, description=_DESCRIPTIONS[status], generate_examples=False
        )
        for status in (*_EVERYWHERE, *statuses)
    }


_EVERYWHERE = (400, 401, 403, 404)
_DESCRIPTIONS = {
    400: "The request is wrong; `detail` says where.",
    401: "No token, or one that nobody knows.",
    403: "The token lacks the scope, or the request comes from another site's page.",
    404: "There is no such thing in this project.",
    409: "The state of things forbids it.",
    413: "The body is over its limit.",
    415: "The body is not JSON.",
    422: "There is nothing to work on.",
    503: "A part of the server does not work.",
}
_TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large"}


def _validation_detail(error: HTTPException) -> str:
    """Litestar's list of what is wrong, as one sentence that names each place."""
    extra: Any = error.extra
    if not isinstance(error, ValidationException) or not isinstance(extra, list):
        return re.sub(r"^Bad Request: ", "", str(error.detail))
    parts: list[str] = []
    for item in cast(list[Any], extra):
        if isinstance(item, dict):
            item = cast(dict[str, Any], item)
            source = str(item.get("source", "")).rpartition(".")[2].lower()
            key = str(item.get("key", "")).removeprefix("data").lstrip(".")
            where = " ".join(filter(None, (source, key)))
            parts.append(f"{where}: {item.get('message', '')}" if where else str(item.get("message", "")))
    return "; ".join(parts) or str(error.detail)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
