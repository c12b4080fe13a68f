"""Trace files of any kind: OTLP (JSON, JSON Lines, protobuf), Jaeger, Zipkin v2, Tempo, each also in gzip or zstd.

The format is told by the content, never by the file's name.
"""

from collections.abc import Callable

import msgspec

from gate.codec import jaeger, otlp_json, otlp_protobuf, tempo, zipkin
from gate.codec.assemble import build_traces
from gate.codec.inflate import detected_encoding, inflate
from gate.errors import GateError, UnreadableTraces
from gate.model.trace import Span, Trace

MAX_INFLATED_BYTES = 1024 * 1024 * 1024
_READABLE = "Readable are OTLP (JSON, JSON Lines, protobuf), Jaeger, Zipkin v2 and Tempo."
_BOM = b"\xef\xbb\xbf"
_Keys = dict[str, msgspec.Raw]
_Reader = Callable[[bytes], list[Span]]
_SHAPE: msgspec.json.Decoder[_Keys | list[msgspec.Raw]] = msgspec.json.Decoder(_Keys | list[msgspec.Raw])


def read_traces(data: bytes, *, source: str, max_depth: int = 10_000) -> tuple[Trace, ...]:
    """The traces of a file, assembled. Raises UnreadableTraces with `source`, the line where there is one, and the reason."""
    return build_traces(read_spans(data, source=source), max_depth=max_depth)


def read_spans(data: bytes, *, source: str) -> list[Span]:
    """The spans of a file in its order. Raises UnreadableTraces likewise."""
    try:
        plain = inflate(data, detected_encoding(data), limit=MAX_INFLATED_BYTES)
        if not plain.strip():
            raise UnreadableTraces("the file is empty.", hint=_READABLE)
        return _read(plain)
    except UnreadableTraces as error:
        raise UnreadableTraces(error.reason, source=source, line=error.line, hint=error.hint) from None
    except GateError as error:
        raise UnreadableTraces(error.detail, source=source, hint=error.hint) from None


def _read(data: bytes) -> list[Span]:
    text = data.removeprefix(_BOM)
    if text.lstrip()[:1] not in (b"{", b"["):
        return _protobuf(data)
    try:
        return _json(text)
    except UnreadableTraces:
        if data[:1] == b"\n":  # a protobuf's first tag is a line feed, its length may be a brace
            try:
                return otlp_protobuf.decode_spans(data)
            except UnreadableTraces:
                pass
        raise


def _protobuf(data: bytes) -> list[Span]:
    try:
        return otlp_protobuf.decode_spans(data)
    except UnreadableTraces as error:
        raise UnreadableTraces(f"neither JSON nor OTLP protobuf ({error.reason.rstrip('.')}).", hint=_READABLE) from None


def _json(text: bytes) -> list[Span]:
    """One document, or one a line."""
    first, newline, rest = text.strip().partition(b"\n")
    if not newline or not rest.strip() or not _is_document(first):
        return _document(text)
    spans: list[Span] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                spans.extend(_document(line))
            except UnreadableTraces as error:
                raise UnreadableTraces(error.reason, line=number, hint=error.hint) from None
    return spans


def _is_document(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _document(text: bytes) -> list[Span]:
    """One JSON document of any format, told by its keys."""
    try:
        shape = _SHAPE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise otlp_json.unreadable(error, text) from None
    reader = _object_reader(shape) if isinstance(shape, dict) else _list_reader(shape)
    return reader(text)


def _object_reader(keys: _Keys) -> _Reader:
    if not keys or "resourceSpans" in keys:
        return otlp_json.decode_spans
    if keys.keys() & {"batches", "trace", "result"}:
        return tempo.decode_spans
    if "data" in keys:
        return jaeger.decode_answer
    if "traceID" in keys and "spanID" not in keys:
        return jaeger.decode_trace
    if "traceID" in keys or {"traceId", "id"} <= keys.keys():
        return lambda text: _list_reader([msgspec.Raw(text)])(b"[" + text + b"]")
    if keys.keys() & {"resourceMetrics", "resourceLogs", "resourceProfiles"}:
        raise UnreadableTraces(f"this has {next(iter(keys))}, not traces.", hint="Give the file of the traces pipeline.")
    raise UnreadableTraces(f"unknown JSON with the keys {', '.join(sorted(keys))[:200]}.", hint=_READABLE)


def _list_reader(items: list[msgspec.Raw]) -> _Reader:
    if not items:
        return lambda text: []
    try:
        first = _SHAPE.decode(items[0])
    except msgspec.DecodeError:
        raise UnreadableTraces("a JSON list of something that is no span and no trace.", hint=_READABLE) from None
    if isinstance(first, list):
        return lambda text: zipkin.decode_spans(text, nested=True)
    if "resourceSpans" in first:
        return lambda text: [span for item in items for span in otlp_json.decode_spans(bytes(item))]
    if "traceID" in first:
        return jaeger.decode_trace_list if "spans" in first else jaeger.decode_span_list
    if {"traceId", "id"} <= first.keys():
        return zipkin.decode_spans
    raise UnreadableTraces(f"a JSON list of unknown objects with the keys {', '.join(sorted(first))[:200]}.", hint=_READABLE)
