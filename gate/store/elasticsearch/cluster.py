"""The connection to a cluster: the official client on httpx, and its errors in words that name the setting to change."""

import logging
import re
import ssl
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx
import msgspec
from elastic_transport import ApiResponse, ConnectionTimeout, HttpxAsyncHttpNode, JsonSerializer, NodeConfig, TlsError
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError

from gate.errors import BadRequest, Unavailable
from gate.store.protocols import LONGER, SECONDS

RIGHTS = (
    "The user of SPANGATE_ELASTICSEARCH_USER or SPANGATE_ELASTICSEARCH_API_KEY needs the cluster privileges `monitor` and "
    "`manage_index_templates`, and `all` on the indices of SPANGATE_ELASTICSEARCH_PREFIX."
)
"""What to do about an answer 403 that is not of a block."""
MAJOR = 9
"""The client speaks to servers of its own major version only."""
logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # it warns, with a stack trace, of what our errors say
_WITH_TLS = "SPANGATE_ELASTICSEARCH_URL must begin with https://."
_ANOTHER_HOST = 62, 64
"""What OpenSSL finds wrong with a certificate: the name of the host, its IP address."""
_OUT_OF_DATE = 9, 10
"""Likewise: not yet valid, no longer valid."""
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")


class Access(msgspec.Struct, frozen=True):
    """How to reach a cluster; each field is the setting `elasticsearch_` and its name."""

    url: str
    """Several nodes are separated by commas."""
    user: str = ""
    password: str = ""
    api_key: str = ""
    """The encoded form: the `encoded` of the answer that made it."""
    ca: str = ""
    """A file of certificates to trust instead of the system's."""
    prefix: str = "spangate"
    """What all index names begin with."""


class Cluster:
    """One client for the whole process. Connects with the first call.

    `seconds`: how long a request of the hot path may take (`prompt`); others (`client`) four times as long."""

    def __init__(self, access: Access, *, seconds: float = SECONDS) -> None:
        self.prefix = access.prefix
        self._closed = False
        if not _PREFIX.fullmatch(access.prefix):
            raise BadRequest(
                f"SPANGATE_ELASTICSEARCH_PREFIX={access.prefix[:80]!r} cannot begin an index name.",
                hint="Use lower-case letters, digits, dashes, dots, underscores.",
            )
        if access.api_key and access.user:
            raise BadRequest("Set SPANGATE_ELASTICSEARCH_API_KEY or SPANGATE_ELASTICSEARCH_USER, not both.")
        options: dict[str, Any] = {}
        if access.api_key:
            options["api_key"] = access.api_key
        if access.user:
            options["basic_auth"] = (access.user, access.password)
        urls = [url.strip() for url in access.url.split(",")]
        try:
            self.client = AsyncElasticsearch(
                _nodes(urls, access.ca),
                node_class=HttpxAsyncHttpNode,
                request_timeout=LONGER * seconds,
                max_retries=2,
                headers={"accept-encoding": "identity"},  # bodies are compressed already; what else is in answers is small
                serializers=dict.fromkeys(("application/json", "application/vnd.elasticsearch+json"), _Json()),
                **options,
            )
        except (ValueError, TypeError) as error:  # the client's ways to say that a URL or an option is wrong
            raise BadRequest(
                f"SPANGATE_ELASTICSEARCH_URL is no URL with a port: {error}.", hint="For example https://host:9200."
            ) from error
        self.prompt = self.client.options(request_timeout=seconds)
        self.where = ", ".join(url.rpartition("@")[2].rpartition("//")[2].rstrip("/") for url in urls)
        """The address without user and password, for messages."""

    async def ask(self, call: Awaitable[ApiResponse[Any]]) -> Any:
        """The body of the answer to a call of the client. Raises Unavailable with what happened and which setting to change."""
        try:
            return (await call).body
        except Exception as error:
            raise self.unavailable(error) from error

    async def close(self) -> None:
        """Later calls raise Unavailable."""
        self._closed = True
        await self.client.close()

    def unavailable(self, error: Exception) -> Unavailable:
        """An error of the client as one of ours. Any: libraries below it fail with an AttributeError, too, when a connection is cut
        while it is made."""
        if self._closed:
            return Unavailable("The store is closed: the server is shutting down.", hint="Send it again.")
        problem, hint = _explain(error)
        return Unavailable(f"Elasticsearch at {self.where} {problem.removesuffix('.')}.", hint=hint)


def reason_of(body: Any) -> str:
    """The type and reason in an error answer."""
    try:
        error = msgspec.convert(body.get("error", body) if hasattr(body, "get") else body, _Error)
    except msgspec.ValidationError:
        return str(body)[:500]
    return ": ".join(filter(None, (error.type, error.reason)))[:500]


class _Error(msgspec.Struct):
    type: str
    reason: str | None = None


def _nodes(urls: list[str], ca: str) -> list[NodeConfig]:
    """With a context of our own: the client trusts the system's authorities beside `ca`, and asks no certificate whether it is for
    the IP address of a URL."""
    nodes = [url_to_node_config(url) for url in urls]
    plain = [node for node in nodes if node.scheme != "https"]
    if ca and plain:
        raise BadRequest("SPANGATE_ELASTICSEARCH_CA is set, but SPANGATE_ELASTICSEARCH_URL is without TLS.", hint=_WITH_TLS)
    if len(plain) == len(nodes):
        return nodes
    context = _trusting(ca)
    return [node if node in plain else node.replace(ssl_context=context) for node in nodes]


def _trusting(ca: str) -> ssl.SSLContext:
    if not ca:
        context = httpx.create_ssl_context()
        context.load_default_certs()
        return context
    if not Path(ca).is_file():
        raise BadRequest(f"SPANGATE_ELASTICSEARCH_CA={ca!r} is no file that can be read.")
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # of the TLS library, too
        raise BadRequest(f"SPANGATE_ELASTICSEARCH_CA={ca!r} has no certificates: {error}.") from error


def _explain(error: Exception) -> tuple[str, str]:
    root = _root(error)
    reason = reason_of(error.body) if isinstance(error, ApiError) else str(root) or type(root).__name__
    match error:
        case UnsupportedProductError():
            return "is not Elasticsearch", "See SPANGATE_ELASTICSEARCH_URL."
        case ApiError(status_code=401):
            return (
                f"does not accept the credentials ({reason})",
                "Set SPANGATE_ELASTICSEARCH_USER and SPANGATE_ELASTICSEARCH_PASSWORD, or SPANGATE_ELASTICSEARCH_API_KEY.",
            )
        case ApiError(status_code=400) if "media_type_header" in reason or "compatible" in reason:
            return f"is not of version {MAJOR} ({reason})", f"SPANGATE_ELASTICSEARCH_URL must name an Elasticsearch {MAJOR}."
        case ApiError() if "block" in reason:
            return f"refuses to write: {reason}", "Nothing was stored. Give it disk space, or remove the block."
        case ApiError(status_code=403):
            return f"forbids it: {reason}", RIGHTS
        case ApiError(status_code=status):
            return f"answers {status}: {reason}", "Nothing was acknowledged; try again."
        case TlsError():
            return _explain_tls(root)
        case ConnectionTimeout():
            return "does not answer in time", "Nothing was acknowledged; try again."
        case _ if "without sending a response" in reason:  # what a node with TLS does to a client without
            return f"cannot be reached: {reason}", f"Nothing was acknowledged. If it speaks TLS: {_WITH_TLS}"
        case _:
            return f"cannot be reached: {reason}", "Nothing was acknowledged; see SPANGATE_ELASTICSEARCH_URL."


def _explain_tls(root: BaseException) -> tuple[str, str]:
    match root if isinstance(root, ssl.SSLError) else root.__context__:  # httpx does not name the cause
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=reason) if code in _ANOTHER_HOST:
            return (
                f"has the certificate of another host: {reason}",
                "SPANGATE_ELASTICSEARCH_URL must name it as the certificate does. That SPANGATE_ELASTICSEARCH_CA trusts who signed it is "
                "not enough.",
            )
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=reason) if code in _OUT_OF_DATE:
            return f"cannot be trusted: {reason}", "Renew its certificate, or that of the authority in SPANGATE_ELASTICSEARCH_CA."
        case ssl.SSLCertVerificationError(verify_message=reason):
            return f"cannot be trusted: {reason}", "Set SPANGATE_ELASTICSEARCH_CA to the file of its certificate authority."
        case error:
            return (
                f"does not speak TLS as we do: {error}",
                "If it has none, SPANGATE_ELASTICSEARCH_URL begins with http://, and SPANGATE_ELASTICSEARCH_CA is not set.",
            )


def _root(error: BaseException) -> BaseException:
    """What began it: the client wraps the transport's errors, which wrap those of httpx."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


class _Json(JsonSerializer):
    """JSON by msgspec, several times as fast as the standard library's."""

    def json_dumps(self, data: Any) -> bytes:
        return msgspec.json.encode(data)

    def json_loads(self, data: bytes) -> Any:
        return msgspec.json.decode(data)
