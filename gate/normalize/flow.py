"""Trace → flows: one normalised tree under each entry span."""

import hashlib

from gate.model.flow import Flow, FlowKey, Folded, Operation
from gate.model.trace import Problem, ProblemKind, Span, Trace
from gate.normalize.attributes import kept_attributes
from gate.normalize.folding import fold
from gate.normalize.operations import operation_name
from gate.normalize.rehoming import rehome
from gate.normalize.routes import take_routes_of_callees
from gate.normalize.rules import DEFAULT, Rules
from gate.normalize.statement import statement_of

TEST_CASE = "test.case.name"
LONGEST_OPERATION = 160
"""Characters of an entry operation in a flow key; the rest is told apart by a digest."""


def normalize(trace: Trace, rules: Rules = DEFAULT) -> tuple[Flow, ...]:
    """One flow a root of the trace, in the trace's order; a span whose parent never arrived is a root, too.

    A trace that is missing spans (orphans) says so in the problems of each of its flows. Nothing raises.
    """
    trace = rehome(trace)
    spans, parents = trace.spans, trace.parents
    attributes = [kept_attributes(span, rules) for span in spans]
    take_routes_of_callees(spans, parents, attributes)
    folded = fold(spans, parents, attributes)
    starts = [index for index, parent in enumerate(parents) if parent < 0]
    incomplete = tuple(problem for problem in trace.problems if problem.kind == ProblemKind.ORPHAN)
    flows: list[Flow] = []
    for start, stop in zip(starts, [*starts[1:], len(spans)], strict=True):
        flows.append(_flow(trace, rules, attributes, folded, range(start, stop), incomplete))
    return tuple(flows)


def _flow(
    trace: Trace,
    rules: Rules,
    attributes: list[dict[str, str]],
    folded: dict[int, tuple[int, str]],
    members: range,
    incomplete: tuple[Problem, ...],
) -> Flow:
    spans, parents = trace.spans, trace.parents
    kept = [index for index in members if index not in folded]
    position = {index: at for at, index in enumerate(kept)}
    layers: dict[int, list[Folded]] = {}
    for index in members:
        if index in folded:
            target, rule = folded[index]
            span = spans[index]
            layers.setdefault(target, []).append(Folded(span.span_id, span.name, rule, span.scope.name, span.scope.version))
    operations: list[Operation] = []
    for index in kept:
        parent = parents[index]
        while parent in folded:
            parent = folded[parent][0] if folded[parent][0] < index else parents[parent]
        span = spans[index]
        operations.append(
            Operation(
                service=span.service,
                name=operation_name(span, rules),
                kind=span.kind,
                error=span.error,
                attributes=attributes[index],
                parent=position[parent] if parent >= 0 else -1,
                span_id=span.span_id,
                start_ns=span.start_ns,
                end_ns=span.end_ns,
                process=_process(span),
                scope=span.scope.name,
                scope_version=span.scope.version,
                schema_url=span.scope.schema_url,
                links=span.links,
                folded=tuple(layers.get(index, ())),
            )
        )
    entry = operations[0]
    ids = {spans[index].span_id for index in members}
    own = tuple(problem for problem in trace.problems if problem.span_id in ids and problem.kind != ProblemKind.ORPHAN)
    test_case = _test_case([spans[index] for index in members])
    key = FlowKey(test_case, entry.service, entry.name if test_case else _entry_operation(entry))
    return Flow(key, trace.trace_id, tuple(operations), (*incomplete, *own))


def _entry_operation(entry: Operation) -> str:
    """The name and what it asks for: without a test case `SELECT`, or `GET`, would be many flows of one key."""
    name, statement = entry.name, statement_of(entry)
    if statement in name:
        return name
    operation = statement if name in statement else f"{name} {statement}"
    if len(operation) <= LONGEST_OPERATION:
        return operation
    digest = hashlib.sha256(operation.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{operation[: LONGEST_OPERATION - len(digest) - 2]}… {digest}"


def _test_case(spans: list[Span]) -> str:
    """The test case that the entry names, else any span, else a resource; empty when none does."""
    for span in spans:
        if name := span.attributes.get(TEST_CASE):
            return str(name)
    for span in spans:
        if name := span.resource.attributes.get(TEST_CASE):
            return str(name)
    return ""


def _process(span: Span) -> str:
    resource = span.resource.attributes
    if instance := resource.get("service.instance.id"):
        return str(instance)
    host, pid = resource.get("host.name", ""), resource.get("process.pid", "")
    return f"{host}/{pid}" if host or pid else ""
