"""Drawn trees → the flows of a run, by the product's own way: spans, traces, normalisation (the language: see README.md)."""

import random
import re
from collections.abc import Iterator

from msgspec.structs import replace

from gate.model.flow import RunFlows
from gate.model.trace import Event, Link, Resource, Scope, Span, SpanKind, StatusCode
from tests.delivered import delivered, hex_id

KEYS = {
    "statement": "db.query.text",
    "status": "http.response.status_code",
    "rows": "db.response.returned_rows",
    "method": "http.request.method",
    "route": "http.route",
    "url": "url.full",
    "topic": "messaging.destination.name",
    "system": "db.system.name",
    "body": "http.response.body",
    "rpc": "rpc.method",
    "rpc-status": "rpc.response.status_code",
}
INHERITED = frozenset({"process", "version"})
_FIELD = re.compile(r" {2,}")
_STEP = 10
_APART = 10_000_000_000
"""Between the starts of two trees of a run."""
_MILLISECOND = 1_000_000
_PAUSE = 100 * _MILLISECOND
_COARSE = 150_000
"""Nanoseconds that a drawn unit of time takes with `clock: ms`."""


class Node:
    """One drawn line with the lines below it."""

    def __init__(self, line: str, depth: int) -> None:
        self.depth = depth
        self.parallel = line.startswith("~ ")
        head, *fields = _FIELD.split(line.removeprefix("~ "))
        self.service, _, self.name = head.partition(": ")
        self.kind = SpanKind.INTERNAL
        self.error = self.lost = self.late = self.pause = False
        self.times = 1
        self.attributes: dict[str, str] = {}
        self.resource: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self.children: list[Node] = []
        for field in fields:
            self._take(*field.partition("="))
        if self.kind == SpanKind.INTERNAL and {"db.query.text", "db.statement"} & self.attributes.keys():
            self.kind = SpanKind.CLIENT

    def _take(self, key: str, mark: str, value: str) -> None:
        if mark and key in {"process", "scope", "version", "exception", "mark", "link"}:
            self.own[key] = value
        elif mark and key.startswith("resource."):
            self.resource[key.removeprefix("resource.")] = value
        elif mark:
            self.attributes[KEYS.get(key, key)] = value
        elif re.fullmatch(r"x\d+", key):
            self.times = int(key[1:])
        elif key in {"error", "lost", "late", "pause"}:
            setattr(self, key, True)
        else:
            self.kind = SpanKind[key]


def draw_run(drawn: str | dict[str, str], run_id: str, limit: int | None = None, clock: str = "") -> RunFlows:
    """One run: a tree, or trees by test case, one after the other in time. Spans arrive in any order.

    A test case whose name starts with `-` is none. `limit` cuts attribute values to so many characters. `clock: ms`: the spans begin at whole milliseconds.
    """
    spans = (
        [coarse(span) for span in draw_spans(drawn, run_id, limit)] if clock == "ms" else list(draw_spans(drawn, run_id, limit))
    )
    random.Random(run_id).shuffle(spans)
    return delivered(run_id, spans)


def coarse(span: Span) -> Span:
    """The span as the JavaScript SDK makes it: it begins at a whole millisecond, and its length is measured finer."""
    begin = span.start_ns * _COARSE // _MILLISECOND * _MILLISECOND
    return replace(span, start_ns=begin, end_ns=begin + (span.end_ns - span.start_ns) * _COARSE + 1)


def draw_spans(drawn: str | dict[str, str], run_id: str, limit: int | None = None) -> Iterator[Span]:
    """The spans of a run, as delivered: lost ones are not among them."""
    named = drawn if isinstance(drawn, dict) else {"case": drawn}
    roots = [(test_case, root) for test_case, text in named.items() for root in parse(text)]
    marks: dict[str, Link] = {}
    for number, (test_case, root) in enumerate(roots):
        if not test_case.startswith("-"):
            root.attributes["test.case.name"] = test_case
        yield from _Trace(f"{run_id}-{number}", run_id, marks, limit).spans(root, number * _APART)


def parse(text: str) -> list[Node]:
    """The drawn trees; each line without indentation is the entry of a trace of its own."""
    roots: list[Node] = []
    path: list[Node] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            continue
        node = Node(line, len(raw) - len(raw.lstrip()))
        while path and path[-1].depth >= node.depth:
            path.pop()
        (path[-1].children if path else roots).append(node)
        path.append(node)
    return roots


class _Trace:
    """Makes the spans of one tree."""

    def __init__(self, name: str, run_id: str, marks: dict[str, Link], limit: int | None) -> None:
        self.trace_id = hex_id(name, 32)
        self.run_id = run_id
        self.marks = marks
        self.limit = limit
        self.found: list[Span] = []
        self.number = 0

    def spans(self, root: Node, start: int) -> list[Span]:
        self._place(root, "", start + int(hex_id(self.run_id, 8), 16), {})
        return self.found

    def _place(self, node: Node, parent: str, start: int, processes: dict[str, dict[str, str]]) -> int:
        """Adds a node and all below it; returns when it ends."""
        self.number += 1
        span_id = hex_id(f"{self.trace_id}/{self.number}", 16)
        inherited = processes.get(node.service, {}) | {key: node.own[key] for key in INHERITED & node.own.keys()}
        below = processes | {node.service: inherited}
        if mark := node.own.get("mark"):
            self.marks[mark] = Link(self.trace_id, span_id, {})
        clock = begun = last = start + 1
        for child in node.children:
            if child.late:
                continue
            if not child.parallel:
                begun = clock
            for _ in range(child.times):
                if child.pause:
                    clock = begun = begun + _PAUSE
                clock = max(clock, self._place(child, span_id, begun, below) + 1)
                if not child.parallel:
                    last, begun = begun, clock
            begun = begun if child.parallel else last
        end = max(clock, start + _STEP)
        clock = end
        for child in node.children:
            if child.late:
                clock = self._place(child, span_id, clock + _STEP, below)
        if not node.lost:
            self.found.append(self._span(node, span_id, parent, start, end, inherited))
        return end

    def _span(self, node: Node, span_id: str, parent: str, start: int, end: int, inherited: dict[str, str]) -> Span:
        process = inherited.get("process", f"{self.run_id}-{node.service}")
        exception = node.own.get("exception")
        return Span(
            trace_id=self.trace_id,
            span_id=span_id,
            parent_span_id=parent,
            name=node.name,
            kind=node.kind,
            start_ns=start,
            end_ns=end,
            attributes={key: value[: self.limit] for key, value in node.attributes.items()},
            resource=Resource({"service.name": node.service, "service.instance.id": process, **node.resource}, node.service),
            scope=Scope(node.own.get("scope", ""), inherited.get("version", "")),
            status=StatusCode.ERROR if node.error else StatusCode.UNSET,
            events=(Event("exception", start, {"exception.type": exception}),) if exception else (),
            links=(self.marks[node.own["link"]],) if "link" in node.own else (),
        )
