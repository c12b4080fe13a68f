"""Trees of calls made by Hypothesis, and the traces that a run delivers of them."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from gate.model.flow import RunFlows
from gate.model.trace import Resource, Scope, Span, SpanKind, StatusCode
from tests.delivered import delivered, hex_id

SERVICES = ("web", "shop", "stock")
VERBS = ("load", "store", "price", "check", "render", "notify", "count", "sort")
TABLES = ("orders", "lines", "stock", "users")


@dataclass(frozen=True)
class Call:
    """One call and those below it. `parallel`: its calls all run at the same time."""

    service: str
    name: str
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    error: bool = False
    children: tuple["Call", ...] = ()
    parallel: bool = False

    @property
    def failed(self) -> bool:
        """Whether a repetition of it is a retry."""
        return self.error or self.attributes.get("http.response.status_code", "") >= "400"

    def walk(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], "Call"]]:
        """Every call with its position: the indices from the entry down."""
        yield path, self
        for index, child in enumerate(self.children):
            yield from child.walk((*path, index))

    def at(self, path: tuple[int, ...]) -> "Call":
        """The call at a position."""
        return self.children[path[0]].at(path[1:]) if path else self

    def put(self, path: tuple[int, ...], *calls: "Call") -> "Call":
        """This tree with the call at a position replaced by others (none: it is gone)."""
        index = path[0]
        new = (self.children[index].put(path[1:], *calls),) if len(path) > 1 else calls
        return replace(self, children=(*self.children[:index], *new, *self.children[index + 1 :]))

    def names(self, path: tuple[int, ...]) -> tuple[str, ...]:
        """`service: name` of each step to a position, as places name them."""
        steps = (self.at(path[:depth]) for depth in range(len(path) + 1))
        return tuple(f"{step.service}: {step.name}" for step in steps)


def _palette() -> tuple[Call, ...]:
    """What a call can be, simple ones first."""
    calls: list[Call] = []
    for service in SERVICES:
        for verb in VERBS:
            calls += [Call(service, verb), Call(service, verb, parallel=True), Call(service, verb, error=True)]
            for status in ("200", "404"):
                calls.append(Call(service, f"GET /{verb}", SpanKind.SERVER, {"http.response.status_code": status}))
        for table in TABLES:
            for text in (f"SELECT * FROM {table} WHERE id = ?", f"UPDATE {table} SET at = now()"):
                attributes = {"db.system.name": "postgresql", "db.query.text": text, "db.response.returned_rows": "1"}
                calls.append(Call(service, text.split()[0], SpanKind.CLIENT, attributes))
    return tuple(calls)


CALLS = _palette()
_PLANS = st.tuples(st.integers(0, 6), st.integers(0, len(CALLS) - 1))
"""Of a call: how many calls back its caller is, and what it is. Two numbers a call: quick to make, and they shrink well."""


def trees(least: int = 0) -> st.SearchStrategy[Call]:
    """A request with calls below it; siblings may be alike, errors and other statuses are part of it."""
    return st.lists(_PLANS, min_size=least, max_size=14).map(_grown)


def distinct_trees() -> st.SearchStrategy[Call]:
    """Trees whose calls all have a name (or statement) of their own, one after the other: a mutation has one explanation."""
    return trees(least=4).map(_distinct)


def _grown(plans: list[tuple[int, int]]) -> Call:
    calls = [Call("web", "POST /orders", SpanKind.SERVER, {"http.response.status_code": "201"})]
    below: list[list[int]] = [[]]
    for back, which in plans:
        caller = max(len(calls) - 1 - back, 0)
        while calls[caller].kind is SpanKind.CLIENT:
            caller -= 1
        below[caller].append(len(calls))
        calls.append(CALLS[which])
        below.append([])
    for index in range(len(calls) - 1, -1, -1):
        calls[index] = replace(calls[index], children=tuple(calls[child] for child in below[index]))
    return calls[0]


def _distinct(tree: Call) -> Call:
    counter = iter("".join(pair) for pair in ((a, b) for a in "abcdefghijklmnopqrstuvwxyz" for b in "klmnopqrst"))

    def renamed(call: Call) -> Call:
        mark = next(counter)
        attributes = dict(call.attributes)
        if text := attributes.get("db.query.text"):
            attributes["db.query.text"] = text.replace(" FROM ", f" FROM {mark}.").replace("UPDATE ", f"UPDATE {mark}.")
        name = call.name if text else f"{call.name} {mark}"
        children = tuple(renamed(child) for child in call.children)
        return replace(call, name=name, attributes=attributes, children=children, parallel=False)

    return replace(tree, children=tuple(renamed(child) for child in tree.children))


def varied(trees: Mapping[str, Call], seed: int) -> dict[str, Call]:
    """The trees by test case with one call of some of them gone, repeated or moved to another test: what runs of one system show."""
    chance = random.Random(seed)
    found = dict(trees)
    for case, tree in trees.items():
        paths = [path for path, _ in tree.walk() if path]
        how = chance.choice(("same", "same", "gone", "again", "moved"))
        if how == "same" or not paths:
            continue
        path = chance.choice(paths)
        call = tree.at(path)
        found[case] = found[case].put(path, *([call, call] if how == "again" else []))
        if how == "moved":
            other = chance.choice(sorted(found))
            found[other] = replace(found[other], children=(*found[other].children, call))
    return found


def run_of(trees: Mapping[str, Call], seed: int, *, shuffle: bool = True, stretch: int = 1) -> RunFlows:
    """A run of the trees by test case. Ids, clock, host, order of arrival and of parallel siblings come from the seed."""
    run_id = f"run-{seed}"
    chance = random.Random(seed)
    start = chance.randrange(1, 10**15)
    spans: list[Span] = []
    for test_case, tree in trees.items():
        writer = _Writer(f"{run_id}/{test_case}", run_id, chance, stretch)
        writer.write(replace(tree, attributes={**tree.attributes, "test.case.name": test_case}), "", start)
        spans.extend(writer.spans)
        start += 10**9
    if shuffle:
        chance.shuffle(spans)
    return delivered(run_id, spans)


class _Writer:
    def __init__(self, name: str, run_id: str, chance: random.Random, stretch: int) -> None:
        self.trace_id = hex_id(name, 32)
        self.run_id = run_id
        self.chance = chance
        self.stretch = stretch
        self.spans: list[Span] = []

    def write(self, call: Call, parent: str, start: int) -> int:
        """Writes a call and all below it; returns when it ends."""
        span_id = hex_id(f"{self.trace_id}{len(self.spans)}", 16)
        position = len(self.spans)
        clock = begun = start + self.stretch
        children = list(call.children)
        if call.parallel:
            self.chance.shuffle(children)
        self.spans.append(self._span(call, span_id, parent, start, start))
        for child in children:
            clock = max(clock, self.write(child, span_id, begun) + self.stretch)
            begun = begun if call.parallel else clock
        end = max(clock, start + 20 * self.stretch)
        self.spans[position] = self._span(call, span_id, parent, start, end)
        return end

    def _span(self, call: Call, span_id: str, parent: str, start: int, end: int) -> Span:
        resource = {
            "service.name": call.service,
            "service.instance.id": f"{self.run_id}-{call.service}",
            "host.name": self.run_id,
        }
        return Span(
            trace_id=self.trace_id,
            span_id=span_id,
            parent_span_id=parent,
            name=call.name,
            kind=call.kind,
            start_ns=start,
            end_ns=end,
            attributes={**call.attributes, "server.address": self.run_id, "thread.id": str(start % 97)},
            resource=Resource(resource, call.service),
            scope=Scope("made", "1"),
            status=StatusCode.ERROR if call.error else StatusCode.UNSET,
        )
