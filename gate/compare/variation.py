"""What the golden runs show to vary without cause: which calls come more or less often though nothing changed.

A call *varies* when two golden runs differ in it at the very same place. It varies *statically* when only two places of one
caller differ in it (two tests that need not ask for the same): evidence for want of better, with one sample or for a cache.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from gate.compare.durable import asks_connection, fills_cache, is_durable, sets_up
from gate.compare.runs import GoldenRuns
from gate.compare.schema import Slot
from gate.compare.shape import Label, Shape
from gate.model.flow import Operation

Exchange: TypeAlias = frozenset[tuple[Label, int]]
"""Calls, and by how many more or fewer there are of each."""

LARGEST_VARIANTS = 24
"""Different sets of calls of one caller that are compared with each other."""
LARGEST_EXCHANGE = 8
"""Different calls of an exchange; what differs by more is no exchange."""
RARE = 2
"""Calls of a run up to which a lasting call is a row that is created lazily."""
MANY = 3
"""Different numbers of one call from which its number depends on data."""
SELDOM = 0.5
"""Share of its callers' golden instances up to which a call is no regular work of theirs, and may turn up below others."""


class Variation:
    """What varies in a set of golden runs."""

    __slots__ = (
        "_asking",
        "_at_once",
        "_callers",
        "_durable",
        "_failing",
        "_filling",
        "_first",
        "_instances",
        "_most",
        "_pairs",
        "_setup",
        "_static",
        "_varying",
        "_with",
    )

    def __init__(self, flows: Iterable[tuple[Slot, list[Shape]]], runs: GoldenRuns) -> None:
        """From the schema and the samples of each flow, and the golden runs."""
        self._callers: dict[Label, set[Label]] = {}
        """Under which callers each call was seen."""
        self._instances: Counter[Label] = Counter()
        self._with: Counter[Label] = Counter()
        """Callers that have the call, by call."""
        self._pairs: Counter[tuple[Label, Label]] = Counter()
        """Instances of a caller that have a call, by both."""
        self._at_once: dict[Label, set[int]] = {}
        """How many of a call there are below a caller that makes it."""
        self._setup: set[Label] = set()
        self._asking: set[Label] = set()
        self._durable: set[Label] = set()
        self._failing: set[Label] = set()
        self._filling: set[Label] = set()
        self._most = runs.most
        self._static = _Exchanges()
        self._varying = _Exchanges()
        self._first = _Exchanges()
        """Between the first instance of a caller in a process and a later one: more in the first."""
        self._count(runs)
        self._learn_static(runs)
        self._learn_varying(flows)
        for exchanges in (self._static, self._varying):
            exchanges.strip(self.is_seldom)

    def knows(self, caller: Label, call: Label) -> bool:
        """Whether a caller of the same service makes the call in some golden run."""
        return any(known[0] == caller[0] for known in self._callers.get(call, ()))

    def fails(self, call: Label) -> bool:
        """Whether a golden one of these calls ends as an error."""
        return call in self._failing

    def most_at_once(self, call: Label) -> int:
        """The most of a call that a caller may make: as many as any golden one; of reads whose number depends on data, twice as many."""
        known = self._at_once.get(call, {0})
        return 2 * max(known) + 1 if len(known) >= MANY and call not in self._durable else max(known)

    def always(self, caller: Label, call: Label) -> bool:
        """Whether every golden instance of the caller makes the call at least once."""
        return self._pairs[caller, call] >= self._instances[caller] > 0

    def is_setup(self, caller: Label, call: Label, delta: int = 0) -> bool:
        """Whether a call sets up a connection, or is part of that, and is no regular work of its callers.

        `delta`: by how much its number differs. What only asks a new connection what it is may always be asked less often.
        """
        if delta < 0 and call in self._asking:
            return True
        if call in self._durable or not (call in self._setup or (caller in self._setup and self._pairs[caller, call])):
            return False
        return self.is_seldom(call) or self._pairs[caller, call] <= SELDOM * self._instances[caller]

    def sets_up(self, call: Label) -> bool:
        """Whether a call sets up a connection."""
        return call in self._setup

    def is_varying(self, caller: Label, difference: Mapping[Label, int], *, together: bool = False) -> bool:
        """Whether a difference is one between golden runs at one place: seldom calls one by one, others together.

        `together`: also seldom calls count one by one only if they were seen to vary alone.
        """
        return self._is_made_of(self._varying, caller, difference, together)

    def comes_and_goes(self, caller: Label, call: Label) -> bool:
        """Whether one place of this caller makes the call in one golden run and not in another, all else alike."""
        return self._varying.has_own(caller, frozenset({(call, 1)}))

    def is_static(self, caller: Label, difference: Mapping[Label, int]) -> bool:
        """Whether a difference is one between two golden places of this caller."""
        return self._is_made_of(self._static, caller, difference, False)

    def is_first(self, caller: Label, difference: Mapping[Label, int], *, together: bool = False) -> bool:
        """Whether a difference is what the first instance of this caller in a golden process has more than a later one."""
        return self._may_float(difference) and self._first.has(
            caller, difference, lambda label: self._floats(self._varying, caller, label, together)
        )

    def is_exchange(self, service: str, difference: Mapping[Label, int]) -> bool:
        """Whether two golden places of any one caller of the service differ by exactly this."""
        return self._static.has_service(service, difference)

    def _is_made_of(self, known: "_Exchanges", caller: Label, difference: Mapping[Label, int], together: bool) -> bool:
        if not self._may_float(difference):
            return False
        return known.has(caller, difference, lambda label: self._floats(known, caller, label, together))

    def _floats(self, known: "_Exchanges", caller: Label, label: Label, together: bool) -> bool:
        varies = known.varies_alone if together else known.varies
        return self.is_seldom(label) and varies(caller[0], label)

    def _may_float(self, difference: Mapping[Label, int]) -> bool:
        filled = sum(delta for label, delta in difference.items() if label in self._filling)
        others = sum(delta for label, delta in difference.items() if label not in self._filling)
        if filled < 0 and others >= 0:
            return False  # the cache is asked, and no longer filled
        return not any(label in self._durable and (delta < 0 or self._most[label] > RARE) for label, delta in difference.items())

    def is_seldom(self, label: Label) -> bool:
        """Whether at most half of the golden instances of its callers make the call."""
        instances = sum(self._instances[caller] for caller in self._callers.get(label, ()))
        return self._with[label] <= SELDOM * instances

    def _count(self, runs: GoldenRuns) -> None:
        looked_at: set[tuple[int, int]] = set()
        for _, shapes in runs.all():
            for shape in shapes:
                self._instances.update(shape.labels)
                for index, (operation, label) in enumerate(zip(shape.flow.operations, shape.labels, strict=True)):
                    kind = id(shape.facts[index]), operation.kind.value  # equal operations share their facts
                    if kind not in looked_at:
                        looked_at.add(kind)
                        self._look_at(operation, label)
                    for call, number in shape.calls(index).items() if shape.children[index] else ():
                        self._at_once.setdefault(call, set()).add(number)
                        self._with[call] += 1
                        self._pairs[label, call] += 1
                        self._callers.setdefault(call, set()).add(label)

    def _look_at(self, operation: Operation, label: Label) -> None:
        if operation.error:
            self._failing.add(label)
        if is_durable(operation):
            self._durable.add(label)
        elif fills_cache(operation):
            self._filling.add(label)
        if sets_up(operation):
            self._setup.add(label)
            if asks_connection(operation):
                self._asking.add(label)

    def _learn_static(self, runs: GoldenRuns) -> None:
        variants: dict[tuple[Label, str], dict[Exchange, None]] = {}
        for _, shapes in runs.all():
            first: dict[tuple[str, Label, str], tuple[int, Exchange]] = {}
            later: dict[tuple[str, Label, str], set[Exchange]] = {}
            for shape in shapes:
                for index, label in enumerate(shape.labels):
                    calls = shape.calls(index)
                    calls.pop(label, None)  # a call inside one of its kind
                    exchange = frozenset(calls.items())
                    ended = shape.outcomes[index]
                    known = variants.setdefault((label, ended), {})
                    if len(known) < LARGEST_VARIANTS:
                        known.setdefault(exchange)
                    operation = shape.flow.operations[index]
                    place = operation.process, label, ended
                    if place not in first or operation.start_ns < first[place][0]:
                        if place in first:
                            later.setdefault(place, set()).add(first[place][1])
                        first[place] = operation.start_ns, exchange
                    else:
                        later.setdefault(place, set()).add(exchange)
            for place, others in later.items():
                if len(others) <= LARGEST_VARIANTS:
                    self._learn_first(place[1], first[place][1], others, runs)
        for (caller, _), known in variants.items():
            self._static.compare(caller, list(known))

    def _learn_first(self, caller: Label, first: Exchange, others: set[Exchange], runs: GoldenRuns) -> None:
        """What the first instance of a caller in a process does and no later one does as often; set-up aside, that has its own rule."""
        most: Counter[Label] = Counter()
        for other in others:
            for label, number in other:
                most[label] = max(most[label], number)
        counts = dict(first)
        for other in others:
            exchange = frozenset(
                (label, delta)
                for label, delta in _difference(first, other)
                if label not in self._setup and not self.is_setup(caller, label) and label not in runs.first_use
            )
            if all(delta < 0 or counts[label] > most[label] for label, delta in exchange):
                self._first.add(caller, exchange)

    def _learn_varying(self, flows: Iterable[tuple[Slot, list[Shape]]]) -> None:
        for root, samples in flows:
            stack = [root] if len(samples) > 1 else []
            while stack:
                slot = stack.pop()
                if any(len(group.counts) > 1 for group in slot.groups.values()):
                    self._compare_instances(slot, samples)
                for group in slot.groups.values():
                    stack.extend(group.slots)

    def _compare_instances(self, slot: Slot, samples: list[Shape]) -> None:
        variants: dict[str, dict[Exchange, None]] = {}
        for sample, index in slot.where:
            shape = samples[sample]
            known = variants.setdefault(shape.outcomes[index], {})
            if len(known) < LARGEST_VARIANTS:
                known.setdefault(frozenset(shape.calls(index).items()))
        for known in variants.values():
            self._varying.compare(slot.label, list(known))
            self._static.compare(slot.label, list(known))


class _Exchanges:
    """Differences between sets of calls of one caller."""

    __slots__ = ("_alone", "_by_caller", "_by_service", "_varying")

    def __init__(self) -> None:
        self._by_caller: dict[Label, set[Exchange]] = {}
        self._by_service: dict[str, set[Exchange]] = {}
        self._varying: dict[str, set[Label]] = {}
        self._alone: set[tuple[str, Label]] = set()

    def compare(self, caller: Label, variants: list[Exchange]) -> None:
        """Learns by what each two of the variants differ, both ways."""
        if len(variants) < 2:
            return
        self._vary(caller, variants[0].union(*variants) - variants[0].intersection(*variants))
        for position, left in enumerate(variants):
            for right in variants[position + 1 :]:
                exchange = _difference(left, right)
                if len(exchange) <= LARGEST_EXCHANGE:
                    self._keep(caller, exchange)
                    self._keep(caller, frozenset([(label, -delta) for label, delta in exchange]))

    def add(self, caller: Label, exchange: Exchange) -> None:
        """Learns one difference."""
        self._vary(caller, exchange)
        if 0 < len(exchange) <= LARGEST_EXCHANGE:
            self._keep(caller, exchange)

    def _vary(self, caller: Label, exchange: Exchange) -> None:
        self._varying.setdefault(caller[0], set()).update([label for label, _ in exchange])

    def _keep(self, caller: Label, exchange: Exchange) -> None:
        self._by_caller.setdefault(caller, set()).add(exchange)
        self._by_service.setdefault(caller[0], set()).add(exchange)

    def strip(self, is_seldom: Callable[[Label], bool]) -> None:
        """Forgets, caller by caller, what of the differences is a seldom call that also varies alone."""
        for service, known in self._by_service.items():
            self._alone.update((service, label) for one in known if len(one) == 1 for label, _ in one)
        for caller, exchanges in self._by_caller.items():
            stripped = {
                frozenset(part for part in exchange if (caller[0], part[0]) not in self._alone or not is_seldom(part[0]))
                for exchange in exchanges
            }
            self._by_caller[caller] = stripped - {frozenset[tuple[Label, int]]()}

    def varies(self, service: str, label: Label) -> bool:
        """Whether the call is part of any difference of the service's callers."""
        return label in self._varying.get(service, ())

    def varies_alone(self, service: str, label: Label) -> bool:
        """Whether the call is all by which two of the service's callers differ."""
        return (service, label) in self._alone

    def has(self, caller: Label, difference: Mapping[Label, int], floats: Callable[[Label], bool], parts: int = 2) -> bool:
        """Whether the difference is made of at most `parts` that are known of this caller, and calls that float.

        A part that is known of another caller of the service counts when it has a call that floats: that came with it.
        """
        regular = {label for label in difference if not floats(label)}
        if not regular or not parts:
            return not regular
        for own, exchanges in ((True, self._by_caller.get(caller, ())), (False, self._by_service.get(caller[0], ()))):
            for exchange in exchanges:
                if not all(delta * difference.get(label, 0) >= delta * delta for label, delta in exchange):
                    continue
                labels = {label for label, _ in exchange}
                if labels.isdisjoint(regular) or (not own and labels <= regular):
                    continue
                rest = Counter(difference)
                rest.subtract(dict(exchange))
                if self.has(caller, {label: delta for label, delta in rest.items() if delta}, floats, parts - 1):
                    return True
        return False

    def has_own(self, caller: Label, exchange: Exchange) -> bool:
        """Whether exactly this difference is known of this caller."""
        return exchange in self._by_caller.get(caller, ())

    def has_service(self, service: str, difference: Mapping[Label, int]) -> bool:
        """Whether exactly this difference is known of a caller of the service."""
        return frozenset(difference.items()) in self._by_service.get(service, ())


def _difference(left: Exchange, right: Exchange) -> Exchange:
    changed = dict(left - right)
    for label, number in right - left:
        changed[label] = changed.get(label, 0) - number
    return frozenset(changed.items())
