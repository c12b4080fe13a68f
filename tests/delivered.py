"""Made spans → the flows of a run, by the product's own way; ids that derive from a text."""

import hashlib
from collections.abc import Iterable

from gate.codec.assemble import build_traces
from gate.model.flow import RunFlows
from gate.model.trace import Span
from gate.normalize import normalize


def delivered(run_id: str, spans: Iterable[Span]) -> RunFlows:
    """The run of the spans, as they would arrive."""
    return RunFlows(run_id, tuple(flow for trace in build_traces(spans) for flow in normalize(trace)))


def hex_id(text: str, length: int) -> str:
    """An id of so many hexadecimal digits; the same text gives the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
