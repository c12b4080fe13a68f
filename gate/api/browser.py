"""Local mode has no secret that a web page would have to know, so a request that a page made is recognised by what browsers add.

Two attacks are closed: a page of another site that posts here (its `Origin`, or `Sec-Fetch-Site`, tells), and a name of that site
that now points at 127.0.0.1 (DNS rebinding; its `Host` tells).
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from gate.errors import Forbidden
from gate.settings import Settings

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HINT = "Make a token with `spangate token create`, and send it as `Authorization: Bearer …`."


def check_browser(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> None:
    """Raises Forbidden for a request that a page of another site made, or that came under another name than this machine's."""
    host = connection.headers.get("host", "")
    if not _is_own_name(host, settings):
        raise Forbidden(f"Without a token this server answers only to its loopback names, not to {host[:100]!r}.", hint=_HINT)
    if dict[str, Any](connection.scope).get("method", "GET") in _SAFE_METHODS:
        return
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site", "none")
    if (origin is not None and urlsplit(origin).netloc != host) or site not in ("none", "same-origin"):
        raise Forbidden(
            f"Without a token a page of another site ({(origin or site)[:100]!r}) cannot change anything here.", hint=_HINT
        )


def _is_own_name(host: str, settings: Settings) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    if name in ("localhost", settings.host, urlsplit(settings.public_url).hostname) or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
