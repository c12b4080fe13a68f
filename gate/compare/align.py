"""A flow laid onto its schema: which operation fills which slot, and every place where they differ."""

from collections import Counter, defaultdict

from gate.compare.assignment import assign
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_read
from gate.compare.schema import SUPPORT, Group, Slot, children_by_label, pair_group
from gate.compare.shape import ERROR, ROWS, Label, Shape
from gate.compare.similarity import SAME_CALL, same_columns, subtree_unlikeness, unlikeness
from gate.compare.timing import Timing, begins_first, intervals, overlaps, relation
from gate.compare.wildcards import wildcard_group
from gate.model.trace import SpanKind
from gate.normalize.attributes import is_curated

_FAILURE_KEYS = frozenset({ERROR, "error.type", "exception.type"})


class Alignment:
    """The outcome: `slot_of[i]` is what operation i fills (None where it is new), `divergences` are in no particular order."""

    __slots__ = ("divergences", "seen", "shape", "slot_of", "timings")

    def __init__(self, shape: Shape, timings: dict[Label, Timing]) -> None:
        self.shape = shape
        self.timings = timings
        self.seen: list[tuple[int, Label, Label, int]] = []
        """Of callers whose calls overlap: two calls, and how they lie in time here (see `relation`)."""
        self.slot_of: list[Slot | None] = [None] * shape.size
        self.divergences: list[Divergence] = []


def align(root: Slot, shape: Shape, timings: dict[Label, Timing]) -> Alignment:
    """Lays a flow onto its schema. Near-linear: identical subtrees meet by their hash."""
    result = Alignment(shape, timings)
    if root.label != shape.labels[0]:
        _rename_entry(result, root)
    _align_below(result, root, 0)
    _find_moves(result)
    return result


def _rename_entry(result: Alignment, root: Slot) -> None:
    """The entry serves another request: its method, route or statement changed."""
    attributes = result.shape.flow.operations[0].attributes
    keys = ("db.query.text", "messaging.destination.name", "http.route", "url.template", "http.request.method", "rpc.method")
    key = next((name for name in keys if name in attributes), "db.operation.name")
    facts = ((key, root.label[2], result.shape.labels[0][2]),)
    result.divergences.append(Divergence(Difference.FACT, result.shape.labels[0], 0, slot=root, operations=(0,), facts=facts))


def _align_below(result: Alignment, root: Slot, start: int) -> None:
    shape = result.shape
    stack = [(root, start)]
    while stack:
        slot, index = stack.pop()
        result.slot_of[index] = slot
        known = shape.hashes[index] in slot.variants
        if not known:
            _check_facts(result, slot, index)
        if shape.children[index] or slot.groups:
            _align_children(result, slot, index, known, stack)


def _align_children(result: Alignment, slot: Slot, index: int, known: bool, stack: list[tuple[Slot, int]]) -> None:
    shape = result.shape
    by_label = children_by_label(shape, index)
    groups = slot.groups
    if not known:
        added = [label for label in by_label if label not in groups]
        missing = [label for label, group in groups.items() if label not in by_label and not group.allows(0)]
        if added and missing:
            groups, by_label = _see_through(result, slot, index, groups, by_label, added, missing)
    empty: list[tuple[Label, Group, list[Slot]]] = []
    extra: list[tuple[Label, list[int]]] = []
    for label, members in by_label.items():
        group = groups.get(label)
        if group is None:
            if stands_in := wildcard_group(slot, label):
                stack.extend((stands_in.slots[0], member) for member in members)
            else:
                extra.append((label, members))
            continue
        unfilled: list[Slot] = []
        rest: list[int] = []
        if len(members) == 1 and len(group.slots) == 1:  # nearly always
            stack.append((group.slots[0], members[0]))
        else:
            pairs, unfilled, rest = pair_group(group, shape, members)
            stack.extend(pairs)
        if not known and not group.allows(len(members)):
            _count(result, slot, index, label, group, members, unfilled, rest)
    if not known:
        for label, group in groups.items():
            if label not in by_label and not group.allows(0):
                empty.append((label, group, group.slots))
        if empty or extra:
            _reconcile(result, slot, index, empty, extra, stack)
    if len(by_label) > 1:
        _check_order(result, slot, index, by_label)


def _check_facts(result: Alignment, slot: Slot, index: int) -> None:
    facts = result.shape.facts[index]
    changes: list[tuple[str, str, str]] = []
    for key, value in facts.items():
        values = slot.facts.get(key)
        if values is None:
            if key in _FAILURE_KEYS or (key.endswith("status_code") and not value.startswith(("1", "2", "3", "0", "O"))):
                changes.append((key, "", value))
        elif value not in values and _counts(slot, key, values) and not _is_unanswered(result.shape, index, slot, key):
            changes.append((key, _usual(values), value))
    for key, values in slot.facts.items():
        if key not in facts and sum(values.values()) == slot.count and _counts(slot, key, values):
            changes.append((key, _usual(values), ""))
    if changes:
        changes.sort(key=_weight)
        divergence = Divergence(
            Difference.FACT, result.shape.labels[index], index, slot=slot, operations=(index,), facts=tuple(changes)
        )
        result.divergences.append(divergence)


def _is_unanswered(shape: Shape, index: int, slot: Slot, key: str) -> bool:
    """Whether only the reason differs why a request got no answer, in the golden traces as well: refused here, timed out there."""
    facts = shape.facts[index]
    if key not in _FAILURE_KEYS or ERROR not in facts or ERROR not in slot.facts:
        return False
    asks = "http.request.method" in shape.flow.operations[index].attributes
    return asks and not any(name.endswith("status_code") for name in facts)


def _usual(values: dict[str, int]) -> str:
    return max(values, key=lambda value: (values[value], value))


def _counts(slot: Slot, key: str, values: dict[str, int]) -> bool:
    """Whether the fact is known well enough: curated ones always unless they vary freely, others when constant and frequent."""
    if key == ERROR or is_curated(key):
        return len(values) < 3 or len(values) * 2 <= slot.count
    return slot.count >= SUPPORT and len(values) == 1 and sum(values.values()) == slot.count


def _weight(change: tuple[str, str, str]) -> tuple[int, str]:
    key = change[0]
    if key.endswith("status_code"):
        return 0, key
    if key == ERROR:
        return 1, key
    if key == ROWS:
        return 2, key
    return (3 if is_curated(key) else 4), key


def _count(
    result: Alignment,
    slot: Slot,
    index: int,
    label: Label,
    group: Group,
    members: list[int],
    unfilled: list[Slot],
    rest: list[int],
) -> None:
    operations = tuple(rest) if rest else tuple(members) if len(members) > group.most else ()
    result.divergences.append(
        Divergence(
            Difference.COUNT,
            label,
            index,
            slot=slot,
            group=group,
            slots=tuple(unfilled),
            operations=operations,
            number=len(members),
            before=group.text(),
            after=str(len(members)),
        )
    )


def _see_through(
    result: Alignment,
    slot: Slot,
    index: int,
    groups: dict[Label, Group],
    by_label: dict[Label, list[int]],
    added: list[Label],
    missing: list[Label],
) -> tuple[dict[Label, Group], dict[Label, list[int]]]:
    """Looks through a new operation around known calls (wrapped) and a lost one whose calls remain (unwrapped)."""
    shape = result.shape
    lost = set(missing)
    by_label = dict(by_label)
    groups = dict(groups)
    for label in added:
        below: list[int] = [child for member in by_label[label] for child in shape.children[member]]
        labels = {shape.labels[child] for child in below}
        if not labels & lost or len(labels & lost) * 2 < len(labels):
            continue
        if any(_is_same_call(groups[name], label, name, shape, by_label[label][0]) for name in lost):
            continue
        members = by_label.pop(label)
        for child in below:
            by_label.setdefault(shape.labels[child], []).append(child)
        lost -= labels
        result.divergences.append(
            Divergence(Difference.WRAPPED, label, index, slot=slot, operations=tuple(members), number=len(members))
        )
    new = {label for label in added if label in by_label}
    for label in missing:
        if label not in lost or not new:
            continue
        group = groups[label]
        labels = {name for member in group.slots for name in member.groups}
        if not labels & new or len(labels & new) * 2 < len(labels):
            continue
        del groups[label]
        for member in group.slots:
            for name, inner in member.groups.items():
                if name not in groups:
                    groups[name] = inner
        new -= labels
        result.divergences.append(
            Divergence(Difference.UNWRAPPED, label, index, slot=slot, group=group, slots=tuple(group.slots), before=group.text())
        )
    return groups, by_label


def _is_same_call(group: Group, after: Label, before: Label, shape: Shape, index: int) -> bool:
    return unlikeness(before, after) <= SAME_CALL and subtree_unlikeness(group.slots[0], shape, index) < 0.5


def _reconcile(
    result: Alignment,
    slot: Slot,
    index: int,
    empty: list[tuple[Label, Group, list[Slot]]],
    extra: list[tuple[Label, list[int]]],
    stack: list[tuple[Slot, int]],
) -> None:
    """Pairs calls that are gone with calls that are new where one is the other, changed."""
    shape = result.shape

    def cost(lost: tuple[Label, Group, list[Slot]], new: tuple[Label, list[int]]) -> float:
        if _lost_callee(lost[0], lost[2][0], shape, new[1][0]):
            return 0.0
        different = unlikeness(lost[0], new[0])
        below = subtree_unlikeness(lost[2][0], shape, new[1][0])
        if below < 0.34:  # the same calls below: a new name
            different *= 0.5
        if below > 0.9:
            different *= 1.3
        return different + (0.05 if lost[1].most != len(new[1]) else 0.0)

    taken_lost: set[int] = set()
    taken_new: set[int] = set()
    for row, column in assign(empty, extra, cost) if empty and extra else []:
        if cost(empty[row], extra[column]) > SAME_CALL:
            continue
        (label, group, slots), (after, members) = empty[row], extra[column]
        taken_lost.add(row)
        taken_new.add(column)
        fill = [slots[min(position, len(slots) - 1)] for position in range(len(members))]
        stack.extend(zip(fill, members, strict=True))
        same = same_columns(label, after) or all(_lost_callee(label, slots[0], shape, member) for member in members)
        if same and group.allows(len(members)):
            continue
        result.divergences.append(
            Divergence(
                Difference.RENAMED,
                label,
                index,
                slot=slot,
                group=group,
                slots=tuple(fill),
                operations=tuple(members),
                number=len(members),
                before=group.text(),
                after=str(len(members)),
                after_label=after,
            )
        )
    for row, (label, group, slots) in enumerate(empty):
        if row not in taken_lost:
            result.divergences.append(
                Divergence(
                    Difference.MISSING, label, index, slot=slot, group=group, slots=tuple(slots), before=group.text(), after="0"
                )
            )
    for column, (label, members) in enumerate(extra):
        if column not in taken_new:
            result.divergences.append(
                Divergence(
                    Difference.ADDED,
                    label,
                    index,
                    slot=slot,
                    operations=tuple(members),
                    number=len(members),
                    before="0",
                    after=str(len(members)),
                )
            )


def _lost_callee(label: Label, slot: Slot, shape: Shape, index: int) -> bool:
    """Whether a request is the golden one without its callee's spans: its path was the callee's route, and is now what was asked."""
    operation = shape.flow.operations[index]
    method = operation.attributes.get("http.request.method", "")
    return (
        operation.kind == SpanKind.CLIENT
        and not shape.children[index]
        and bool(method)
        and label[2].startswith(f"{method} ")
        and label[:2] == shape.labels[index][:2]
        and _segments(label[2]) == _segments(shape.labels[index][2])
        and any(callee[0] != label[0] and group.least for callee, group in slot.groups.items())
    )


def _segments(path: str) -> int:
    return path.split("?")[0].strip("/").count("/")


def _check_order(result: Alignment, slot: Slot, index: int, by_label: dict[Label, list[int]]) -> None:
    """Finds the supported orders that this instance breaks. Calls that ever overlapped are judged over the whole run."""
    timing = result.timings.get(slot.label)
    decided = timing.decided() if timing else ()
    firm = timing.firm() if timing else set[tuple[Label, Label]]()
    precedes = slot.precedes if slot.count >= SUPPORT or firm else {}
    if not decided and not precedes:
        return
    spans = {label: (start, end) for label, start, end in intervals(result.shape, by_label)}
    for first, then in decided:
        if first in spans and then in spans:
            number = len(by_label[first]) + len(by_label[then])
            lies = relation(spans[first], spans[then], number, sure=bool(timing and timing.pairs[first, then][2]))
            if lies is not None:
                result.seen.append((index, first, then, lies))
    loose: set[Label] = timing.loose if timing else set()
    broken: list[tuple[Label, Label, bool]] = []
    for (first, then), support in precedes.items():
        if first not in spans or then not in spans:
            continue
        (start, end), (other_start, other_end) = spans[first], spans[then]
        if end <= other_start:
            continue
        if (first, then) not in firm and (support < SUPPORT or first in loose or then in loose):
            continue
        if begins_first(other_start, other_end, start, end):
            broken.append((first, then, True))
        elif (
            overlaps(start, end, other_start, other_end)
            and len(by_label[first]) + len(by_label[then]) == 2
            and not (timing and (first in timing.late or then in timing.late))
        ):
            broken.append((first, then, False))
    if not broken:
        return
    changed = {one.label for one in result.divergences if one.parent == index}  # another number of calls also shifts them
    broken = [pair for pair in broken if changed.isdisjoint(pair[:2])]
    if not broken:
        return
    involved = Counter(label for first, then, _ in broken for label in (first, then))
    operations = result.shape.flow.operations

    def weight(pair: tuple[Label, Label, bool]) -> tuple[bool, int, bool]:
        reads = all(is_read(operations[member]) for label in pair[:2] for member in by_label[label])
        return not reads, max(involved[pair[0]], involved[pair[1]]), pair[2]

    first, then, reversed_ = max(broken, key=weight)
    if reversed_:
        _order(result, slot, index, Difference.ORDER, first, then, by_label, "serial", "")
    else:
        _order(result, slot, index, Difference.CONCURRENCY, first, then, by_label, "serial", "parallel")


def _order(
    result: Alignment,
    slot: Slot,
    index: int,
    difference: Difference,
    first: Label,
    then: Label,
    by_label: dict[Label, list[int]],
    before: str,
    after: str,
) -> None:
    result.divergences.append(
        Divergence(
            difference,
            first,
            index,
            slot=slot,
            operations=(*by_label[first], *by_label[then]),
            before=before,
            after=after,
            after_label=then,
        )
    )


def _find_moves(result: Alignment) -> None:
    """A call gone here and new there, in one flow, is one call that moved."""
    lost: defaultdict[Label, list[Divergence]] = defaultdict(list)
    new: defaultdict[Label, list[Divergence]] = defaultdict(list)
    for divergence in result.divergences:
        if divergence.difference is Difference.MISSING or (
            divergence.difference is Difference.COUNT and divergence.slots and not divergence.operations
        ):
            lost[divergence.label].append(divergence)
        elif divergence.difference is Difference.ADDED or (divergence.difference is Difference.COUNT and divergence.operations):
            new[divergence.label].append(divergence)
    for label, gone in lost.items():
        if label not in new:
            continue
        for before, after in zip(gone, new[label], strict=False):
            same_place = result.shape.labels[before.parent] == result.shape.labels[after.parent]
            if same_place or len(before.slots) != len(after.operations):
                continue
            result.divergences.remove(before)
            after.difference = Difference.MOVED
            after.moved_from = before
            after.slots = before.slots
            for slot, operation in zip(before.slots, after.operations, strict=True):
                _align_below(result, slot, operation)
