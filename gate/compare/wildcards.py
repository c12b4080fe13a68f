"""Learned wildcards: what differs at one place in every golden trace is an identifier that no template knew."""

import re
from itertools import zip_longest

from gate.compare.schema import Group, Slot
from gate.compare.shape import Label

FEWEST = 3
"""Different golden labels from which a differing piece is a wildcard."""

_PIECE = re.compile(r"[^\s/.:,;=_\-]+|.")


def wildcard_group(slot: Slot, label: Label) -> Group | None:
    """The group of a golden call that an unknown call stands in for: one of several that differ in the same single piece.

    Each of them must have been seen by one golden caller only: a call that comes again is no identifier.
    """
    alike: list[Group] = []
    places: set[int] = set()
    words = len(label[1].split()), len(label[2].split())
    for known, group in slot.groups.items():
        if known[0] != label[0] or (len(known[1].split()), len(known[2].split())) != words or not _seen_once(group):
            continue
        if (place := _differing_piece(known, label)) is not None:
            alike.append(group)
            places.add(place)
    return alike[0] if len(alike) >= FEWEST and len(places) == 1 else None


def _seen_once(group: Group) -> bool:
    return sum(parents for count, parents in group.counts.items() if count) == 1


def _differing_piece(left: Label, right: Label) -> int | None:
    """Which piece of the label (name and statement) is the only one that differs; None for none or several."""
    found: int | None = None
    pieces = zip_longest(_PIECE.findall(f"{left[1]} {left[2]}"), _PIECE.findall(f"{right[1]} {right[2]}"))
    seen: set[tuple[str | None, str | None]] = set()
    for place, (one, other) in enumerate(pieces):
        if one == other:
            continue
        if one is None or other is None:
            return None
        seen.add((one, other))
        if len(seen) > 1:
            return None
        found = place if found is None else found
    return found
