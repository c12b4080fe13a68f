"""Minimum-cost pairing of two small sets: which of the siblings with one name is which."""

from collections.abc import Callable, Sequence
from typing import TypeVar

LARGEST_EXACT = 32
"""Larger sets are paired nearest-first: the exact method costs the cube of the size."""

A = TypeVar("A")
B = TypeVar("B")


def assign(rows: Sequence[A], columns: Sequence[B], cost: Callable[[A, B], float]) -> list[tuple[int, int]]:
    """Pairs (row index, column index) of least total cost, ordered by row; the larger side keeps members without a partner."""
    if not rows or not columns:
        return []
    if len(rows) == 1 and len(columns) == 1:
        return [(0, 0)]
    if len(rows) > len(columns):
        return sorted((row, column) for column, row in assign(columns, rows, lambda b, a: cost(a, b)))
    matrix = [[cost(row, column) for column in columns] for row in rows]
    if len(columns) > LARGEST_EXACT:
        return _nearest_first(matrix)
    return _hungarian(matrix)


def _nearest_first(matrix: list[list[float]]) -> list[tuple[int, int]]:
    ranked = sorted((value, row, column) for row, line in enumerate(matrix) for column, value in enumerate(line))
    rows: set[int] = set()
    columns: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for _, row, column in ranked:
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
    return sorted(pairs)


def _hungarian(matrix: list[list[float]]) -> list[tuple[int, int]]:
    """Kuhn–Munkres with potentials, for no more rows than columns; O(rows² · columns)."""
    rows, columns = len(matrix), len(matrix[0])
    row_potential = [0.0] * (rows + 1)
    column_potential = [0.0] * (columns + 1)
    partner = [0] * (columns + 1)
    for row in range(1, rows + 1):
        partner[0] = row
        column = 0
        least = [float("inf")] * (columns + 1)
        previous = [0] * (columns + 1)
        used = [False] * (columns + 1)
        while partner[column]:
            used[column] = True
            current, delta, following = partner[column], float("inf"), 0
            for other in range(1, columns + 1):
                if used[other]:
                    continue
                reduced = matrix[current - 1][other - 1] - row_potential[current] - column_potential[other]
                if reduced < least[other]:
                    least[other], previous[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(columns + 1):
                if used[other]:
                    row_potential[partner[other]] += delta
                    column_potential[other] -= delta
                else:
                    least[other] -= delta
            column = following
        while column:
            partner[column] = partner[previous[column]]
            column = previous[column]
    return sorted((partner[column] - 1, column - 1) for column in range(1, columns + 1) if partner[column])
