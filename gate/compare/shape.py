"""A flow as arrays that the comparison runs on: children, labels, facts and subtree hashes, each derived once."""

from collections import Counter
from collections.abc import Sequence
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

Kind: TypeAlias = tuple[Label, dict[str, str], str, int, int]
"""Label, facts, outcome, and a hash: of label and facts, and of the label and whether it failed only."""


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


def outcome_of(facts: dict[str, str]) -> str:
    """How a call ended: its status and whether it is an error; instances with another outcome do other work."""
    status = "".join([facts[key] for key in sorted(facts) if key.endswith("status_code")])
    return f"{status}{'!' if ERROR in facts else ''}"


class Kinds:
    """What operations of a kind come to: their label and facts, derived once, however often they happen.

    Equal operations share both, so that labels mostly meet by identity. `known` are the kinds of the golden runs; a run's own stay
    with the run.
    """

    __slots__ = ("_known", "_own")

    def __init__(self, known: "Kinds | None" = None) -> None:
        self._own: dict[tuple[object, ...], Kind] = {}
        self._known: dict[tuple[object, ...], Kind] = known._own if known else {}

    def of(self, operations: Sequence[Operation]) -> list["Kind"]:
        """The kind of each operation."""
        known, own = self._known, self._own
        found: list[Kind] = []
        for operation in operations:
            attributes = operation.attributes
            # flat, so that only one tuple is made: as many keys as values
            key = (operation.service, operation.name, operation.error, *attributes, *attributes.values())
            kind = known.get(key) or own.get(key)
            if kind is None:
                label, facts = label_of(operation), facts_of(operation)
                which = hash(label)
                exact, loose = hash((which, frozenset(facts.items()))), hash((which, ERROR in facts))
                kind = own[key] = (label, facts, outcome_of(facts), exact, loose)
            found.append(kind)
        return found


class Shape:
    """One flow in arrays, by the index of the operation. Immutable once made."""

    __slots__ = ("children", "collapsed", "facts", "flow", "hashes", "labels", "outcomes", "parents", "size")

    def __init__(self, flow: Flow, kinds: Kinds | None = None) -> None:
        operations = flow.operations
        found = (kinds or Kinds()).of(operations)
        self.flow = flow
        self.size = len(operations)
        self.parents = [operation.parent for operation in operations]
        self.children: list[list[int]] = [[] for _ in operations]
        self.labels: list[Label] = [kind[0] for kind in found]
        self.facts: list[dict[str, str]] = [kind[1] for kind in found]
        """Shared between operations: not to be changed."""
        self.outcomes: list[str] = [kind[2] for kind in found]
        children = self.children
        for index, parent in enumerate(self.parents):
            if parent >= 0:
                children[parent].append(index)
        self.hashes = [0] * self.size
        """Of the whole subtree, order-free: equal hashes, equal calls that went the same way."""
        self.collapsed = [0] * self.size
        """The same without numbers and facts other than errors: which calls there are at all."""
        hashes, collapsed = self.hashes, self.collapsed
        for index in range(self.size - 1, -1, -1):
            below = children[index]
            exact, loose = found[index][3:]
            if not below:
                hashes[index] = exact
                collapsed[index] = loose
            elif len(below) == 1:
                hashes[index] = hash((exact, hashes[below[0]]))
                collapsed[index] = hash((loose, collapsed[below[0]]))
            else:
                hashes[index] = hash((exact, *sorted([hashes[child] for child in below])))
                collapsed[index] = hash((loose, *sorted({collapsed[child] for child in below})))

    def calls(self, index: int) -> Counter[Label]:
        """How often an operation makes which call."""
        below = self.children[index]
        return Counter([self.labels[child] for child in below]) if below else Counter()
