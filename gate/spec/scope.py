"""Which part of a trace a spec looks at: the operation that answered the request, and all that happened below it."""

from collections.abc import Iterator, Sequence

from gate.model.flow import Flow, Operation
from gate.model.trace import SpanKind, Trace
from gate.normalize import normalize
from gate.normalize.statement import statement_of
from gate.spec.spec import Call

Occurrence = tuple[Operation, ...]
"""One request: the entry first, then the operations below it in pre-order."""

_REQUESTS = (SpanKind.SERVER, SpanKind.CONSUMER)


def call_of(operation: Operation) -> Call:
    """How a spec names this operation; the statement only where the name does not say it."""
    statement = statement_of(operation)
    return Call(operation.service, operation.name, "" if statement in operation.name else statement)


def fits(call: Call, operation: Operation) -> bool:
    """Whether the call names this operation."""
    return (
        call.service in ("", operation.service)
        and call.operation in ("", operation.name)
        and call.statement in ("", statement_of(operation))
    )


def occurrences(entry: Call, trace: Trace) -> tuple[Occurrence, ...]:
    """Every request of the trace that the entry names, outermost ones only."""
    found: list[Occurrence] = []
    for flow in normalize(trace):
        end = 0
        for index, operation in enumerate(flow.operations):
            if index >= end and fits(entry, operation):
                end = _end(flow, index)
                found.append(flow.operations[index:end])
    return tuple(found)


def requests(trace: Trace) -> tuple[Occurrence, ...]:
    """Every request that entered a service from outside of all services: SERVER and CONSUMER operations that no other is above, and
    those that a test client made inside the test's own process, which instrumentations call INTERNAL.

    A trace without any gives the whole of each of its flows."""
    flows = normalize(trace)
    found = [flow.operations[index : _end(flow, index)] for flow in flows for index in _outermost(flow)]
    return tuple(found) or tuple(flow.operations for flow in flows)


def test_cases(trace: Trace) -> frozenset[str]:
    """The test cases that the trace's flows name."""
    return frozenset(flow.key.test_case for flow in normalize(trace)) - {""}


def matching(entry: Call, test_case: str, traces: Sequence[Trace]) -> tuple[Trace, ...]:
    """The traces that have the entry: those of the test case where there are any, else all of them."""
    having = [trace for trace in traces if occurrences(entry, trace)]
    same = [trace for trace in having if test_case and test_case in test_cases(trace)]
    return tuple(same or having)


def is_in_process(operation: Operation) -> bool:
    """Whether it answered an HTTP request without a network: INTERNAL, with the route that only a server knows."""
    return operation.kind == SpanKind.INTERNAL and {"http.request.method", "http.route"} <= operation.attributes.keys()


def _outermost(flow: Flow) -> Iterator[int]:
    end = 0
    for index, operation in enumerate(flow.operations):
        if index >= end and (operation.kind in _REQUESTS or is_in_process(operation)):
            end = _end(flow, index)
            yield index


def _end(flow: Flow, start: int) -> int:
    """The index after the last operation below `start`: operations are in pre-order, so a parent before `start` ends it."""
    index = start + 1
    while index < len(flow.operations) and flow.operations[index].parent >= start:
        index += 1
    return index
