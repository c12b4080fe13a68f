"""Raw divergence → change, place and sentence: what differs, said in the terms of `gate.model.change`."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from gate.compare.divergence import Difference, Divergence
from gate.compare.learn import Baseline
from gate.compare.pairing import Pairing
from gate.compare.sentences import call_text, sentence
from gate.compare.shape import ERROR, ROWS, Label, Shape
from gate.compare.standard import Standard
from gate.model.change import (
    AttributeChanged,
    BodyChanged,
    CallAdded,
    CallMissing,
    CallMoved,
    Change,
    ConcurrencyChanged,
    CountChanged,
    ErrorAppeared,
    ErrorSwallowed,
    NewVariant,
    OrderChanged,
    ParentBecameLink,
    Renamed,
    RetryAdded,
    RowsChanged,
    TelemetryGap,
    Unwrapped,
    Wrapped,
)
from gate.model.trace import SpanKind
from gate.model.verdict import Place
from gate.normalize.statement import CUT

_CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
MUCH_MORE = 2
"""A call that happens more than this many times as often is an N+1."""


class Scene(msgspec.Struct, frozen=True):
    """One compared flow: the candidate, its baseline, the nearest sample and how both pair."""

    shape: Shape
    baseline: Baseline
    sample: int
    pairing: Pairing
    standard: Standard

    @property
    def golden(self) -> Shape:
        """The nearest golden sample."""
        return self.baseline.samples[self.sample]


def change_of(divergence: Divergence, scene: Scene) -> Change:
    """The change that a divergence is. Every difference has one."""
    service, operation, statement = divergence.label
    match divergence.difference:
        case Difference.MISSING:
            if _is_gap(divergence, scene):
                return TelemetryGap(service, operation)
            return CallMissing(service, operation, divergence.before, statement)
        case Difference.ADDED | Difference.COUNT:
            return _more_or_less(divergence, scene)
        case Difference.FACT:
            return _fact(divergence, scene)
        case Difference.RENAMED:
            return _renamed(divergence, scene)
        case Difference.WRAPPED:
            return Wrapped(service, operation)
        case Difference.UNWRAPPED:
            return Unwrapped(service, operation)
        case Difference.MOVED:
            origin = divergence.moved_from
            before = path_to(scene.shape, origin.parent) if origin else ()
            return CallMoved(service, operation, before, path_to(scene.shape, divergence.parent))
        case Difference.LINKED:
            return ParentBecameLink(service, operation, divergence.after == "linked")
        case Difference.ORDER:
            return OrderChanged(call_text(*divergence.label), _other(divergence))
        case Difference.CONCURRENCY:
            names = (call_text(*divergence.label), _other(divergence))
            return ConcurrencyChanged(names, divergence.before, divergence.after)
        case Difference.VARIANT:
            return NewVariant(service, operation, divergence.after)


def place_of(divergence: Divergence, scene: Scene) -> Place:
    """Where a divergence is: the path to the call itself, also when it is gone, and the spans on both sides."""
    shape, golden = scene.shape, scene.golden
    match divergence.difference:
        case Difference.FACT | Difference.VARIANT:
            path = path_to(shape, divergence.parent)
            partner = scene.pairing.sample_of.get(divergence.parent)
            before = (golden.flow.operations[partner].span_id,) if partner is not None else ()
            return Place(path, before, (shape.flow.operations[divergence.parent].span_id,))
        case _:
            label = divergence.label
            path = (*path_to(shape, divergence.parent), _name(label))
            old = [golden.flow.operations[index].span_id for index in sample_operations(divergence, scene)]
            new = [shape.flow.operations[index].span_id for index in divergence.operations]
            return Place(path, tuple(old[:20]), tuple(new[:20]))


def sentence_of(divergence: Divergence, scene: Scene, change: Change | None = None) -> str:
    """The change's sentence (of `change`, if the divergence is told as part of a larger one), and how many calls are below."""
    text = sentence(change or change_of(divergence, scene), scene.standard)
    if divergence.difference is Difference.ADDED or (divergence.difference is Difference.COUNT and divergence.operations):
        below = len(subtree(scene.shape, divergence.operations)) - len(divergence.operations)
        if below:
            text += f", with {below} calls below it" if below > 1 else ", with 1 call below it"
    return text


def signature_of(divergence: Divergence, scene: Scene) -> tuple[str, ...]:
    """What is the same wherever one change shows: its family, the call, before and after; no numbers, no place."""
    match divergence.difference:
        case Difference.MISSING:
            family = "gap" if _is_gap(divergence, scene) else "less"
            return (family, *divergence.label)
        case Difference.COUNT if divergence.slots and not divergence.operations:
            return ("less", *divergence.label)
        case Difference.ADDED | Difference.COUNT:
            return ("more", *divergence.label)
        case Difference.FACT:
            key, before, after = divergence.facts[0]
            return ("fact", *divergence.label, key, before, after)
        case Difference.RENAMED:
            return ("renamed", *divergence.label, *(divergence.after_label or ()))
        case Difference.ORDER | Difference.CONCURRENCY:
            return (divergence.difference.value, *divergence.label, *(divergence.after_label or ()), divergence.after)
        case Difference.WRAPPED | Difference.UNWRAPPED | Difference.MOVED | Difference.LINKED | Difference.VARIANT:
            return (divergence.difference.value, *divergence.label)


def sample_operations(divergence: Divergence, scene: Scene) -> list[int]:
    """The nearest sample's operations that fill the slots of a divergence, below the sample's counterpart of its parent."""
    parent = scene.pairing.sample_of.get(divergence.parent, -1)
    operations = scene.golden.flow.operations
    wanted = {id(slot) for slot in divergence.slots}
    if divergence.group and not wanted:
        wanted = {id(slot) for slot in divergence.group.slots}
    found: list[int] = []
    if wanted:
        places = scene.baseline.places(scene.sample)
        candidates = scene.golden.children[parent] if parent >= 0 else range(scene.golden.size)
        found = [index for index in candidates if id(places[index]) in wanted]
        if not found:
            found = [index for index, slot in places.items() if id(slot) in wanted and operations[index].parent == parent]
    return found


def deltas_of_calls(scene: Scene) -> dict[Label, int]:
    """By how much the numbers of calls to others (database, service, queue) differ between a flow and its nearest sample."""
    counts: Counter[Label] = Counter()
    for shape, sign in ((scene.shape, 1), (scene.golden, -1)):
        for index, operation in enumerate(shape.flow.operations):
            if operation.kind in _CALLS:
                counts[shape.labels[index]] += sign
    return {label: count for label, count in counts.items() if count}


def handler_of(shape: Shape, index: int) -> int:
    """The operation that serves the request or message that an operation belongs to; the entry when none does."""
    operations = shape.flow.operations
    while index > 0 and operations[index].kind not in {SpanKind.SERVER, SpanKind.CONSUMER}:
        index = operations[index].parent
    return max(index, 0)


def is_error(value: str) -> bool:
    """Whether a status code says failure: HTTP 4xx and 5xx, a gRPC code or name other than OK."""
    if value.isdigit():
        return int(value) >= 400 or 0 < int(value) < 17
    return bool(value) and value.upper() not in {"OK", "UNSET", "SUCCESS"}


def _is_gap(divergence: Divergence, scene: Scene) -> bool:
    """The caller has its answer, and nothing of the callee arrived."""
    parent = divergence.parent
    caller = scene.shape.flow.operations[parent]
    if caller.kind != SpanKind.CLIENT or caller.service == divergence.label[0] or scene.shape.children[parent]:
        return False
    facts = scene.shape.facts[parent]
    partner = scene.pairing.sample_of.get(parent)
    if partner is not None and any(key.endswith("status_code") for key in facts):  # answered as the golden call, a 403 too
        return scene.shape.outcomes[parent] == scene.golden.outcomes[partner]
    return ERROR not in facts and not any(key.endswith("status_code") and is_error(value) for key, value in facts.items())


def _more_or_less(divergence: Divergence, scene: Scene) -> Change:
    service, operation, statement = divergence.label
    shape = scene.shape
    siblings = [child for child in shape.children[divergence.parent] if shape.labels[child] == divergence.label]
    if divergence.difference is Difference.COUNT and not divergence.operations:
        return CountChanged(service, operation, divergence.before, divergence.number, statement)
    failed = [child for child in siblings[:-1] if _failed(shape, child)]
    if divergence.difference is Difference.COUNT and failed and len(failed) >= len(divergence.operations):
        return RetryAdded(service, operation, divergence.before, divergence.number)
    if divergence.difference is Difference.ADDED:
        return CallAdded(service, operation, divergence.number, statement)
    most = divergence.group.most if divergence.group else 1
    repeated = divergence.number > MUCH_MORE * most or divergence.number - most >= 3
    return CountChanged(service, operation, divergence.before, divergence.number, statement, repeated)


def _failed(shape: Shape, index: int) -> bool:
    facts = shape.facts[index]
    return ERROR in facts or any(key.endswith("status_code") and is_error(value) for key, value in facts.items())


def _fact(divergence: Divergence, scene: Scene) -> Change:
    service, operation, statement = divergence.label
    index = divergence.parent
    key, before, after = divergence.facts[0]
    known = {name: (old, new) for name, old, new in divergence.facts}
    if ERROR in known and not known[ERROR][0]:
        kind = next((known[name][1] for name in ("exception.type", "error.type") if name in known), "")
        status = after if key.endswith("status_code") else ""
        propagated = divergence.moved_from is not None
        return ErrorAppeared(service, operation, kind or status, propagated)
    if key == ERROR:
        return ErrorSwallowed(service, operation)
    if key == ROWS:
        partner = scene.pairing.sample_of.get(index)
        old = scene.golden.flow.operations[partner].attributes.get(ROWS, before) if partner is not None else before
        new = scene.shape.flow.operations[index].attributes.get(ROWS, after)
        return RowsChanged(service, operation, old, new, statement)
    if "body" in key or key.endswith("payload"):
        return BodyChanged(service, operation, key, before, after)
    return AttributeChanged(service, operation, key, before, after)


def _renamed(divergence: Divergence, scene: Scene) -> Change:
    service, before, old = divergence.label
    _, after, new = divergence.after_label or divergence.label
    if before != after:
        return Renamed(service, before, after)
    operation = scene.shape.flow.operations[divergence.operations[0]]
    keys = ("db.query.text", "messaging.destination.name", "url.template", "http.route", "rpc.method", "http.request.method")
    key = next((name for name in keys if name in operation.attributes), "db.operation.name")
    return AttributeChanged(service, after, key, old.removesuffix(CUT), new.removesuffix(CUT))


def _other(divergence: Divergence) -> str:
    return call_text(*(divergence.after_label or divergence.label))


def _name(label: Label) -> str:
    return f"{label[0]}: {label[1]}" if label[0] else label[1]


def path_to(shape: Shape, index: int) -> tuple[str, ...]:
    """`service: operation` of each step from the entry to an operation; empty above the entry."""
    names: list[str] = []
    while index >= 0:
        names.append(_name(shape.labels[index]))
        index = shape.flow.operations[index].parent
    return tuple(reversed(names))


def subtree(shape: Shape, roots: Sequence[int]) -> list[int]:
    """Some operations of a flow and all below them."""
    found: list[int] = []
    stack = list(roots)
    while stack:
        index = stack.pop()
        found.append(index)
        stack.extend(shape.children[index])
    return found
