"""Aligned rows, like a split diff: the one component of every side-by-side view.

A row holds a call of the golden sample on the left and of the run on the right; a gap on either side is a call that
the other does not have. Findings mark rows: the root divergence with its sentence, its consequences by its number.
Repeated calls are one row with counts, unchanged subtrees one row with what it folds.
"""

from gate.model.verdict import Comparison
from gate.report.row import Row
from gate.report.row_folding import fold
from gate.report.row_tree import RowTree


def rows(comparison: Comparison) -> tuple[Row, ...]:
    """The comparison in display order. Every operation of both sides is in exactly one row, folded ones included.

    Never raises on odd input: pairs that name no operation are left out, operations that no pair names come last.
    """
    return fold(RowTree(comparison))
