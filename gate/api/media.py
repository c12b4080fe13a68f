"""Answers that are text made elsewhere, with the right media type. Rendering takes milliseconds to seconds, so it runs in a thread."""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Response

MEDIA_TYPES = {
    "md": "text/markdown",
    "summary": "text/markdown",
    "html": "text/html",
    "json": "application/json",
    "otlp": "application/json",
    "junit": "application/xml",
    "text": "text/plain",
    "annotations": "text/plain",
    "yaml": "application/yaml",
    "pytest": "text/x-python",
    "curl": "text/x-shellscript",
    "tracetest": "application/yaml",
}
"""Format → media type (YAML: RFC 9512). Litestar adds the charset of `text/*`."""

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content security policy of a self-contained page: only what is in it, and nothing is sent anywhere."""


async def rendered(make: Callable[..., str | bytes], *arguments: Any, **options: Any) -> Response[Any]:
    """What `make(*arguments, **options)` returns; its last argument is the format."""
    return text_response(await asyncio.to_thread(make, *arguments, **options), str(arguments[-1]))


def text_response(content: str | bytes, format: str) -> Response[Any]:
    """Text in one of the formats of `MEDIA_TYPES`."""
    body = content.encode("utf-8", "replace") if isinstance(content, str) else content
    headers = {"content-security-policy": PAGE_POLICY} if format == "html" else {}
    return Response(body, media_type=MEDIA_TYPES[format], headers=headers)
