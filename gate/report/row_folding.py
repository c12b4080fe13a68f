"""Folds a tree of lines into rows: what is unchanged becomes one row, what is repeated becomes one row with counts."""

from collections.abc import Iterator

from gate.report.row import Row, RowState
from gate.report.row_findings import PlacedFindings
from gate.report.row_tree import RowTree

FOLD_FROM = 3
"""Fewer unchanged lines than this are shown as they are."""
SUBTREE_AT_MOST = 12
"""A missing or added call shows what is below it up to so many lines."""


def fold(tree: RowTree) -> tuple[Row, ...]:
    """All lines as rows, in display order; each line is in exactly one row."""
    return _Folding(tree).rows()


class _Folding:
    def __init__(self, tree: RowTree) -> None:
        self.tree = tree
        self.found = PlacedFindings(tree)
        size = len(tree)
        self.states = [self.found.state(at) for at in range(size)]
        self.sizes = [1] * size
        self.interesting = [state != RowState.SAME or at in self.found.marks for at, state in enumerate(self.states)]
        self.alone = not tree.paired
        """There is nothing to compare with: nothing is folded."""
        self.signatures = self._signatures()
        for at in range(size - 1, 0, -1):
            parent = tree.parents[at]
            if parent >= 0:
                self.sizes[parent] += self.sizes[at]
                self.interesting[parent] |= self.interesting[at]

    def rows(self) -> tuple[Row, ...]:
        rows: list[Row] = []
        tops = [at for at, parent in enumerate(self.tree.parents) if parent < 0]
        stack: list[Row | int] = list(reversed(tops))
        repeats: dict[int, list[int]] = {}
        while stack:
            item = stack.pop()
            if isinstance(item, Row):
                rows.append(item)
                continue
            rows.append(self._row(item, repeats.get(item, ())))
            stack.extend(reversed(list(self._below(item, repeats))))
        return tuple(rows)

    def _below(self, at: int, repeats: dict[int, list[int]]) -> Iterator[Row | int]:
        """The lines under a shown line: shown ones by position, hidden ones as folded rows."""
        children = self.tree.children[at]
        one_sided = self.tree.one_sided(at) and self.tree.paired
        if one_sided and self.sizes[at] - 1 > SUBTREE_AT_MOST and not self._marked_below(at):
            yield self._folded(children)
            return
        groups = self._groups(children)
        run: list[int] = []
        for child in children:
            group = groups.get(child)
            if group is not None and group[0] != child:
                continue
            if group is None and not self.interesting[child] and not self.alone:
                run.append(child)
                continue
            yield from self._run(run)
            run = []
            if group is not None:
                repeats[child] = group[1:]
            yield child
        yield from self._run(run)

    def _run(self, run: list[int]) -> Iterator[Row | int]:
        if sum(self.sizes[at] for at in run) < FOLD_FROM:
            yield from run
        else:
            yield self._folded(run)

    def _groups(self, children: list[int]) -> dict[int, list[int]]:
        """Siblings that are the same call again, where their number differs between the sides."""
        alike: dict[int, list[int]] = {}
        for child in children:
            alike.setdefault(self.signatures[child], []).append(child)
        groups: dict[int, list[int]] = {}
        for members in alike.values():
            if len(members) < 2 or not any(map(self.tree.one_sided, members)) or not self.tree.paired:
                continue
            groups.update(dict.fromkeys(members, members))
        return groups

    def _row(self, at: int, others: "list[int] | tuple[()]") -> Row:
        tree = self.tree
        members = [at, *others]
        before = sum(1 for member in members if tree.pairs[member][0] >= 0)
        after = sum(1 for member in members if tree.pairs[member][1] >= 0)
        shown = next((member for member in members if not tree.one_sided(member)), at)
        marks = tuple(mark for member in members for mark in self.found.marks.get(member, ()))
        state = self.states[at]
        if others:
            covered = any(self.found.covered[member] for member in members)
            state = RowState.VARIES if not covered else RowState.CHANGED
            if covered and not before:
                state = RowState.ADDED
            elif covered and not after:
                state = RowState.MISSING
        old = next((member for member in members if tree.pairs[member][0] >= 0), at)
        new = next((member for member in members if tree.pairs[member][1] >= 0), at)
        return Row(
            number=at,
            state=state,
            depth=tree.depths[at],
            before=tree.call(old, after=False, times=before),
            after=tree.call(new, after=True, times=after),
            deltas=self.found.deltas(shown),
            marks=marks,
            folded=tuple(self._plain(others)),
        )

    def _folded(self, tops: list[int]) -> Row:
        return Row(
            number=tops[0],
            state=RowState.FOLDED,
            depth=self.tree.depths[tops[0]],
            folded=tuple(self._plain(tops)),
        )

    def _plain(self, tops: "list[int] | tuple[()]") -> Iterator[Row]:
        """Whole subtrees, line by line."""
        for top in tops:
            for at in range(top, top + self.sizes[top]):
                yield Row(
                    number=at,
                    state=self.states[at],
                    depth=self.tree.depths[at],
                    before=self.tree.call(at, after=False),
                    after=self.tree.call(at, after=True),
                    deltas=self.found.deltas(at),
                    marks=tuple(self.found.marks.get(at, ())),
                )

    def _marked_below(self, at: int) -> bool:
        return any(line in self.found.marks for line in range(at + 1, at + self.sizes[at]))

    def _signatures(self) -> list[int]:
        """Equal numbers for subtrees that are the same call: service, name, kind, error, attributes and what is below."""
        tree = self.tree
        numbers: dict[object, int] = {}
        below: list[list[int]] = [[] for _ in range(len(tree))]
        signatures = [0] * len(tree)
        for at in range(len(tree) - 1, -1, -1):
            operation = tree.operation(at)
            marked = at in self.found.marks and at not in self.found.counted and not tree.one_sided(at)
            key = (
                operation.service,
                operation.name,
                operation.kind,
                operation.error,
                tuple(sorted(operation.attributes.items())),
                tuple(sorted(below[at])),
                at if marked else -1,
            )
            signatures[at] = numbers.setdefault(key, len(numbers) + 1)
            if tree.parents[at] >= 0:
                below[tree.parents[at]].append(signatures[at])
        return signatures
