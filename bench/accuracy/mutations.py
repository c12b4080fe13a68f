"""Single-site mutations of a trace: one known place each, deterministic by seed.

Sixteen kinds, those of the study that the figures are compared with: lost subtree or leaf, a leaf 5 or 50 times, another
parent, swapped order, errors (swallowed, propagated, at the root only), status, name, statement, a call added, an early
return, a changed attribute. Spans come in and go out as OTLP values; ids of new spans derive from the seed.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from gate.model.trace import Span, StatusCode

KINDS = (
    "drop_subtree",
    "drop_leaf",
    "dup_leaf_x5",
    "dup_leaf_x50",
    "reparent",
    "swap_siblings",
    "error_leaf_swallowed",
    "error_leaf_propagated",
    "error_only_root",
    "http_status",
    "rename_operation",
    "db_statement",
    "add_unknown_call",
    "add_known_call",
    "early_return",
    "attr_change",
)
STATEMENT_KEYS = ("db.query.text", "db.statement")
ATTRIBUTE_KEYS = (
    "http.request.method",
    "http.method",
    "http.route",
    "messaging.destination.name",
    "messaging.destination",
    "rpc.method",
    "mvc.controller.method",
    "component",
    "http.host",
    "peer",
)
DATABASE_NAMES = frozenset("SELECT INSERT UPDATE DELETE SQL HGET HMSET FIND GET_REDIS".split())


class Mutation(msgspec.Struct, frozen=True):
    """A mutated trace and where it was changed."""

    kind: str
    spans: tuple[Span, ...]
    sites: tuple[tuple[str, str], ...]
    """(service, span name) that may be named as the place: the changed call or its caller."""
    at: tuple[str, ...] = ()
    """The ids of those spans."""
    swapped: tuple[tuple[str, ...], tuple[str, str], tuple[str, str]] | None = None
    """For `swap_siblings`: the caller's path and the two calls, in their former order."""


Layers: TypeAlias = Mapping[str, tuple[str, ...]]
"""By span id: the spans that show the same call once more (an ORM above a driver); they go with it and are not picked."""


class _NoPlace(Exception):
    """The trace has nothing that a mutation could change."""


class _Tree:
    def __init__(self, spans: Sequence[Span], seed: str, layers: Layers) -> None:
        self.spans = {span.span_id: span for span in sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span.span_id))}
        self.children: dict[str, list[Span]] = {}
        roots: list[Span] = []
        for span in self.spans.values():
            if span.parent_span_id in self.spans:
                self.children.setdefault(span.parent_span_id, []).append(span)
            else:
                roots.append(span)
        self.root = roots[0]
        hidden = {folded for group in layers.values() for folded in group}
        self.layers = layers
        self.others = [span for span in self.spans.values() if span is not self.root and span.span_id not in hidden]
        self.leaves = [span for span in self.others if span.span_id not in self.children]
        self.inner = [span for span in self.others if span.span_id in self.children]
        self.random = random.Random(seed)
        self.seed = seed

    def pick(self, spans: Sequence[Span]) -> Span:
        if not spans:
            raise _NoPlace
        return self.random.choice(sorted(spans, key=lambda span: span.span_id))

    def parent(self, span: Span) -> Span:
        return self.spans[span.parent_span_id]

    def subtree(self, span: Span) -> list[Span]:
        found: list[Span] = []
        stack = [span]
        while stack:
            at = stack.pop()
            found.append(at)
            stack.extend(self.children.get(at.span_id, ()))
        return found

    def path(self, span: Span) -> tuple[str, ...]:
        names: list[str] = []
        at: Span | None = span
        while at is not None:
            names.append(f"{at.service}: {at.name}")
            at = self.spans.get(at.parent_span_id)
        return tuple(reversed(names))

    def clone(self, span: Span, number: int, **changes: object) -> Span:
        digest = hashlib.sha256(f"{self.seed}/{span.span_id}/{number}".encode()).hexdigest()
        return replace(span, span_id=digest[:16], **changes)

    def without(self, gone: Sequence[Span]) -> list[Span]:
        ids = {span.span_id for span in gone}
        ids |= {folded for span in gone for folded in self.layers.get(span.span_id, ())}
        return [span for span in self.spans.values() if span.span_id not in ids]

    def with_changes(self, *changed: Span) -> list[Span]:
        by_id = {span.span_id: span for span in changed}
        return [by_id.get(span.span_id, span) for span in self.spans.values()]


_Result = tuple[list[Span], tuple[Span, ...]] | None


def mutate(spans: Sequence[Span], kind: str, seed: str, layers: Layers = MappingProxyType({})) -> Mutation | None:
    """The trace with one mutation of the kind, or None when the trace has no place for it."""
    tree = _Tree(spans, f"{seed}|{kind}", layers)
    if not tree.others:
        return None
    if kind == "swap_siblings":
        return _swap(tree)
    try:
        result = _MUTATIONS[kind](tree)
    except _NoPlace:
        return None
    if result is None:
        return None
    mutated, sites = result
    return Mutation(
        kind, tuple(mutated), tuple((site.service, site.name) for site in sites), tuple(site.span_id for site in sites)
    )


def _is_database(span: Span) -> bool:
    return (
        any(key.startswith("db.") for key in span.attributes)
        or span.name.split(" ")[0].split(".")[0].upper() in DATABASE_NAMES
        or any(word in span.name for word in ("_mongo_", "_redis_", "_memcached_"))
    )


def _calls(tree: _Tree) -> list[Span]:
    return [span for span in tree.leaves if _is_database(span)] or tree.leaves


def _drop_subtree(tree: _Tree) -> _Result:
    if not tree.inner:
        return None
    span = tree.pick(tree.inner)
    return tree.without(tree.subtree(span)), (span, tree.parent(span))


def _drop_leaf(tree: _Tree) -> _Result:
    span = tree.pick(_calls(tree))
    return tree.without([span]), (span, tree.parent(span))


def _duplicate(times: int) -> Callable[[_Tree], _Result]:
    def duplicate(tree: _Tree) -> _Result:
        span = tree.pick(_calls(tree))
        step = max(1, span.end_ns - span.start_ns) + 1000
        copies = [
            tree.clone(span, number, start_ns=span.start_ns + number * step, end_ns=span.end_ns + number * step)
            for number in range(1, times)
        ]
        return [*tree.spans.values(), *copies], (span, tree.parent(span))

    return duplicate


def _reparent(tree: _Tree) -> _Result:
    candidates = [span for span in tree.others if tree.parent(span) is not tree.root]
    if not candidates:
        return None
    span = tree.pick(candidates)
    parent = tree.parent(span)
    grandparent = tree.parent(parent)
    return tree.with_changes(replace(span, parent_span_id=grandparent.span_id)), (span, parent, grandparent)


def _swap(tree: _Tree) -> Mutation | None:
    def label(span: Span) -> tuple[str, str]:
        return span.service, span.name

    pairs = [
        (first, second)
        for siblings in tree.children.values()
        for first, second in itertools.pairwise(siblings)
        if label(first) != label(second)
        and first.end_ns <= second.start_ns
        and sum(label(span) == label(first) for span in siblings) == 1
        and sum(label(span) == label(second) for span in siblings) == 1
    ]
    if not pairs:
        return None
    first, second = tree.random.choice(sorted(pairs, key=lambda pair: pair[0].span_id))
    back = first.start_ns - second.start_ns
    forth = second.end_ns - first.end_ns
    moved = [replace(span, start_ns=span.start_ns + back, end_ns=span.end_ns + back) for span in tree.subtree(second)]
    moved += [replace(span, start_ns=span.start_ns + forth, end_ns=span.end_ns + forth) for span in tree.subtree(first)]
    caller = tree.parent(first)
    sites = tuple(label(span) for span in (first, second, caller))
    ids = (first.span_id, second.span_id, caller.span_id)
    return Mutation(
        "swap_siblings", tuple(tree.with_changes(*moved)), sites, ids, (tree.path(caller), label(first), label(second))
    )


def _failed(span: Span) -> Span:
    return replace(span, status=StatusCode.ERROR, status_message="injected failure")


def _error_leaf(tree: _Tree) -> _Result:
    span = tree.pick(tree.leaves)
    return tree.with_changes(_failed(span)), (span,)


def _error_propagated(tree: _Tree) -> _Result:
    span = tree.pick(tree.leaves)
    chain = [span]
    while chain[-1] is not tree.root:
        chain.append(tree.parent(chain[-1]))
    first = next((one for one in chain if one.status is not StatusCode.ERROR), span)  # where an error is new
    return tree.with_changes(*map(_failed, chain)), (first,)


def _error_root(tree: _Tree) -> _Result:
    return tree.with_changes(_failed(tree.root)), (tree.root,)


def _http_status(tree: _Tree) -> _Result:
    candidates = [
        (span, key)
        for span in tree.spans.values()
        for key, value in span.attributes.items()
        if "status_code" in key and str(value).startswith("2")
    ]
    if not candidates:
        return None
    span, key = tree.random.choice(candidates)
    value = "500" if isinstance(span.attributes[key], str) else 500
    return tree.with_changes(replace(span, attributes={**span.attributes, key: value})), (span,)


def _rename(tree: _Tree) -> _Result:
    span = tree.pick(tree.others)
    return tree.with_changes(replace(span, name=span.name + "V2x")), (
        span,
        replace(span, name=span.name + "V2x"),
        tree.parent(span),
    )


def _statement(tree: _Tree) -> _Result:
    """Another statement: one more condition where the text is known, another name where only the name is."""
    candidates = [span for span in tree.leaves if _is_database(span)]
    if not candidates:
        return None
    span = tree.pick(candidates)
    texts = {
        key: f"{span.attributes[key]} AND other_column IS NULL"
        for key in STATEMENT_KEYS
        if isinstance(span.attributes.get(key), str)
    }
    changed = replace(span, attributes={**span.attributes, **texts}) if texts else replace(span, name=span.name + "_other")
    return tree.with_changes(changed), (span, changed, tree.parent(span))


def _add_call(tree: _Tree, known: bool) -> _Result:
    parent = tree.pick([*tree.inner, tree.root])
    siblings = tree.children.get(parent.span_id, [])
    names = {(span.service, span.name, span.kind) for span in siblings}
    candidates = [span for span in tree.leaves if not known or (span.service, span.name, span.kind) not in names]
    if not candidates:
        return None
    start = (siblings[-1].end_ns if siblings else parent.start_ns) + 1000
    added = tree.clone(tree.pick(candidates), 0, parent_span_id=parent.span_id, start_ns=start, end_ns=start + 1000)
    if not known:
        added = replace(added, name="unexpected.call")
    return [*tree.spans.values(), added], (added, parent)


def _early_return(tree: _Tree) -> _Result:
    candidates = [span for span in tree.spans.values() if len(tree.children.get(span.span_id, ())) >= 2]
    if not candidates:
        return None
    parent = tree.pick(candidates)
    children = tree.children[parent.span_id]
    lost = children[tree.random.randrange(1, len(children)) :]
    return tree.without([span for child in lost for span in tree.subtree(child)]), (parent, *lost)


def _attribute(tree: _Tree) -> _Result:
    candidates = [(span, key) for span in tree.spans.values() for key in ATTRIBUTE_KEYS if key in span.attributes]
    if not candidates:
        return None
    span, key = tree.random.choice(candidates)
    changed = replace(span, attributes={**span.attributes, key: "changed"})
    caller = (tree.parent(span),) if span is not tree.root else ()  # it asks for what the route says
    return tree.with_changes(changed), (span, *caller)


_MUTATIONS: dict[str, Callable[[_Tree], _Result]] = {
    "drop_subtree": _drop_subtree,
    "drop_leaf": _drop_leaf,
    "dup_leaf_x5": _duplicate(5),
    "dup_leaf_x50": _duplicate(50),
    "reparent": _reparent,
    "error_leaf_swallowed": _error_leaf,
    "error_leaf_propagated": _error_propagated,
    "error_only_root": _error_root,
    "http_status": _http_status,
    "rename_operation": _rename,
    "db_statement": _statement,
    "add_unknown_call": lambda tree: _add_call(tree, known=False),
    "add_known_call": lambda tree: _add_call(tree, known=True),
    "early_return": _early_return,
    "attr_change": _attribute,
}
