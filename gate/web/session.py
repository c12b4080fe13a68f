"""Who looks at a page, and the proof that a change comes from a form of ours.

A person signs in with a token, which a cookie then carries: HttpOnly (no script reads it), SameSite=Lax, Secure behind TLS. The API
never looks at cookies, so nothing that a browser sends by itself can reach it. In local mode there is no login.

A change needs two things: it was made by a page of this server (`Sec-Fetch-Site`, `Origin`), and it carries a token that only our
pages know. That token is an HMAC of a fresh salt with the session (or, before signing in, with a random cookie), so that it differs
in every answer and compression tells nothing about it.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from gate.api.auth import LOCAL, AsyncGuard, Authorizer, require_scope
from gate.api.browser import check_browser
from gate.errors import Forbidden, NotFound, Unauthenticated
from gate.service import Caller, Gate
from gate.settings import Settings

SESSION = "spangate_session"
VISITOR = "spangate_visitor"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"

_WEEK = 7 * 24 * 3600
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_RELOAD = "Go back, reload the page and try again."

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


class Sessions:
    """Signs people in and lets them through."""

    def __init__(self, gate: Gate, authorizer: Authorizer, settings: Settings) -> None:
        self._gate = gate
        self._authorizer = authorizer
        self._settings = settings

    async def identify(self, connection: Connection) -> Caller:
        """Who this is. Raises Unauthenticated, and in local mode Forbidden for another host name (DNS rebinding)."""
        if await self._authorizer.is_local():
            check_browser(connection, self._settings)
            return LOCAL
        secret = connection.cookies.get(SESSION, "")
        if not secret:
            raise Unauthenticated("You are not signed in.")
        return await self._gate.authenticate(secret)

    async def is_local(self) -> bool:
        """See `Authorizer.is_local`."""
        return await self._authorizer.is_local()

    def guard(self) -> AsyncGuard:
        """A Litestar guard: the scope is the handler's `scope` option, the project the one in the path; a change must be ours.

        The caller is kept for `current_caller`, the fields of a form as `request.state.form`."""

        # A function: Litestar copies routers deeply, and with a bound method it would copy the gate.
        async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
            if isinstance(connection, Request) and connection.method not in _SAFE_METHODS:
                await self._check_change(connection)
            if handler.opt.get("open"):
                return
            caller = await self.identify(connection)
            project = connection.path_params.get("project", "")
            if project and project != caller.project and not caller.every_project:
                raise NotFound(f"There is no project {project[:80]!r}.", hint="Or it is another project than your token's.")
            require_scope(caller, handler.opt["scope"])
            connection.scope["user"] = await self._authorizer.in_project(caller, project)

        return guard

    def secure(self, connection: Connection) -> bool:
        """Whether people come over TLS, as far as the server can know."""
        return connection.url.scheme == "https" or self._settings.public_url.startswith("https://")

    def cookie(self, connection: Connection, key: str, value: str, *, max_age: int | None = _WEEK) -> Cookie:
        """A cookie of ours."""
        return Cookie(
            key=key, value=value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=self.secure(connection)
        )

    async def _check_change(self, connection: Request[Any, Any, Any]) -> None:
        check_origin(connection, self._settings)
        form = {name: str(value) for name, value in (await connection.form()).items()}
        connection.state.form = form
        given = connection.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD, "")
        if not csrf_fits(_key(connection), given):
            raise Forbidden("This form is not from a page of yours, or is from before you signed in or out.", hint=_RELOAD)


def check_origin(connection: Connection, settings: Settings) -> None:
    """Raises Forbidden unless the browser says that a page of this server made the request. (No browser, no such headers.)"""
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    own = {connection.headers.get("host", ""), urlsplit(settings.public_url).netloc} - {""}
    if site not in (None, "same-origin") or (site is None and origin is not None and urlsplit(origin).netloc not in own):
        raise Forbidden("A page of another site cannot change anything here.", hint=_RELOAD)


def new_visitor() -> str:
    """The value of a new visitor cookie."""
    return secrets.token_urlsafe(24)


def csrf_token(key: str) -> str:
    """A token for one answer to the session or visitor `key`."""
    salt = secrets.token_hex(8)
    return f"{salt}.{_signed(key, salt)}"


def csrf_fits(key: str, token: str) -> bool:
    """Whether `csrf_token(key)` made this token."""
    salt, _, signature = token.partition(".")
    return bool(key and salt) and hmac.compare_digest(_signed(key, salt).encode(), signature.encode())


def _signed(key: str, salt: str) -> str:
    return hmac.new(sha256(key.encode()).digest(), salt.encode(), "sha256").hexdigest()


def _key(connection: Connection) -> str:
    return connection.cookies.get(SESSION) or connection.cookies.get(VISITOR, "")
