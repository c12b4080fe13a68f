"""What the golden samples say about one place of a flow: which calls, how often, how they go, in which order.

A `Slot` is one call at one place, a `Group` the calls with one label under one parent. Groups of constant number hold a
slot for each call (the second `PUT` of a test is not the third); groups whose number varies hold prototypes.
"""

from gate.compare.assignment import assign
from gate.compare.shape import ERROR, Label, Shape
from gate.compare.timing import LARGEST_ORDERED, Timing, intervals, relations
from gate.normalize.attributes import is_curated

LARGEST_SLOTTED = 12
"""More calls of one label under one parent are a repetition: they share prototypes."""
LARGEST_PROTOTYPES = 8
SUPPORT = 5
"""Observations from which order and ordinary attributes count."""


class Slot:
    """One call at one place, as all samples show it."""

    __slots__ = ("count", "facts", "groups", "label", "precedes", "refuted", "shapes", "variants", "where")

    def __init__(self, label: Label) -> None:
        self.label = label
        self.count = 0
        """Observed instances."""
        self.facts: dict[str, dict[str, int]] = {}
        """By key, the values seen and how often; the rest of `count` had no such fact."""
        self.groups: dict[Label, Group] = {}
        self.variants: dict[int, int] = {}
        """Exact subtree hashes, and how often each was seen."""
        self.shapes: dict[int, set[int]] = {}
        """Collapsed subtree hashes, and the samples that show each."""
        self.precedes: dict[tuple[Label, Label], int] = {}
        """Children that always end before others begin, by how many instances say so."""
        self.refuted: set[tuple[Label, Label]] = set()
        self.where: list[tuple[int, int]] = []
        """(sample, operation) of every instance, samples in learning order."""


class Group:
    """The calls with one label under one parent."""

    __slots__ = ("counts", "repeated", "slots", "total")

    def __init__(self, absent: int) -> None:
        self.slots: list[Slot] = []
        self.counts: dict[int, int] = {0: absent} if absent else {}
        """How many parents have how many of these calls."""
        self.repeated = False
        self.total = absent

    @property
    def least(self) -> int:
        """The fewest calls that a parent had."""
        return min(self.counts)

    @property
    def most(self) -> int:
        """The most calls that a parent had."""
        return max(self.counts)

    def allows(self, number: int) -> bool:
        """Whether a parent may have this many of the calls: seen before, or inside a varying repetition's widened range."""
        if number in self.counts:
            return True
        positive = [count for count in self.counts if count]
        if len(positive) < 2:
            return False
        if len(self.counts) == 2 and sum(self.counts.values()) >= SUPPORT:  # two ways to go, no repetition that depends on data
            return min(positive) <= number <= self.most
        return (1 if self.least else 0) <= number <= 2 * self.most + 1

    def text(self) -> str:
        """The learned number: `1`, `0..1`, `2..5`."""
        return str(self.most) if self.least == self.most else f"{self.least}..{self.most}"


def absorb(root: Slot, shape: Shape, sample: int, timings: dict[Label, Timing]) -> None:
    """Teaches the schema of a flow one more sample, and the timings of its callers. Iterative: depth costs no stack."""
    stack = [(root, 0)]
    while stack:
        slot, index = stack.pop()
        _observe(slot, shape, sample, index)
        if shape.children[index]:
            by_label = children_by_label(shape, index)
            for label, members in by_label.items():
                group = slot.groups.get(label)
                if group is None:
                    group = slot.groups[label] = Group(slot.count - 1)
                stack.extend(_place(group, label, shape, members))
            if len(by_label) > 1:
                spans = intervals(shape, by_label)
                _learn_order(slot, spans)
                timing = timings.get(slot.label)
                if timing is None:
                    timing = timings[slot.label] = Timing()
                timing.observe(shape, by_label, spans)
            for label, group in slot.groups.items():
                if label not in by_label:
                    group.counts[0] = group.counts.get(0, 0) + 1
        else:
            for group in slot.groups.values():
                group.counts[0] = group.counts.get(0, 0) + 1


def children_by_label(shape: Shape, index: int) -> dict[Label, list[int]]:
    """The children of an operation, grouped, in order of their start."""
    labels = shape.labels
    grouped: dict[Label, list[int]] = {}
    for child in shape.children[index]:
        label = labels[child]
        members = grouped.get(label)
        if members is None:
            grouped[label] = [child]
        else:
            members.append(child)
    return grouped


def distance(slot: Slot, shape: Shape, index: int) -> float:
    """How unlike an operation is what a slot has seen: differing facts weigh most, then children."""
    if shape.hashes[index] in slot.variants:
        return 0.0
    different = 0.5
    facts = shape.facts[index]
    for key, values in slot.facts.items():
        seen = facts.get(key)
        if seen is None:
            if sum(values.values()) == slot.count:
                different += 2.0 if key == ERROR or is_curated(key) else 0.5
        elif seen not in values:
            different += 2.0 if key == ERROR or is_curated(key) else 0.5
    for key in facts:
        if key not in slot.facts:
            different += 2.0 if key == ERROR or is_curated(key) else 0.5
    present = {shape.labels[child] for child in shape.children[index]}
    different += sum(1.0 for label in present if label not in slot.groups)
    different += sum(1.0 for label, group in slot.groups.items() if label not in present and group.least)
    return different


def pair_group(group: Group, shape: Shape, members: list[int]) -> tuple[list[tuple[Slot, int]], list[Slot], list[int]]:
    """Slots with the members that fill them, slots left empty, members left over."""
    slots = group.slots
    if group.repeated:
        return [(nearest_prototype(group, shape, member), member) for member in members], [], []
    if len(slots) == 1 and len(members) == 1:
        return [(slots[0], members[0])], [], []
    hashes = shape.hashes
    free = list(range(len(slots)))
    pairs: list[tuple[Slot, int]] = []
    rest: list[int] = []
    for member in members:
        for position, at in enumerate(free):
            if hashes[member] in slots[at].variants:
                pairs.append((slots[at], member))
                del free[position]
                break
        else:
            rest.append(member)
    if rest and free:
        order = {member: position for position, member in enumerate(members)}
        chosen = assign(rest, free, lambda member, at: distance(slots[at], shape, member) + abs(order[member] - at) * 0.01)
        for row, column in chosen:
            pairs.append((slots[free[column]], rest[row]))
        rows = {row for row, _ in chosen}
        columns = {column for _, column in chosen}
        rest = [member for position, member in enumerate(rest) if position not in rows]
        free = [at for position, at in enumerate(free) if position not in columns]
    return pairs, [slots[at] for at in free], rest


def nearest_prototype(group: Group, shape: Shape, member: int) -> Slot:
    """The prototype of a repetition that an operation is most like; the earlier one among equals."""
    slots = group.slots
    if len(slots) == 1:
        return slots[0]
    hashed = shape.hashes[member]
    for slot in slots:
        if hashed in slot.variants:
            return slot
    return min(slots, key=lambda slot: distance(slot, shape, member))


def _observe(slot: Slot, shape: Shape, sample: int, index: int) -> None:
    slot.count += 1
    slot.where.append((sample, index))
    hashed = shape.hashes[index]
    slot.variants[hashed] = slot.variants.get(hashed, 0) + 1
    slot.shapes.setdefault(shape.collapsed[index], set()).add(sample)
    facts = slot.facts
    for key, value in shape.facts[index].items():
        values = facts.get(key)
        if values is None:
            facts[key] = {value: 1}
        else:
            values[value] = values.get(value, 0) + 1


def _place(group: Group, label: Label, shape: Shape, members: list[int]) -> list[tuple[Slot, int]]:
    """Learns how many there are, and which slot each fills; makes slots as needed."""
    number = len(members)
    first = not group.slots
    group.counts[number] = group.counts.get(number, 0) + 1
    if first:
        group.repeated = number > LARGEST_SLOTTED
        if not group.repeated:
            group.slots = [Slot(label) for _ in members]
            return list(zip(group.slots, members, strict=True))
    elif not group.repeated and number != len(group.slots):
        group.repeated = True
    if not group.repeated:
        return pair_group(group, shape, members)[0]
    placed: list[tuple[Slot, int]] = []
    for member in members:
        slot = _prototype(group, label, shape, member)
        placed.append((slot, member))
    return placed


def _prototype(group: Group, label: Label, shape: Shape, member: int) -> Slot:
    if group.slots:
        nearest = nearest_prototype(group, shape, member)
        if len(group.slots) >= LARGEST_PROTOTYPES or distance(nearest, shape, member) < 2.0:
            return nearest
    slot = Slot(label)
    group.slots.append(slot)
    return slot


def _learn_order(slot: Slot, spans: list[tuple[Label, int, int]]) -> None:
    """Keeps, of the orders that hold in this instance, those that no instance refutes."""
    precedes, refuted = slot.precedes, slot.refuted
    for first, then, overlapping in relations(spans):
        pair, reverse = (first, then), (then, first)
        if pair in refuted:
            continue
        if overlapping or reverse in precedes:
            refuted.update((pair, reverse))
            precedes.pop(pair, None)
            precedes.pop(reverse, None)
        else:
            precedes[pair] = precedes.get(pair, 0) + 1
    if len(spans) > LARGEST_ORDERED:
        found = {label: (start, end) for label, start, end in spans}
        for first, then in list(precedes):
            if first in found and then in found and found[first][1] > found[then][0]:
                refuted.update(((first, then), (then, first)))
                del precedes[first, then]
