"""A flow as arrays that the comparison runs on: children, labels, facts and subtree hashes, each derived once."""

from typing import TypeAlias

from gate.model.flow import Flow, Operation
from gate.normalize.statement import statement_of

Label: TypeAlias = tuple[str, str, str]
"""Which call it is: service, name template, and what it asks for (statement, route, topic). Equal labels are the same call."""

ROWS = "db.response.returned_rows"
ERROR = "error"
"""The fact that stands for status ERROR; `yes` or absent."""
KIND = "span.kind"

IDENTITY = frozenset(
    {
        "db.query.text",
        "db.operation.name",
        "db.collection.name",
        "messaging.destination.name",
        "url.template",
        "http.route",
        "http.request.method",
        "rpc.method",
        "graphql.operation.name",
    }
)
"""Attributes that say which call it is; all others say how it went."""


def label_of(operation: Operation) -> Label:
    """The label of an operation."""
    return operation.service, operation.name, statement_of(operation)


def facts_of(operation: Operation) -> dict[str, str]:
    """How a call went: error, status, rows (`0` or `some`) and every other kept attribute that is no part of its label."""
    facts = {key: value for key, value in operation.attributes.items() if key not in IDENTITY}
    if ROWS in facts and facts[ROWS] != "0":
        facts[ROWS] = "some"
    if operation.error:
        facts[ERROR] = "yes"
    return facts


class Shape:
    """One flow in arrays, by the index of the operation. Immutable once made."""

    __slots__ = ("children", "collapsed", "facts", "flow", "hashes", "labels", "parents", "size")

    def __init__(self, flow: Flow) -> None:
        operations = flow.operations
        self.flow = flow
        self.size = len(operations)
        self.parents = [operation.parent for operation in operations]
        self.children: list[list[int]] = [[] for _ in operations]
        self.labels: list[Label] = []
        self.facts: list[dict[str, str]] = []
        for index, operation in enumerate(operations):
            if operation.parent >= 0:
                self.children[operation.parent].append(index)
            self.labels.append(label_of(operation))
            self.facts.append(facts_of(operation))
        self.hashes = [0] * self.size
        """Of the whole subtree, order-free: equal hashes, equal calls that went the same way."""
        self.collapsed = [0] * self.size
        """The same without numbers and facts other than errors: which calls there are at all."""
        hashes, collapsed = self.hashes, self.collapsed
        for index in range(self.size - 1, -1, -1):
            below = self.children[index]
            if len(below) > 1:
                inner = hash(tuple(sorted([hashes[child] for child in below])))
                which = hash(frozenset([collapsed[child] for child in below]))
            elif below:
                inner = hashes[below[0]]
                which = hash(collapsed[below[0]])
            else:
                inner = which = 0
            label, facts = self.labels[index], self.facts[index]
            hashes[index] = hash((label, frozenset(facts.items()), inner))
            collapsed[index] = hash((label, ERROR in facts, which))
