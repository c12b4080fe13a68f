"""Whether two different labels are one call that changed: another statement, another name."""

import re
from functools import lru_cache

from gate.compare.schema import Slot
from gate.compare.shape import Label, Shape

SAME_CALL = 0.55
"""Unlikeness up to which a missing and an added call are one changed call."""

_ORDERED = re.compile(r"\b(?:INSERT|UNION|INTERSECT|EXCEPT|UPDATE|DELETE)\b")
_SELECT_LIST = re.compile(r"(?<=\bSELECT )(?:(?!\b(?:SELECT|FROM)\b).)*(?= FROM\b)")
_WORD = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=8_192)
def words_of(text: str) -> frozenset[str]:
    """The distinct words and signs of a statement, route or name."""
    return frozenset(_WORD.findall(text))


def unlikeness(before: Label, after: Label) -> float:
    """0 for one label, 1 for calls that have nothing in common. Calls of two services are never alike."""
    if before[0] != after[0]:
        return 1.0
    same_name = before[1] == after[1]
    if before[2] and after[2]:
        if before[2] == after[2]:
            return 0.1
        verb = before[2].split(" ", 1)[0] == after[2].split(" ", 1)[0]
        text = _difference(before[2], after[2])
        return min(1.0, text * (0.75 if same_name and verb else 1.1))
    if same_name:
        return 0.2
    return _difference(before[1], after[1])


def same_columns(before: Label, after: Label) -> bool:
    """Whether two labels are one read that names its columns in another order, as a mapper does that keeps them in a set.

    Never where the order means something: rows that are inserted, and those of two queries put together.
    """
    if before[:2] != after[:2] or not before[2].startswith(("SELECT ", "WITH ")) or _ORDERED.search(before[2]):
        return False
    return _columns(before[2]) == _columns(after[2])


def _columns(statement: str) -> str:
    return _SELECT_LIST.sub(lambda found: ", ".join(sorted(found[0].split(", "))), statement)


def subtree_unlikeness(before: Slot, shape: Shape, index: int) -> float:
    """How unlike the calls below are; 0.5 where neither has any."""
    below = {shape.labels[child] for child in shape.children[index]}
    known = set(before.groups)
    if not below and not known:
        return 0.5
    return 1.0 - len(below & known) / len(below | known)


def _difference(before: str, after: str) -> float:
    left, right = words_of(before), words_of(after)
    if not left or not right:
        return 1.0
    if before.startswith(after) or after.startswith(before):
        return 0.3
    return 1.0 - len(left & right) / len(left | right)
