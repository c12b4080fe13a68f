"""What OTLP/HTTP answers, in the request's encoding.

Source: opentelemetry-proto `docs/specification.md`, "OTLP/HTTP Response": 200 with `ExportTraceServiceResponse` for success and
partial success; otherwise a `google.rpc.Status`, and Retry-After with 429 and 503.
"""

from enum import Enum

import msgspec
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb

from gate.errors import GateError, Overloaded, UnsupportedMedia


class Encoding(Enum):
    """The two encodings by their media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def encoding_of(content_type: str) -> Encoding:
    """By the Content-Type header; parameters are ignored. Raises UnsupportedMedia."""
    match content_type.partition(";")[0].strip().lower():
        case "application/x-protobuf" | "application/protobuf":
            return Encoding.PROTOBUF
        case "application/json":
            return Encoding.JSON
        case other:
            raise UnsupportedMedia(
                f"content-type {other[:60]!r} is not OTLP.", hint="Send application/x-protobuf or application/json."
            )


def success(encoding: Encoding, rejected: int, message: str) -> bytes:
    """The body of a 200: empty of content unless spans were rejected or there is a warning."""
    if encoding is Encoding.JSON:
        partial = {"rejectedSpans": str(rejected), "errorMessage": message}
        return msgspec.json.encode({"partialSuccess": partial} if rejected or message else {})
    if not (rejected or message):
        return b""
    partial_success = pb.ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return pb.ExportTraceServiceResponse(partial_success=partial_success).SerializeToString()


_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 9, 413: 3, 415: 3, 422: 9, 429: 8, 503: 14}
"""`google.rpc.Code` by HTTP status."""


def failure(encoding: Encoding, error: GateError) -> bytes:
    """The body of a failure: `google.rpc.Status` with code (field 1) and message (field 2)."""
    code, message = _CODES.get(error.status, 2), str(error)
    if encoding is Encoding.JSON:
        return msgspec.json.encode({"code": code, "message": message})
    text = message.encode("utf-8", "replace")[:16_000]
    return bytes((0x08, code, 0x12)) + _varint(len(text)) + text


def failure_headers(error: GateError) -> dict[str, str]:
    """Retry-After, in seconds, where trying again makes sense."""
    return {"retry-after": str(error.retry_after)} if isinstance(error, Overloaded) else {}


def _varint(number: int) -> bytes:
    return bytes((number,)) if number < 0x80 else bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)
