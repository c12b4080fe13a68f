"""Trace and span ids as text: lower-case hex, 32 and 16 digits, not all zero (W3C Trace Context)."""

import base64
import binascii

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8


def hex_id(text: str, size: int) -> str:
    """The id of `size` bytes in lower case; empty when `text` is not exactly such an id, in either case."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return ""
    return raw.hex() if len(raw) == size and len(text) == 2 * size and any(raw) else ""


def padded_hex_id(text: str, size: int) -> str:
    """Like `hex_id`, but an id with fewer digits is padded with zeros on the left (Jaeger and Zipkin drop them)."""
    return hex_id(text.rjust(2 * size, "0"), size) if text else ""


def hex_or_base64_id(text: str, size: int) -> str:
    """Like `hex_id`, but also reads base64, which protobuf's own JSON (Tempo, Jaeger's v3 API) has; told by the length."""
    if len(text) == (size + 2) // 3 * 4:
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return ""
        return raw.hex() if len(raw) == size and any(raw) else ""
    return hex_id(text, size)
