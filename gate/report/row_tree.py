"""The aligned pairs of a comparison as one tree of lines, marked with what was found."""

from collections.abc import Iterable, Iterator, Sequence

from gate.model.change import AttributeChanged, BodyChanged, CallAdded, CallMissing, Change, CountChanged, RowsChanged
from gate.model.flow import Flow, Operation
from gate.model.trace import SpanKind
from gate.model.verdict import Comparison, Level, Place
from gate.report.row import Call, Delta, Mark, RowState
from gate.report.words import phrase

_ERRORS = ("error.type", "exception.type")
_ELSEWHERE_AT_MOST = 100
_STATEMENTS = ("db.query.text", "db.query.summary", "messaging.destination.name", "http.route", "url.template")


class RowTree:
    """Lines by position: parents come before children, so that passes over the tree are loops, never recursion."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.sample = _Side(comparison.sample)
        self.flow = _Side(comparison.flow)
        self.paired = comparison.sample is not None and comparison.flow is not None
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
        self.marks, self.touched, self.keys, self.counted = self._place_findings()
        self.covered = self._cover()
        """Whether a finding is about the line, or about a line above it that lacks the same side."""

    def __len__(self) -> int:
        return len(self.pairs)

    def state(self, at: int) -> RowState:
        """What the line says about its call."""
        before, after = self.pairs[at]
        if not self.paired:
            if not self.covered[at]:
                return RowState.SAME
            return RowState.MISSING if after < 0 else RowState.ADDED
        if before < 0 or after < 0:
            if not self.covered[at]:
                return RowState.VARIES
            return RowState.MISSING if after < 0 else RowState.ADDED
        if at in self.touched:
            return RowState.CHANGED
        return RowState.SAME

    def call(self, at: int, *, after: bool, times: int = 1) -> Call | None:
        """One side of the line, None where it is a gap."""
        side = self.flow if after else self.sample
        index = self.pairs[at][1 if after else 0]
        return side.call(index, times) if index >= 0 else None

    def deltas(self, at: int) -> tuple[Delta, ...]:
        """The attributes that differ between both sides of the line, found ones first."""
        before, after = self.pairs[at]
        found = self.keys.get(at, {})
        if before < 0 or after < 0:
            return tuple(Delta(key, *values, found=True) for key, values in found.items())
        old, new = self.sample.operations[before].attributes, self.flow.operations[after].attributes
        if at in self.touched and self.sample.operations[before].error != self.flow.operations[after].error:
            # A changed error is the finding, whatever names its type.
            found = {key: (old.get(key, ""), new.get(key, "")) for key in _ERRORS if old.get(key) != new.get(key)} | found
        varying = sorted(key for key in old.keys() | new.keys() if key not in found and old.get(key) != new.get(key))
        return (
            *(Delta(key, *values, found=True) for key, values in found.items()),
            *(Delta(key, old.get(key, ""), new.get(key, ""), found=False) for key in varying),
        )

    def operation(self, at: int) -> Operation:
        """The call of the line, of the run where it has one."""
        before, after = self.pairs[at]
        return self.flow.operations[after] if after >= 0 else self.sample.operations[before]

    def _parent(self, at: int, pair: tuple[int, int], before_at: dict[int, int], after_at: dict[int, int]) -> int:
        before, after = pair
        candidates: list[int] = []
        if after >= 0:
            candidates.append(after_at.get(self.flow.operations[after].parent, -1))
        if before >= 0:
            candidates.append(before_at.get(self.sample.operations[before].parent, -1))
        return next((parent for parent in candidates if 0 <= parent < at), 0 if at else -1)

    def _place_findings(
        self,
    ) -> tuple[dict[int, list[Mark]], set[int], dict[int, dict[str, tuple[str, str]]], set[int]]:
        """Marks with sentence by line; every line that a finding names; found attributes by line; lines of changed counts.

        An ignored finding marks its line, and that is all.
        """
        before_at = {self.sample.operations[i].span_id: at for at, (i, _) in enumerate(self.pairs) if i >= 0}
        after_at = {self.flow.operations[j].span_id: at for at, (_, j) in enumerate(self.pairs) if j >= 0}
        marks: dict[int, list[Mark]] = {}
        touched: set[int] = set()
        keys: dict[int, dict[str, tuple[str, str]]] = {}
        counted: set[int] = set()
        for number, finding in enumerate(self.comparison.findings):
            parts: list[tuple[Change, Place, str, bool]] = [(finding.change, finding.place, finding.sentence, True)]
            parts += [(each.change, each.place, each.sentence, False) for each in finding.consequences]
            for change, place, sentence, root in parts:
                at = list(_lines(place, before_at, after_at))
                elsewhere = finding.flows[:1] not in ((), (self.comparison.key,))
                if not at and elsewhere:
                    at = self._same_call(change, place)[:_ELSEWHERE_AT_MOST]
                if not at and root and self.pairs and not elsewhere:
                    at = [0]
                if not at:
                    continue
                first = _first(at, self.pairs, change)
                title = phrase(change).title
                mark = Mark(number, root and not elsewhere, title, sentence, finding.level, finding.approval is not None)
                marks.setdefault(first, []).append(mark)
                if finding.level == Level.IGNORED:
                    continue
                touched.update(at)
                if isinstance(change, CountChanged):
                    counted.update(at)
                for key, before, after in _facts(change):
                    keys.setdefault(first, {})[key] = (before, after)
        return marks, touched, keys, counted

    def _same_call(self, change: Change, place: Place) -> list[int]:
        """Lines where a cause that is placed in another flow shows: the same call lacks the same side, or has the same caller."""
        match change:
            case CallMissing(service, operation) | CallAdded(service, operation):
                side = 1 if isinstance(change, CallMissing) else 0
                lines = (at for at, pair in enumerate(self.pairs) if pair[side] < 0)
                return [at for at in lines if (self.operation(at).service, self.operation(at).name) == (service, operation)]
            case _:
                tail = place.path[-2:]
                return [
                    at
                    for at in range(len(self.pairs))
                    if len(tail) == 2 and (self._step(self.parents[at]), self._step(at)) == tail
                ]

    def _step(self, at: int) -> str:
        operation = self.operation(at) if at >= 0 else None
        return "" if operation is None else f"{operation.service}: {operation.name}" if operation.service else operation.name

    def _cover(self) -> list[bool]:
        covered = [False] * len(self.pairs)
        for at, (before, after) in enumerate(self.pairs):
            parent = self.parents[at]
            above = (
                parent >= 0
                and covered[parent]
                and ((before < 0 and self.pairs[parent][0] < 0) or (after < 0 and self.pairs[parent][1] < 0))
            )
            covered[at] = at in self.touched or above
        return covered


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


def _facts(change: Change) -> Iterator[tuple[str, str, str]]:
    match change:
        case AttributeChanged(_, _, key, before, after) | BodyChanged(_, _, key, before, after):
            yield key, before, after
        case RowsChanged(_, _, before, after):
            yield "db.response.returned_rows", before, after
        case _:
            return


def _lines(place: Place, before_at: dict[str, int], after_at: dict[str, int]) -> Iterator[int]:
    seen: set[int] = set()
    for ids, where in ((place.after_span_ids, after_at), (place.before_span_ids, before_at)):
        for span_id in ids:
            at = where.get(span_id, -1)
            if at >= 0 and at not in seen:
                seen.add(at)
                yield at


def _first(at: list[int], pairs: list[tuple[int, int]], change: Change) -> int:
    """The line that carries the sentence: of a count the one that both sides have, else the first on the page."""
    if isinstance(change, CountChanged):
        both = [line for line in at if min(pairs[line]) >= 0]
        if both:
            return min(both)
    return min(at)


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
