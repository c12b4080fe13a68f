"""Errors of pages: a page that says what happened and what to do. The words are those of the API's problems.

Somebody who is not signed in is led to the sign-in page, and back."""

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from gate.api.problems import Problem, on_exception, on_gate_error, on_http_exception
from gate.errors import GateError, Unauthenticated
from gate.web.answer import html
from gate.web.templates import page_templates
from gate.web.words import address

_MACHINES = ("/api/", "/v1/", "/schema", "/health")
"""Below these nobody looks with a browser, whatever it accepts."""


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer for a person, or the API's own for a program."""
    answer = _of_api(request, error)
    if not wants_page(request):
        return answer
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    problem = _problem(error, answer)
    part = request.headers.get("hx-request") == "true"
    text = _part(problem) if part else page_templates().get_template("pages/problem.html").render(problem=problem)
    retry = answer.headers.get("retry-after", "")
    headers = {"retry-after": retry} if retry else {}
    return html(request, text, status=problem.status, headers=headers)


def problem_part(request: Request[Any, Any, Any], error: Exception) -> str:
    """What stands in the place of a part that could not be made, on a page whose beginning is sent."""
    return _part(_problem(error, _of_api(request, error)))


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person asks: a browser that wants HTML, or htmx."""
    if request.url.path.startswith(_MACHINES):
        return False
    return "text/html" in request.headers.get("accept", "") or request.headers.get("hx-request") == "true"


def _problem(error: Exception, answer: Response[bytes]) -> Problem:
    problem = msgspec.json.decode(answer.content, type=Problem)
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
        return msgspec.structs.replace(problem, hint="The address may be cut or misspelt; the start page leads everywhere.")
    return problem


def _part(problem: Problem) -> str:
    return page_templates().get_template("pages/problem_part.html").render(problem=problem)


def _of_api(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, GateError):
        return on_gate_error(request, error)
    return on_http_exception(request, error) if isinstance(error, HTTPException) else on_exception(request, error)


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[bytes]:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = address("sign-in", next=here if request.method == "GET" and here != "/" else "")
    if request.headers.get("hx-request") == "true":
        return html(request, "", status=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": address("sign-in")})
    return html(request, "", status=HTTPStatus.SEE_OTHER, headers={"location": where})


PAGE_EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    GateError: on_error,
    HTTPException: on_error,
    Exception: on_error,
}
