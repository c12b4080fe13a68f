"""What is compared: a trace with all that varies removed."""

import msgspec

from gate.model.trace import Link, Problem, SpanKind


class FlowKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names a flow across runs: the test case (empty if unknown), the entry service and the entry operation."""

    test_case: str
    service: str
    operation: str

    def __str__(self) -> str:
        where = f"{self.service}: {self.operation}" if self.service else self.operation
        return f"{self.test_case} · {where}" if self.test_case else where


class Folded(msgspec.Struct, frozen=True, gc=False):
    """A span that the comparison does not see as an operation of its own, and the rule that folded it."""

    span_id: str
    name: str
    rule: str
    scope: str = ""
    scope_version: str = ""


class Operation(msgspec.Struct, frozen=True, gc=False):
    """A span with all that varies removed. Attribute values are text, so that 200 and "200" are one."""

    service: str
    name: str
    """The name template: `GET /users/{id}`."""
    kind: SpanKind
    error: bool
    attributes: dict[str, str]
    """Kept attributes by their current semantic-convention key, values normalised."""
    parent: int
    """Index of the parent in `Flow.operations`; -1 at the entry."""
    span_id: str
    start_ns: int
    end_ns: int
    process: str = ""
    """Identity of the process that made it (`service.instance.id`, else host and pid); for work done once a process."""
    scope: str = ""
    scope_version: str = ""
    schema_url: str = ""
    links: tuple[Link, ...] = ()
    folded: tuple[Folded, ...] = ()


class Flow(msgspec.Struct, frozen=True):
    """One normalised tree under one entry span. `operations` is in pre-order; `operations[0]` is the entry."""

    key: FlowKey
    trace_id: str
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...] = ()


class RunFlows(msgspec.Struct, frozen=True):
    """All flows of one run: what floating first-use work is accounted over."""

    run_id: str
    flows: tuple[Flow, ...]
