"""Sign in with a token, and out."""

from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from gate.api.auth import has_scope
from gate.api.gate import InjectedGate
from gate.errors import GateError, Unauthenticated
from gate.service import Caller
from gate.web.answer import html
from gate.web.session import SESSION, VISITOR, Sessions, csrf_token, new_visitor
from gate.web.templates import page_templates
from gate.web.visit import is_local_address


def sign_in_routes(sessions: Sessions) -> list[Any]:
    """The three handlers; they need nobody to be signed in."""

    @get("/sign-in", opt={"open": True})
    async def show_sign_in(request: Request[Any, Any, Any], next: FromQuery[str] = "/") -> Response[bytes]:
        """The form; whoever needs none is led on."""
        where = next if is_local_address(next) else "/"
        try:
            await sessions.identify(request)
        except GateError:
            return _form(request, sessions, where)
        return html(request, "", status=HTTPStatus.SEE_OTHER, headers={"location": where})

    @post("/sign-in", opt={"open": True})
    async def sign_in(request: Request[Any, Any, Any], gate: InjectedGate) -> Response[bytes]:
        """Keep the token in a cookie, when it is one that can read."""
        form: dict[str, str] = request.state.form
        where = form.get("next", "/") if is_local_address(form.get("next", "/")) else "/"
        secret = form.get("token", "").strip()
        try:
            caller = await gate.authenticate(secret)
        except Unauthenticated:
            return _form(request, sessions, where, error="This token is not known here.")
        if not has_scope(caller, "read"):
            return _form(request, sessions, where, error=_cannot_read(caller))
        cookie = sessions.cookie(request, SESSION, secret)
        return html(request, "", status=HTTPStatus.SEE_OTHER, headers={"location": where}, cookies=[cookie])

    @post("/sign-out", opt={"open": True})
    async def sign_out(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Forget the token."""
        cookie = sessions.cookie(request, SESSION, "", max_age=0)
        return html(request, "", status=HTTPStatus.SEE_OTHER, headers={"location": "/sign-in"}, cookies=[cookie])

    return [show_sign_in, sign_in, sign_out]


def _form(request: Request[Any, Any, Any], sessions: Sessions, where: str, *, error: str = "") -> Response[bytes]:
    key = request.cookies.get(SESSION) or request.cookies.get(VISITOR) or new_visitor()
    text = page_templates().get_template("pages/sign_in.html").render(next=where, csrf=csrf_token(key), error=error)
    cookies = [] if request.cookies.get(SESSION) or request.cookies.get(VISITOR) else [sessions.cookie(request, VISITOR, key)]
    status = HTTPStatus.UNAUTHORIZED if error else HTTPStatus.OK
    return html(request, text, status=status, cookies=cookies)


def _cannot_read(caller: Caller) -> str:
    return f"The token {caller.name!r} has the scopes {', '.join(caller.scopes)}; the pages need read."
