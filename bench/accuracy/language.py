"""What fault-free traces of a flow look like, all of them: to tell a missed mutation from another legitimate variant.

A mutated trace that fault-free traces also look like cannot be told from them by anybody. "Look like": the same tree once
repeated siblings are collapsed, each call as often as in some fault-free trace, each attribute with a value seen at that call,
and, for swapped calls, in an order seen before.
"""

from collections import Counter
from collections.abc import Iterable

from gate.model.flow import Flow

_Path = tuple[str, ...]


class Language:
    """The shapes of a flow's fault-free traces, goldens and held-out ones alike."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._shapes: set[object] = set()
        self._exact: set[object] = set()
        self._counts: dict[_Path, tuple[int, int]] = {}
        self._values: set[tuple[_Path, str, str]] = set()
        self._orders: set[tuple[_Path, str, str]] = set()
        for flow in flows:
            self._shapes.add(_shape(flow))
            self._exact.add(exact(flow))
            for path, (low, high) in _counts(flow).items():
                known = self._counts.get(path)
                self._counts[path] = (low, high) if known is None else (min(low, known[0]), max(high, known[1]))
            self._values |= _values(flow)
            self._orders |= _orders(flow)

    def has(self, flow: Flow) -> bool:
        """Whether the flow is a variant that fault-free traces show, order aside."""
        if _shape(flow) not in self._shapes or not _values(flow) <= self._values:
            return False
        for path, (low, high) in _counts(flow).items():
            known = self._counts.get(path)
            if known is None or low < known[0] or high > known[1]:
                return False
        return True

    def has_order(self, flow: Flow) -> bool:
        """Whether every order between two calls of one caller was seen."""
        return _orders(flow) <= self._orders


def exact(flow: Flow) -> object:
    """Everything the comparison can see of a flow but times: equal for a trace and its copy."""
    labels = [
        (*_label(flow, index), tuple(sorted(flow.operations[index].attributes.items()))) for index in range(len(flow.operations))
    ]
    return _tree(flow, labels, collapse=False), frozenset(_orders(flow))


def _label(flow: Flow, index: int) -> tuple[object, ...]:
    operation = flow.operations[index]
    return operation.service, operation.name, operation.kind, operation.error, operation.attributes.get("db.query.text", "")


def _shape(flow: Flow) -> object:
    return _tree(flow, [_label(flow, index) for index in range(len(flow.operations))], collapse=True)


def _tree(flow: Flow, labels: list[tuple[object, ...]], *, collapse: bool) -> object:
    """One hash for the tree without the order of siblings; operations are in pre-order, so a walk backwards is bottom-up."""
    children: dict[int, list[int]] = {}
    shapes = [0] * len(labels)
    for index in range(len(labels) - 1, -1, -1):
        below = children.get(index, [])
        inside = frozenset(below) if collapse else frozenset(Counter(below).items())
        shapes[index] = hash((labels[index], inside))
        children.setdefault(flow.operations[index].parent, []).append(shapes[index])
    return shapes[0]


def _paths(flow: Flow) -> list[_Path]:
    paths: list[_Path] = []
    for index, operation in enumerate(flow.operations):
        label = "|".join(map(str, _label(flow, index)))
        paths.append((*paths[operation.parent], label) if operation.parent >= 0 else (label,))
    return paths


def _counts(flow: Flow) -> dict[_Path, tuple[int, int]]:
    """By call path: the least and the greatest number of such calls of one caller."""
    paths = _paths(flow)
    of_caller: Counter[tuple[int, _Path]] = Counter()
    for index, operation in enumerate(flow.operations):
        of_caller[operation.parent, paths[index]] += 1
    counts: dict[_Path, tuple[int, int]] = {}
    for (_, path), count in of_caller.items():
        low, high = counts.get(path, (count, count))
        counts[path] = min(low, count), max(high, count)
    return counts


def _values(flow: Flow) -> set[tuple[_Path, str, str]]:
    paths = _paths(flow)
    return {
        (paths[index], key, value)
        for index, operation in enumerate(flow.operations)
        for key, value in operation.attributes.items()
    }


def _orders(flow: Flow) -> set[tuple[_Path, str, str]]:
    """(caller's path, a, b): every a ended before any b began."""
    paths = _paths(flow)
    spans: dict[int, dict[str, tuple[int, int]]] = {}
    for index, operation in enumerate(flow.operations):
        if operation.parent < 0:
            continue
        of_caller = spans.setdefault(operation.parent, {})
        label = paths[index][-1]
        start, end = of_caller.get(label, (operation.start_ns, operation.end_ns))
        of_caller[label] = min(start, operation.start_ns), max(end, operation.end_ns)
    orders: set[tuple[_Path, str, str]] = set()
    for caller, of_caller in spans.items():
        if len(of_caller) > 60:
            continue
        for first, (_, end) in of_caller.items():
            orders |= {(paths[caller], first, then) for then, (start, _) in of_caller.items() if end <= start and then != first}
    return orders
