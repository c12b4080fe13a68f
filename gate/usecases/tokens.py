"""Tokens: high-entropy secrets, stored as their SHA-256 only."""

import hashlib
import hmac
import secrets
import time

from gate.errors import BadRequest, Unauthenticated
from gate.service import Caller, Token
from gate.store.protocols import Stores

SCOPES = ("ingest", "read", "review", "admin")
_REMEMBERED_SECONDS = 10.0
"""A token deleted by another server is honoured for so long at most; one deleted here ends at once."""
_KNOWN_SECONDS = 1.0
"""The first token that another process makes closes the open door of local mode within this time; one made here at once."""


class Tokens:
    """See the methods of the same names in `gate.service.Gate`. `admin_token` is the one from the settings; empty: none."""

    def __init__(self, stores: Stores, *, admin_token: str, default_project: str) -> None:
        self._stores = stores
        self._admin = _digest(admin_token) if admin_token else b""
        self._default_project = default_project
        self._remembered: dict[bytes, tuple[float, Caller]] = {}
        self._any: tuple[float, bool] | None = None
        self._changes = 0

    async def create(self, project: str, name: str, scopes: tuple[str, ...], *, now_ns: int, by: str = "") -> tuple[Token, str]:
        """The stored token and its secret, which exists nowhere else."""
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise BadRequest(f"A token has one or more of the scopes {', '.join(SCOPES)}; {unknown or 'none'} is not.")
        if not name.strip() or len(name) > 200:
            raise BadRequest("A token needs a name of at most 200 characters: say who or what uses it.")
        secret = f"sg_{secrets.token_urlsafe(32)}"
        token = Token(secrets.token_hex(6), project, name.strip(), tuple(scope for scope in SCOPES if scope in scopes), "")
        added = await self._stores.tokens.add(token, _digest(secret), now_ns=now_ns, by=by)
        self._forget()
        return added, secret

    async def delete(self, project: str, token_id: str, *, now_ns: int, by: str = "") -> None:
        """The token is refused from now on."""
        await self._stores.tokens.delete(project, token_id, now_ns=now_ns, by=by)
        self._forget()

    async def authenticate(self, secret: str) -> Caller:
        """Whose secret this is. Raises Unauthenticated."""
        digest = _digest(secret)
        if self._admin and hmac.compare_digest(digest, self._admin):
            return Caller(self._default_project, SCOPES, "admin", every_project=True)
        moment, caller = self._remembered.get(digest, (0.0, None))
        if caller is not None and time.monotonic() - moment < _REMEMBERED_SECONDS:
            return caller
        changes = self._changes
        token = await self._stores.tokens.by_digest(digest)
        if token is None:
            raise Unauthenticated("This token is not known.", hint="Make one with `spangate token create`.")
        if len(self._remembered) > 1000:
            self._remembered.clear()
        caller = Caller(token.project, token.scopes, token.name)
        if changes == self._changes:  # else it may have been deleted while the store was asked
            self._remembered[digest] = (time.monotonic(), caller)
        return caller

    async def any(self) -> bool:
        """Whether anybody needs a token at all."""
        if self._admin:
            return True
        if self._any is not None and time.monotonic() - self._any[0] < _KNOWN_SECONDS:
            return self._any[1]
        changes = self._changes
        known = await self._stores.tokens.any()
        if changes == self._changes:  # else one was made while the store was asked
            self._any = time.monotonic(), known
        return known

    def _forget(self) -> None:
        """What was remembered of the store: it has changed."""
        self._remembered.clear()
        self._any, self._changes = None, self._changes + 1


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
