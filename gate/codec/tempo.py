"""Grafana Tempo's JSON: protobuf's own JSON mapping of OTLP, so ids are base64 and enums are names.

`GET /api/traces/{id}` answers `{"batches": […]}`, `GET /api/v2/traces/{id}` `{"trace": {"resourceSpans": […]}, "status": …}`.
Jaeger's `GET /api/v3/traces/{id}` is `{"result": {"resourceSpans": […]}}` and goes the same way. Hex ids are read, too.
"""

import msgspec

from gate.codec import otlp_structs as js
from gate.codec.ids import hex_or_base64_id
from gate.codec.otlp_json import spans_of, unreadable
from gate.model.trace import Span


class _Answer(msgspec.Struct, rename="camel"):
    trace: js.TracesData | None = None
    result: js.TracesData | None = None
    batches: list[js.ResourceSpans] | None = None
    resource_spans: list[js.ResourceSpans] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def decode_spans(body: bytes) -> list[Span]:
    """Every span in the order of the document. Raises UnreadableTraces."""
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error, body) from None
    traces = answer.trace or answer.result or js.TracesData(answer.resource_spans, answer.batches)
    return spans_of(traces, read_id=hex_or_base64_id)
