"""Where findings are in a tree of lines: which lines they mark, which they explain, and which values they are about."""

from collections.abc import Iterator

from gate.model.change import AttributeChanged, BodyChanged, CallAdded, CallMissing, Change, CountChanged, RowsChanged
from gate.model.flow import Operation
from gate.model.verdict import Finding, Level, Place
from gate.report.row import Delta, Mark, RowState
from gate.report.row_tree import RowTree, statement_of
from gate.report.words import phrase

_ERRORS = ("error.type", "exception.type")
_ELSEWHERE_AT_MOST = 100


class PlacedFindings:
    """The findings of a comparison on its lines. An ignored finding marks its line, and that is all."""

    def __init__(self, tree: RowTree) -> None:
        self._tree = tree
        self._before_at = {tree.sample.operations[i].span_id: at for at, (i, _) in enumerate(tree.pairs) if i >= 0}
        self._after_at = {tree.flow.operations[j].span_id: at for at, (_, j) in enumerate(tree.pairs) if j >= 0}
        self._gaps: dict[tuple[str, str, int], list[int]] = {}
        """Lines by service, name and missing side (0 before, 1 after)."""
        for at, pair in enumerate(tree.pairs):
            if min(pair) < 0:
                operation = tree.operation(at)
                self._gaps.setdefault((operation.service, operation.name, 0 if pair[0] < 0 else 1), []).append(at)
        self.marks: dict[int, list[Mark]] = {}
        """Sentences by line."""
        self.counted: set[int] = set()
        """Lines whose number of calls is the finding."""
        self._touched: set[int] = set()
        self._values: dict[int, dict[str, tuple[str, str]]] = {}
        for number, finding in enumerate(tree.comparison.findings):
            self._place(number, finding)
        self.covered = self._cover()
        """Whether a finding is about the line, or about a line above it that lacks the same side."""

    def state(self, at: int) -> RowState:
        """What the line says about its call."""
        if self._tree.one_sided(at):
            if not self.covered[at]:
                return RowState.VARIES if self._tree.paired else RowState.SAME
            return RowState.MISSING if self._tree.pairs[at][1] < 0 else RowState.ADDED
        return RowState.CHANGED if at in self._touched else RowState.SAME

    def deltas(self, at: int) -> tuple[Delta, ...]:
        """The attributes that differ between both sides of the line, found ones first."""
        found = self._values.get(at, {})
        before, after = self._tree.operations(at)
        if before is None or after is None:
            return tuple(Delta(key, *values, found=True) for key, values in found.items())
        old, new = before.attributes, after.attributes
        if at in self._touched and before.error != after.error:
            # A changed error is the finding, whatever names its type.
            found = {key: (old.get(key, ""), new.get(key, "")) for key in _ERRORS if old.get(key) != new.get(key)} | found
        varying = sorted(key for key in old.keys() | new.keys() if key not in found and old.get(key) != new.get(key))
        return (
            *(Delta(key, *values, found=True) for key, values in found.items()),
            *(Delta(key, old.get(key, ""), new.get(key, ""), found=False) for key in varying),
        )

    def _place(self, number: int, finding: Finding) -> None:
        elsewhere = finding.flows[:1] not in ((), (self._tree.comparison.key,))
        parts: list[tuple[Change, Place, str, bool]] = [(finding.change, finding.place, finding.sentence, True)]
        parts += [(each.change, each.place, each.sentence, False) for each in finding.consequences]
        for change, place, sentence, root in parts:
            at = list(_lines(place, self._before_at, self._after_at))
            if not at and elsewhere:
                at = self._alike(change) or self._at_path(place, change)
            if not at and root and len(self._tree) and not elsewhere:
                at = [0]
            if not at:
                continue
            first = _first(at, self._tree.pairs, change)
            mark = Mark(
                number, root and not elsewhere, phrase(change).title, sentence, finding.level, finding.approval is not None
            )
            self.marks.setdefault(first, []).append(mark)
            if finding.level == Level.IGNORED:
                continue
            self._touched.update(at)
            # The same call again, gone or new at other places of this flow: the finding is about that as well.
            self._touched.update(self._alike(change))
            if isinstance(change, CountChanged):
                self.counted.update(at)
            for key, before, after in _facts(change):
                self._values.setdefault(first, {})[key] = (before, after)

    def _alike(self, change: Change) -> list[int]:
        """Lines where the call of the change lacks the same side."""
        match change:
            case CallMissing(service, operation, _, statement):
                lines = self._gaps.get((service, operation, 1), [])
            case CallAdded(service, operation, _, statement):
                lines = self._gaps.get((service, operation, 0), [])
            case _:
                return []
        return [at for at in lines if statement_of(self._tree.operation(at)) in ("", statement) or not statement]

    def _at_path(self, place: Place, change: Change) -> list[int]:
        """Lines with the place's call under the place's caller: where a cause of another flow shows in this one."""
        if len(place.path) < 2:
            return []
        tree = self._tree
        lines = (at for at in range(1, len(tree)) if self._step(at) == place.path[-1] and _is_about(change, tree.operation(at)))
        return [at for at in lines if self._step(tree.parents[at]) == place.path[-2]][:_ELSEWHERE_AT_MOST]

    def _step(self, at: int) -> str:
        if at < 0:
            return ""
        operation = self._tree.operation(at)
        return f"{operation.service}: {operation.name}" if operation.service else operation.name

    def _cover(self) -> list[bool]:
        pairs, parents = self._tree.pairs, self._tree.parents
        covered = [False] * len(pairs)
        for at, (before, after) in enumerate(pairs):
            parent = parents[at]
            above = (
                parent >= 0
                and covered[parent]
                and ((before < 0 and pairs[parent][0] < 0) or (after < 0 and pairs[parent][1] < 0))
            )
            covered[at] = at in self._touched or above
        return covered


def _is_about(change: Change, operation: Operation) -> bool:
    """Whether a call of the right name is the changed one: `SELECT` is the name of many."""
    if isinstance(change, AttributeChanged | BodyChanged):
        return operation.attributes.get(change.key, "") in (change.before, change.after)
    statement = str(getattr(change, "statement", ""))
    return not statement or statement_of(operation) in ("", statement)


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
