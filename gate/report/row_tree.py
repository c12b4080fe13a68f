"""The aligned pairs of a comparison as one tree of lines."""

from collections.abc import Iterable, Sequence

from gate.model.flow import Flow, Operation
from gate.model.trace import SpanKind
from gate.model.verdict import Comparison
from gate.report.row import Call

_STATEMENTS = ("db.query.text", "db.query.summary", "messaging.destination.name", "http.route", "url.template")


class RowTree:
    """Lines by position: parents come before children, so that passes over the tree are loops, never recursion."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.sample = _Side(comparison.sample)
        self.flow = _Side(comparison.flow)
        self.paired = comparison.sample is not None and comparison.flow is not None
        """Whether there are two sides; otherwise a gap says nothing."""
        pairs = _complete(comparison, len(self.sample.operations), len(self.flow.operations))
        before_at = {before: at for at, (before, _) in enumerate(pairs) if before >= 0}
        after_at = {after: at for at, (_, after) in enumerate(pairs) if after >= 0}
        parents = [self._parent(at, pair, before_at, after_at) for at, pair in enumerate(pairs)]
        order = _preorder(parents)
        moved = {old: new for new, old in enumerate(order)}
        self.pairs = [pairs[old] for old in order]
        self.parents = [moved[parents[old]] if parents[old] >= 0 else -1 for old in order]
        """Position of the line above, -1 at the top; always smaller than the line's own position."""
        self.depths = _depths(self.parents)
        self.children = _children(self.parents)

    def __len__(self) -> int:
        return len(self.pairs)

    def one_sided(self, at: int) -> bool:
        """Whether the line has a gap."""
        return min(self.pairs[at]) < 0

    def operations(self, at: int) -> tuple[Operation | None, Operation | None]:
        """Both sides of the line."""
        before, after = self.pairs[at]
        return (
            self.sample.operations[before] if before >= 0 else None,
            self.flow.operations[after] if after >= 0 else None,
        )

    def operation(self, at: int) -> Operation:
        """The call of the line, of the run where it has one."""
        before, after = self.pairs[at]
        return self.flow.operations[after] if after >= 0 else self.sample.operations[before]

    def call(self, at: int, *, after: bool, times: int = 1) -> Call | None:
        """One side of the line as a row shows it, None where it is a gap."""
        side = self.flow if after else self.sample
        index = self.pairs[at][1 if after else 0]
        return side.call(index, times) if index >= 0 else None

    def _parent(self, at: int, pair: tuple[int, int], before_at: dict[int, int], after_at: dict[int, int]) -> int:
        before, after = pair
        candidates: list[int] = []
        if after >= 0:
            candidates.append(after_at.get(self.flow.operations[after].parent, -1))
        if before >= 0:
            candidates.append(before_at.get(self.sample.operations[before].parent, -1))
        return next((parent for parent in candidates if 0 <= parent < at), 0 if at else -1)


class _Side:
    """One flow with what a line needs of it."""

    def __init__(self, flow: Flow | None) -> None:
        self.operations: Sequence[Operation] = flow.operations if flow is not None else ()
        self.depths = _depths([operation.parent for operation in self.operations])

    def call(self, index: int, times: int) -> Call:
        operation = self.operations[index]
        kind = operation.kind.name.lower() if operation.kind != SpanKind.UNSPECIFIED else ""
        return Call(
            span_id=operation.span_id,
            service=operation.service,
            name=operation.name,
            kind=kind,
            error=operation.error,
            depth=self.depths[index],
            duration_ns=max(0, operation.end_ns - operation.start_ns),
            statement=statement_of(operation),
            attributes=operation.attributes,
            times=times,
        )


def statement_of(operation: Operation) -> str:
    """The query, topic or route of a call, empty when its name already is it."""
    values = (operation.attributes.get(key, "") for key in _STATEMENTS)
    statement = next((value for value in values if value), "")
    return "" if statement == operation.name or operation.name.endswith(f" {statement}") else statement


def _complete(comparison: Comparison, before_count: int, after_count: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    seen_before: set[int] = set()
    seen_after: set[int] = set()
    for before, after in comparison.pairs:
        before = before if 0 <= before < before_count and before not in seen_before else -1
        after = after if 0 <= after < after_count and after not in seen_after else -1
        if before < 0 and after < 0:
            continue
        seen_before.add(before)
        seen_after.add(after)
        pairs.append((before, after))
    pairs += [(index, -1) for index in range(before_count) if index not in seen_before]
    pairs += [(-1, index) for index in range(after_count) if index not in seen_after]
    return pairs


def _children(parents: Sequence[int]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in parents]
    for at, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(at)
    return children


def _preorder(parents: Sequence[int]) -> list[int]:
    children = _children(parents)
    stack = [at for at in range(len(parents) - 1, -1, -1) if parents[at] < 0]
    order: list[int] = []
    while stack:
        at = stack.pop()
        order.append(at)
        stack.extend(reversed(children[at]))
    return order


def _depths(parents: Iterable[int]) -> list[int]:
    depths: list[int] = []
    for parent in parents:
        depths.append(depths[parent] + 1 if 0 <= parent < len(depths) else 0)
    return depths
