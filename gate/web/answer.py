"""Answers of pages: HTML with a strict policy, compressed."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import zstandard
from litestar import Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.response import Stream

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy of every page: our own files only. Nothing inline runs or styles, wherever it came from."""

_SMALL = 1_000
_HEADERS = {
    "content-security-policy": POLICY,
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "vary": "accept-encoding, hx-request",
}


def html(
    request: ASGIConnection[Any, Any, Any, Any],
    text: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: Iterable[Cookie] = (),
) -> Response[bytes]:
    """A page or a part of one."""
    return compressed(request, text.encode("utf-8", "replace"), "text/html", status=status, headers=headers, cookies=cookies)


def compressed(
    request: ASGIConnection[Any, Any, Any, Any],
    body: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: Iterable[Cookie] = (),
) -> Response[bytes]:
    """Bytes with the headers of pages; as zstd or gzip where the browser reads it."""
    accepted = request.headers.get("accept-encoding", "")
    encoding = {}
    if len(body) > _SMALL and "zstd" in accepted:
        body, encoding = zstandard.ZstdCompressor(level=3).compress(body), {"content-encoding": "zstd"}
    elif len(body) > _SMALL and "gzip" in accepted:
        body, encoding = gzip.compress(body, 5, mtime=0), {"content-encoding": "gzip"}
    return Response(
        body,
        status_code=status,
        media_type=media_type,
        headers={**_HEADERS, **encoding, **(headers or {})},
        cookies=list(cookies),
    )


def streamed(request: ASGIConnection[Any, Any, Any, Any], parts: AsyncIterator[str], *, cookies: Iterable[Cookie] = ()) -> Stream:
    """A page in parts: each is sent, and can be painted, as soon as it is made."""
    accepted = request.headers.get("accept-encoding", "")
    encoding, flushed, last = _encoder(accepted)

    async def content() -> AsyncIterator[bytes]:
        async for part in parts:
            yield flushed(part.encode("utf-8", "replace"))
        if end := last():
            yield end

    return Stream(
        content(), media_type="text/html", headers={**_HEADERS, **encoding, "x-accel-buffering": "no"}, cookies=list(cookies)
    )


def _encoder(accepted: str) -> tuple[dict[str, str], Callable[[bytes], bytes], Callable[[], bytes]]:
    """The header, what compresses a part so that it can be read at once, and what ends the answer."""
    if "zstd" in accepted:
        zstd = zstandard.ZstdCompressor(level=3).compressobj()
        return (
            {"content-encoding": "zstd"},
            lambda part: zstd.compress(part) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
            lambda: zstd.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH),
        )
    if "gzip" in accepted:
        gzipped = zlib.compressobj(5, zlib.DEFLATED, 31)
        return (
            {"content-encoding": "gzip"},
            lambda part: gzipped.compress(part) + gzipped.flush(zlib.Z_SYNC_FLUSH),
            gzipped.flush,
        )
    return {}, lambda part: part, bytes
