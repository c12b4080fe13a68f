"""Who asks, and whether they may.

A bearer token decides the project. The admin token of the settings, and everybody in local mode (a loopback server without any
token), may name another with `?project=`. What belongs to another project does not exist for the caller: 404, never 403.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gate.api.browser import check_browser
from gate.errors import Forbidden, NotFound, Unauthenticated
from gate.service import Caller, Gate
from gate.settings import Settings

SCOPES = ("ingest", "read", "review", "admin")
DEFAULT_PROJECT = "default"

LOCAL = Caller(DEFAULT_PROJECT, SCOPES, "local", every_project=True)
"""Everybody, in local mode."""

Connection = ASGIConnection[Any, Any, Any, Any]
AsyncGuard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]

_HINT = "Send `Authorization: Bearer sg_…`; `spangate token create` makes a token."


class Authorizer:
    """Decides for every request. `admin` includes the other scopes."""

    def __init__(self, gate: Gate, settings: Settings) -> None:
        self._gate = gate
        self._settings = settings

    async def authorize(self, connection: Connection, scope: str) -> Caller:
        """The caller, when they have `scope`. Raises Unauthenticated, Forbidden, and NotFound for a project that is not theirs."""
        caller = await self._identify(connection)
        require_scope(caller, scope)
        return await self.in_project(caller, connection.query_params.get("project", ""))

    def guard(self) -> AsyncGuard:
        """A Litestar guard: the scope is the handler's `scope` option; the caller is kept for `current_caller`."""

        # A function: Litestar copies routers deeply, and with a bound method it would copy the gate.
        async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
            if cast(Any, connection.scope)["method"] == "OPTIONS":  # Litestar's own answer: which methods there are
                return
            connection.scope["user"] = await self.authorize(connection, handler.opt["scope"])

        return guard

    async def _identify(self, connection: Connection) -> Caller:
        given = connection.headers.get("authorization", "")
        kind, _, secret = given.partition(" ")
        secret = secret.strip()
        if given:
            if kind.lower() != "bearer" or not secret:
                raise Unauthenticated("The Authorization header is no bearer token.", hint=_HINT)
            admin = self._settings.admin_token
            if admin and hmac.compare_digest(secret.encode(), admin.encode()):
                return Caller(DEFAULT_PROJECT, SCOPES, "admin", every_project=True)
            return await self._gate.authenticate(secret)
        if await self.is_local():
            check_browser(connection, self._settings)
            return LOCAL
        raise Unauthenticated("This server needs a token.", hint=_HINT)

    async def is_local(self) -> bool:
        """Whether this is local mode: only this machine reaches the server, and there is no token that anybody could send."""
        return is_loopback(self._settings.host) and not self._settings.admin_token and not await self._gate.has_tokens()

    async def in_project(self, caller: Caller, name: str) -> Caller:
        """The caller in the project `name`; their own when it is empty. Raises NotFound for one that is not theirs."""
        if not name or name == caller.project:
            return caller
        if not caller.every_project:
            raise NotFound(f"There is no project {name[:80]!r} for this token.", hint="Leave ?project= out: the token decides.")
        await self._gate.project(name)
        return msgspec.structs.replace(caller, project=name)


def has_scope(caller: Caller, scope: str) -> bool:
    """Whether the caller may do what `scope` allows; `admin` includes the others."""
    return scope in caller.scopes or "admin" in caller.scopes


def require_scope(caller: Caller, scope: str) -> None:
    """Raises Forbidden when the caller may not do what `scope` allows."""
    if not has_scope(caller, scope):
        raise Forbidden(
            f"The token {caller.name!r} has the scopes {', '.join(caller.scopes)}; this needs {scope}.",
            hint=f"Make one with `spangate token create NAME --scope {scope}`.",
        )


def current_caller(request: Connection) -> Caller:
    """The caller that the guard let in, as the handlers' dependency `caller`."""
    caller: Caller = request.scope["user"]
    return caller


def own_project(caller: Caller, name: str) -> str:
    """`name`, when it is a project that the caller may see. Raises NotFound."""
    if name != caller.project and not caller.every_project:
        raise NotFound(f"There is no project {name[:80]!r}.", hint="The token belongs to another project.")
    return name


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
