"""Compressed bytes to plain ones, never more than a bound: a few kilobytes can inflate to gigabytes."""

import zlib

import zstandard

from gate.errors import TooLarge, UnreadableTraces, UnsupportedMedia

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = 8 * 1024 * 1024
ENCODINGS = ("gzip", "zstd", "deflate", "identity")


def inflate(body: bytes, encoding: str, *, limit: int, setting: str = "") -> bytes:
    """The plain bytes of a body in an HTTP content coding of `ENCODINGS` (empty is identity).

    Raises TooLarge above `limit` bytes (naming `setting`), UnsupportedMedia for another coding, and UnreadableTraces for a body
    that is truncated, broken, or followed by something else."""
    match encoding.strip().lower():
        case "" | "identity":
            plain = body
        case "gzip" | "x-gzip":
            plain = _zlib(body, limit, zlib.MAX_WBITS | 16, "gzip")
        case "deflate":
            plain = _zlib(body, limit, zlib.MAX_WBITS, "deflate")
        case "zstd":
            plain = _zstd(body, limit)
        case other:
            raise UnsupportedMedia(f"content-encoding {other[:40]!r} is not supported.", hint=f"Use {', '.join(ENCODINGS)}.")
    if len(plain) > limit:
        hint = f"Send smaller batches, or raise {setting}." if setting else "Split it."
        raise TooLarge(f"more than {limit} bytes when decompressed.", hint=hint)
    return plain


def detected_encoding(data: bytes) -> str:
    """`gzip` or `zstd` by the first bytes of a file, else `identity`."""
    return "gzip" if data.startswith(_GZIP) else "zstd" if data.startswith(_ZSTD) else "identity"


def _zlib(body: bytes, limit: int, window: int, name: str) -> bytes:
    """All members of a gzip stream, or one zlib stream; stops one byte above the limit."""
    parts: list[bytes] = []
    left = limit + 1
    try:
        while left > 0:
            stream = zlib.decompressobj(window)
            part = stream.decompress(body, left)
            parts.append(part)
            left -= len(part)
            if not stream.eof:
                if left > 0:
                    raise UnreadableTraces(f"the {name} body is truncated.")
                break
            body = stream.unused_data
            if not body:
                break
            if not body.startswith(_GZIP) or name != "gzip":
                raise UnreadableTraces(f"the {name} body is followed by {len(body)} other bytes.")
    except zlib.error as error:
        raise UnreadableTraces(f"the body is not {name}: {error}.") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _zstd(body: bytes, limit: int) -> bytes:
    """All frames of a zstd stream. The window that a frame may ask for is bounded as by RFC 9659.

    Twice: the reader stops above the limit but takes a truncated frame for a short one; once the size is known to be
    harmless, the second pass tells the end of each frame."""
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(body, read_across_frames=True)
        plain = reader.read(limit + 1)
        if len(plain) > limit:
            return plain
        parts: list[bytes] = []
        while body:
            frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
            parts.append(frame.decompress(body))
            if not frame.eof:
                raise UnreadableTraces("the zstd body is truncated.")
            body = frame.unused_data
    except zstandard.ZstdError as error:
        raise UnreadableTraces(f"the body is not zstd: {error}.") from None
    return b"".join(parts)
