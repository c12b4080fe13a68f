"""A trace as the comparison sees it, in the shape of the API."""

import msgspec

from gate.model.flow import Flow, FlowKey, Folded, Operation
from gate.model.trace import Problem, Span, Trace
from gate.normalize import normalize
from gate.normalize.attributes import Hidden, hidden_attributes
from gate.service import TraceSummary


class NormalizedOperation(msgspec.Struct, frozen=True):
    """A span with all that varies removed."""

    service: str
    name: str
    kind: str
    """`server`, `client`, `internal`, `producer`, `consumer` or `unspecified`."""
    error: bool
    attributes: dict[str, str]
    parent: int
    """Index in the flow's `operations`; -1 at the entry."""
    span_id: str
    start_ns: int
    end_ns: int
    links: int
    folded: tuple[Folded, ...]
    hidden: tuple[Hidden, ...]
    """What the comparison does not see of the span, and the rule that hides it."""


class NormalizedFlow(msgspec.Struct, frozen=True):
    """One tree under one entry span, in pre-order."""

    key: FlowKey
    operations: tuple[NormalizedOperation, ...]


class NormalizedTrace(msgspec.Struct, frozen=True):
    """A stored trace: its summary, what is wrong with it, and its flows."""

    summary: TraceSummary
    problems: tuple[Problem, ...]
    flows: tuple[NormalizedFlow, ...]


def normalized(summary: TraceSummary, trace: Trace) -> NormalizedTrace:
    """The trace after normalisation."""
    spans = {span.span_id: span for span in trace.spans}
    return NormalizedTrace(summary, trace.problems, tuple(_flow(flow, spans) for flow in normalize(trace)))


def _flow(flow: Flow, spans: dict[str, Span]) -> NormalizedFlow:
    return NormalizedFlow(flow.key, tuple(_operation(operation, spans[operation.span_id]) for operation in flow.operations))


def _operation(operation: Operation, span: Span) -> NormalizedOperation:
    return NormalizedOperation(
        service=operation.service,
        name=operation.name,
        kind=operation.kind.name.lower(),
        error=operation.error,
        attributes=operation.attributes,
        parent=operation.parent,
        span_id=operation.span_id,
        start_ns=operation.start_ns,
        end_ns=operation.end_ns,
        links=len(operation.links),
        folded=operation.folded,
        hidden=hidden_attributes(span),
    )
