"""Drawn trees → flows: the language of the case files (see README.md)."""

import re

from msgspec.structs import replace

from gate.model.flow import Flow, FlowKey, Operation, RunFlows
from gate.model.trace import Problem, ProblemKind, SpanKind

KEYS = {
    "statement": "db.query.text",
    "status": "http.response.status_code",
    "rows": "db.response.returned_rows",
    "method": "http.request.method",
    "route": "http.route",
    "topic": "messaging.destination.name",
    "system": "db.system.name",
    "body": "http.response.body",
}
_FIELD = re.compile(r" {2,}")
_STEP = 10


class _Node:
    def __init__(self, line: str, depth: int, parallel: bool) -> None:
        head, *fields = _FIELD.split(line)
        self.service, _, self.name = head.partition(": ")
        self.depth, self.parallel = depth, parallel
        self.kind = SpanKind.INTERNAL
        self.error = self.orphan = False
        self.times = 1
        self.attributes: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self.children: list[_Node] = []
        for field in fields:
            key, mark, value = field.partition("=")
            if not mark:
                if re.fullmatch(r"x\d+", field):
                    self.times = int(field[1:])
                elif field in {"error", "orphan"}:
                    setattr(self, field, True)
                else:
                    self.kind = SpanKind[field]
            elif key in {"process", "scope", "version"}:
                self.own[key] = value
            else:
                self.attributes[KEYS.get(key, key)] = value
        if "db.query.text" in self.attributes and self.kind == SpanKind.INTERNAL:
            self.kind = SpanKind.CLIENT


def draw_flow(text: str, test_case: str = "", trace_id: str = "t", start: int = 0) -> Flow:
    """One drawn tree as a flow. The first line is the entry."""
    roots = _parse(text)
    assert len(roots) == 1, "a tree has one entry"
    operations: list[Operation] = []
    problems: list[Problem] = []
    _place(roots[0], -1, start, operations, problems, trace_id)
    entry = operations[0]
    return Flow(FlowKey(test_case, entry.service, entry.name), trace_id, tuple(operations), tuple(problems))


def draw_run(drawn: str | dict[str, str], run_id: str) -> RunFlows:
    """One run: a tree, or trees by test case, one after the other in time."""
    named = drawn if isinstance(drawn, dict) else {"case": drawn}
    flows = [
        draw_flow(text, test_case if test_case != "-" else "", f"{run_id}-{number}", number * 1_000_000)
        for number, (test_case, text) in enumerate(named.items())
    ]
    return RunFlows(run_id, tuple(flows))


def _parse(text: str) -> list[_Node]:
    roots: list[_Node] = []
    path: list[_Node] = []
    for raw in text.splitlines():
        if not raw.strip():
            continue
        line = raw.strip()
        depth = len(raw) - len(raw.lstrip())
        parallel = line.startswith("~ ")
        node = _Node(line.removeprefix("~ "), depth, parallel)
        while path and path[-1].depth >= depth:
            path.pop()
        (path[-1].children if path else roots).append(node)
        path.append(node)
    return roots


def _place(node: _Node, parent: int, start: int, operations: list[Operation], problems: list[Problem], trace_id: str) -> int:
    """Adds a node and all below it; returns when it ends."""
    index = len(operations)
    span_id = f"{trace_id}/{index}"
    if node.orphan:
        problems.append(Problem(ProblemKind.ORPHAN, span_id, "its parent never arrived"))
    operation = Operation(
        service=node.service,
        name=node.name,
        kind=node.kind,
        error=node.error,
        attributes=dict(node.attributes),
        parent=parent,
        span_id=span_id,
        start_ns=start,
        end_ns=start,
        process=node.own.get("process", node.service),
        scope=node.own.get("scope", ""),
        scope_version=node.own.get("version", ""),
    )
    operations.append(operation)
    clock = begun = start + 1
    for child in node.children:
        if not child.parallel:
            begun = clock
        for _ in range(child.times):
            ended = _place(child, index, begun, operations, problems, trace_id)
            clock = max(clock, ended + 1)
            if not child.parallel:
                last, begun = begun, clock
        begun = begun if child.parallel else last
    end = max(clock, start + _STEP)
    operations[index] = replace(operation, end_ns=end)
    return end
