"""Work that belongs to a run and not to a flow: it happens once a process, once a cache entry, on every n-th call.

Connections are set up, caches filled, rows created lazily and retries fall due in whichever test comes first. Such work is
not lost when another flow has it. Four rules, from the strongest evidence on; what none of them explains is a change:

1. conserved: what comes more below one caller comes less below another; it only moved;
2. first use: in the golden runs the call happens only the first time a process does something. A warm process leaves it out,
   another process does it again;
3. variation: the caller's calls differ as golden runs differ at one place (see `variation`), or as two places of one golden
   caller differ when a cache was hit or missed, or an attempt failed and was repeated;
4. one sample cannot show what varies: there, what two places of one caller show is taken for variation, too.

Rules 2 to 4 never excuse the loss of something lasting, and never more of a call than twice what the golden runs had.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cached_property
from typing import TypeAlias

from gate.compare.changes import Scene, sample_operations, subtree
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import fills_cache, is_durable
from gate.compare.learn import Baselines
from gate.compare.polling import is_polling
from gate.compare.runs import calls_by_process, count_calls, first_instances, processes_of
from gate.compare.served_before import ServedBefore
from gate.compare.shape import ERROR, Label, Shape
from gate.model.flow import Operation

_Flow: TypeAlias = tuple[Scene, list[Divergence]]
_Bundle: TypeAlias = frozenset[tuple[Label, int]]
_STRUCTURAL = frozenset({Difference.MISSING, Difference.ADDED, Difference.COUNT, Difference.RENAMED})
_JUDGED = _STRUCTURAL | {Difference.VARIANT}

_REASONS = frozenset({"error.type", "exception.type"})

_LOOK_UP = re.compile(r"(?i)dns[. ]\w+")
CONSERVED = "as often over the whole run"
FIRST_USE = "first use"
POLLED = "asked until it was there"
RETRIED = "a cache or a retry"
SET_UP = "connection set-up"
FEW_SAMPLES = 3
"""Samples from which variation shows itself."""
LARGEST_INSTANCES = 12
"""Different golden sets of calls at one place that a candidate's are compared with."""


class _Site:
    """One caller of one flow whose calls differ."""

    __slots__ = ("bundle", "caller", "flow", "members", "parent", "scene")

    def __init__(self, flow: int, parent: int, scene: Scene) -> None:
        self.flow = flow
        self.parent = parent
        self.scene = scene
        self.caller = scene.shape.labels[parent]
        self.members: list[Divergence] = []
        self.bundle: Counter[Label] = Counter()

    @property
    def signed(self) -> _Bundle:
        return frozenset((label, delta) for label, delta in self.bundle.items() if delta)

    @property
    def loses(self) -> bool:
        """Whether calls are gone, or other in number, and nothing else."""
        return all(member.difference in {Difference.MISSING, Difference.COUNT} for member in self.members)


def excuse(flows: Sequence[_Flow], baselines: Baselines, candidate: Sequence[Shape]) -> list[list[str]]:
    """Removes from each flow what is only work of the run; returns for each flow which calls those were.

    `candidate` are all flows of the run.
    """
    notes: list[list[str]] = [[] for _ in flows]
    sites = _sites(flows)
    if not sites:
        return notes
    floating = _Floating(baselines, candidate, {site.caller for site in sites})
    excused: dict[int, str] = {}
    for site, why in floating.excused(sites):
        for member in site.members:
            excused[id(member)] = why
            notes[site.flow].append(f"{member.label[0]}: {member.label[1]} ({why})")
    for scene, divergences in flows:
        inside = {
            index
            for one in divergences
            if id(one) in excused and one.difference is Difference.RENAMED
            for index in subtree(scene.shape, one.operations)
        }
        remaining = [
            one
            for member in divergences
            if id(member) in excused
            for one in _not_excused(member, excused[id(member)], scene, baselines)
        ]
        divergences[:] = [one for one in divergences if id(one) not in excused and one.parent not in inside]
        divergences.extend(remaining)
    return notes


def _not_excused(member: Divergence, why: str, scene: Scene, baselines: Baselines) -> Iterator[Divergence]:
    """What is wrong below calls that only moved here: one that fails as no golden one of its kind does, and one that is new.

    What is repeated until it succeeds may fail.
    """
    if member.difference not in {Difference.ADDED, Difference.COUNT}:
        return
    operations, labels, facts = scene.shape.flow.operations, scene.shape.labels, scene.shape.facts
    for root in member.operations:
        for index in subtree(scene.shape, [root]):
            parent = operations[index].parent
            if index != root and not baselines.variation.knows(labels[parent], labels[index]):
                yield Divergence(Difference.ADDED, labels[index], parent, operations=(index,), number=1, before="0", after="1")
            elif operations[index].error and why not in {POLLED, RETRIED} and not baselines.variation.fails(labels[index]):
                reasons = [(key, "", facts[index][key]) for key in sorted(_REASONS & facts[index].keys())]
                yield Divergence(Difference.FACT, labels[index], index, operations=(index,), facts=((ERROR, "", "yes"), *reasons))


def _sites(flows: Sequence[_Flow]) -> list[_Site]:
    found: dict[tuple[int, int], _Site] = {}
    for number, (scene, divergences) in enumerate(flows):
        for divergence in divergences:
            if divergence.difference in _JUDGED:
                place = number, divergence.parent
                site = found.get(place)
                if site is None:
                    site = found[place] = _Site(number, divergence.parent, scene)
                site.members.append(divergence)
                for label, delta in deltas(divergence, scene).items():
                    site.bundle[label] += delta
    return list(found.values())


def deltas(divergence: Divergence, scene: Scene) -> dict[Label, int]:
    """How many more (or fewer) calls of which label a divergence means, by the nearest sample."""
    expected = len(sample_operations(divergence, scene))
    match divergence.difference:
        case Difference.MISSING:
            return {divergence.label: -(expected or (divergence.group.most if divergence.group else 1))}
        case Difference.ADDED:
            return {divergence.label: divergence.number}
        case Difference.COUNT:
            least, most = (divergence.group.least, divergence.group.most) if divergence.group else (1, 1)
            nearest = min(max(divergence.number, least), most) if least != most else most
            return {divergence.label: divergence.number - nearest}
        case Difference.RENAMED:
            after = divergence.after_label or divergence.label
            return {divergence.label: -len(divergence.operations), after: len(divergence.operations)}
        case _:
            return {}


class _Floating:
    """The four rules, over all sites of a run."""

    def __init__(self, baselines: Baselines, candidate: Sequence[Shape], callers: Set[Label]) -> None:
        self._golden = baselines.runs
        self._golden.prepare()
        self._variation = baselines.variation
        self._candidate = candidate
        self._callers = callers
        self._totals = count_calls(candidate)

    @cached_property
    def _first(self) -> set[int]:
        return first_instances(self._candidate, self._callers)

    @cached_property
    def _processes(self) -> dict[str, set[str]]:
        return processes_of(self._candidate)

    @cached_property
    def _by_process(self) -> dict[tuple[str, str], Counter[Label]]:
        return calls_by_process(self._candidate)

    def _made(self, process: str, label: Label) -> int:
        """How often a process of the run makes a call."""
        return self._by_process.get((label[0], process), Counter[Label]())[label]

    @cached_property
    def _before(self) -> ServedBefore:
        return ServedBefore(self._golden, self._by_process)

    def excused(self, sites: list[_Site]) -> Iterator[tuple[_Site, str]]:
        """The sites that a rule explains, and which. What is new altogether is taken out of a site first."""
        looked_up = [one for site in sites if (one := _look_ups(site)).members]
        yield from ((one, SET_UP) for one in looked_up)
        left = [known for site in sites if (known := self._known(site)).members]
        moved = self._moved(left)
        yield from ((site, CONSERVED) for site in left if id(site) in moved)
        left = [site for site in left if id(site) not in moved]
        used: list[_Site] = []
        remaining: list[_Site] = []
        for site in left:
            if why := self._explained(site):
                yield site, why
                used += [site] if why in {FIRST_USE, SET_UP} else []
            else:
                remaining.append(site)
        balanced = self._balanced(remaining, used)
        done = {id(site) for site in balanced}
        for site in remaining:
            if id(site) in done or self._is_conserved(site) or self._falls_elsewhere(site):
                yield site, CONSERVED
            elif self._is_once_a_process(site) or self._is_held(site):
                yield site, FIRST_USE

    def _known(self, site: _Site) -> _Site:
        """The site without calls that no golden caller of the service makes."""
        new = {label for label, delta in site.signed if delta > 0 and not self._variation.knows(site.caller, label)}
        if not new:
            return site
        known = _Site(site.flow, site.parent, site.scene)
        for member in site.members:
            labels = deltas(member, site.scene)
            if not new.intersection(labels):
                known.members.append(member)
                known.bundle.update(labels)
        return known

    def _moved(self, sites: list[_Site]) -> set[int]:
        """Sites whose whole difference another site shows the other way round."""
        waiting: dict[tuple[str, _Bundle], list[_Site]] = {}
        moved: set[int] = set()
        for site in sites:
            signed = site.signed
            opposite = waiting.get((site.caller[0], frozenset((label, -delta) for label, delta in signed)))
            partner = next((one for one in opposite or () if self._may_move(one, site)), None) if signed else None
            if opposite and partner:
                opposite.remove(partner)
                moved.update((id(site), id(partner)))
            else:
                waiting.setdefault((site.caller[0], signed), []).append(site)
        return moved

    def _may_move(self, one: _Site, other: _Site) -> bool:
        """A write only moves between callers of one kind, or when there is one a run (a row that is created lazily)."""
        if any(_writes_below((one, other)).values()):
            return False
        if one.caller == other.caller:
            return True
        return all(self._golden.most[label] <= 1 for site in (one, other) for label in _durable_losses(site))

    def _explained(self, site: _Site) -> str:
        scene = site.scene
        if any(delta > 0 and not self._golden.within(label, self._totals[label]) for label, delta in site.signed):
            return ""
        few = len(scene.baseline.samples) < FEW_SAMPLES
        if all(is_polling(member, scene, few) for member in site.members):
            return POLLED
        if self._variation.sets_up(site.caller) and not scene.shape.children[site.parent] and not _writes(site):
            return SET_UP  # a pool had a connection
        candidate = scene.shape.calls(site.parent)
        for label in [label for label in candidate if not self._variation.knows(site.caller, label)]:
            del candidate[label]
        if any(delta > 0 and candidate[label] > self._variation.most_at_once(label) for label, delta in site.signed):
            return ""
        process = scene.shape.flow.operations[site.parent].process
        unused = {label for label in self._golden.first_use if not self._made(process, label)}
        driven = any(_drives(member, scene) for member in site.members)
        combined = any(member.difference is Difference.VARIANT for member in site.members)
        for golden, index in _instances(site):
            if index < 0:
                difference = dict(site.signed)
                if not difference or _durable_losses(site):
                    continue
            else:
                before = golden.calls(index)
                difference = {label: candidate[label] - before[label] for label in candidate.keys() | before.keys()}
                difference = {label: delta for label, delta in difference.items() if delta}
                if not difference or _loses(site, golden, index, difference):
                    continue
            rest = {
                label: delta
                for label, delta in difference.items()
                if not self._variation.is_setup(site.caller, label, delta) and not (label in unused and delta < 0)
            }
            if not rest:
                return SET_UP if any(map(self._variation.sets_up, difference)) else FIRST_USE
            if any(not candidate[label] and self._variation.always(site.caller, label) for label in rest):
                continue
            used = self._golden.first_use.intersection(rest)
            rest = {label: delta for label, delta in rest.items() if label not in used}
            if not rest:
                return FIRST_USE
            if self._variation.is_varying(site.caller, rest, together=combined):
                return "varies between golden runs"
            asked = {label: delta for label, delta in rest.items() if not self._variation.sets_up(label)}
            if not self._is_first(site, difference, rest):
                asked = {label: -delta for label, delta in asked.items()}
            if self._variation.is_first(site.caller, asked, together=combined) if asked else used:
                return FIRST_USE
            if driven and self._variation.is_exchange(site.caller[0], difference):
                return RETRIED
            if few and not _writes(site) and self._variation.is_static(site.caller, rest):
                return "too few samples to tell"
        return ""

    def _is_first(self, site: _Site, difference: dict[Label, int], rest: dict[Label, int]) -> bool:
        """Whether the caller is the first of its kind in its process, or thread: it set up what others left out, or none did."""
        set_up = sum(delta for label, delta in difference.items() if label not in rest)
        return set_up > 0 or (not set_up and id(site.scene.shape.flow.operations[site.parent]) in self._first)

    def _is_conserved(self, site: _Site) -> bool:
        """Whether all that differs are reads that the run makes exactly as often as every golden run does: they only moved, be it
        to where golden runs made them seldom, which is no difference there."""
        if not site.signed or _writes(site) or any(member.difference is Difference.VARIANT for member in site.members):
            return False
        leaves = not any(site.scene.shape.children[index] for member in site.members for index in member.operations)
        return leaves and all(
            self._golden.is_constant(label, self._totals[label])
            or (self._golden.within(label, self._totals[label]) and self._variation.is_setup(site.caller, label, delta))
            for label, delta in site.signed
        )

    def _falls_elsewhere(self, site: _Site) -> bool:
        """Whether calls that come and go at places of this caller are not made here, while the run makes them exactly as often as
        several golden runs do: what is kept for a limited number (of sessions, versions, jobs) is given up by whoever comes next."""
        callers = self._totals[site.caller]
        return (
            site.loses
            and bool(site.signed)
            and not any(_children_of(member, site) for member in site.members)
            and all(
                delta < 0
                and self._variation.comes_and_goes(site.caller, label)
                and self._golden.has_total(label, self._totals[label], site.caller, callers)
                for label, delta in site.signed
            )
        )

    def _is_once_a_process(self, site: _Site) -> bool:
        """Whether all that is new are reads that a golden run makes once, where more processes now make each of them once."""
        service = site.caller[0]
        if not site.signed or _writes(site) or len(self._processes.get(service, ())) <= self._golden.most_processes[service]:
            return False
        process = site.scene.shape.flow.operations[site.parent].process
        return all(
            delta == 1 and self._golden.most[label] == 1 and self._made(process, label) == 1 for label, delta in site.signed
        )

    def _is_held(self, site: _Site) -> bool:
        """Whether all that is gone are reads that a process which served before holds the answers of: golden processes make each
        once, or few of its callers make it; this process makes none."""
        caller = site.scene.shape.flow.operations[site.parent]
        if not site.loses or not site.signed or any(_writes_below((site,)).values()) or _writes(site):
            return False
        return self._before.has(caller.service, caller.process) and all(
            delta < 0
            and not self._made(caller.process, label)
            and (self._before.is_once(label) or self._variation.is_seldom(label))
            for label, delta in site.signed
        )

    def _balanced(self, sites: list[_Site], used: list[_Site]) -> list[_Site]:
        """Sites whose calls add up to nothing, one call at a time, with what happened on first use or without it."""
        sums: Counter[Label] = Counter()
        with_used: Counter[Label] = Counter()
        places: Counter[Label] = Counter()
        for site in (*sites, *used):
            for label, delta in site.signed:
                places[label] += 1
                with_used[label] += delta
                sums[label] += delta if site not in used else 0
        moved = {label for label, number in places.items() if number > 1 and not (sums[label] and with_used[label])}
        balanced = [
            site for site in sites if site.bundle and all(label in moved for label, _ in site.signed) and not _writes(site)
        ]
        return balanced if not any(_writes_below((*balanced, *used)).values()) else []


def _instances(site: _Site) -> Iterator[tuple[Shape, int]]:
    """What to compare a caller with: the nearest sample by the schema (index -1), then each different golden instance of its place."""
    scene = site.scene
    yield scene.golden, -1
    slot = next((member.slot for member in site.members if member.slot), None)
    if slot is None:
        return
    seen: set[frozenset[tuple[Label, int]]] = set()
    for sample, index in slot.where:
        shape = scene.baseline.samples[sample]
        calls = frozenset(shape.calls(index).items())
        if calls not in seen:
            seen.add(calls)
            yield shape, index
            if len(seen) >= LARGEST_INSTANCES:
                return


def _look_ups(site: _Site) -> _Site:
    """What of a site only looks a host's name up, where golden runs named hosts by their addresses."""
    found = _Site(site.flow, site.parent, site.scene)
    for member in site.members:
        if member.difference is Difference.ADDED and _LOOK_UP.fullmatch(member.label[1]) and not _children_of(member, site):
            found.members.append(member)
            found.bundle.update(deltas(member, site.scene))
    return found


def _children_of(divergence: Divergence, site: _Site) -> bool:
    """Whether any call that is gone or new has calls of its own."""
    gone, new = _places(divergence, site.scene)
    return any(site.scene.golden.children[at] for at in gone) or any(site.scene.shape.children[at] for at in new)


def _involved(divergence: Divergence, scene: Scene) -> tuple[list[Operation], list[Operation]]:
    """The golden operations that are gone, and the candidate's that are new."""
    gone, new = _places(divergence, scene)
    golden, candidate = scene.golden.flow.operations, scene.shape.flow.operations
    return [golden[index] for index in gone], [candidate[index] for index in new]


def _places(divergence: Divergence, scene: Scene) -> tuple[list[int], list[int]]:
    """Where they are, in the sample and in the candidate."""
    new = list(divergence.operations)
    if divergence.difference is Difference.ADDED or (divergence.difference is Difference.COUNT and not divergence.slots):
        return [], new
    wanted = {id(slot) for slot in divergence.slots}
    places = scene.baseline.places(scene.sample)
    gone = [index for index in sample_operations(divergence, scene) if not wanted or id(places[index]) in wanted]
    return gone, new


def _writes_below(sites: Iterable[_Site]) -> Counter[Label]:
    """By how much the number of each lasting call below the differences changes: what moved must still write what it wrote."""
    counts: Counter[Label] = Counter()
    for site in sites:
        for member in site.members:
            gone, new = _places(member, site.scene)
            for shape, roots, sign in ((site.scene.golden, gone, -1), (site.scene.shape, new, 1)):
                for index in subtree(shape, roots):
                    if not shape.children[index] and is_durable(shape.flow.operations[index]):
                        counts[shape.labels[index]] += sign
    return counts


def _failed(operation: Operation) -> bool:
    status = operation.attributes.get("http.response.status_code", "")
    return operation.error or status.startswith("5") or status == "429"


def _drives(divergence: Divergence, scene: Scene) -> bool:
    """Whether the divergence is a cache's hit or miss, or a failed attempt beside another one of the same call."""
    gone, new = _involved(divergence, scene)
    if any(fills_cache(operation) for operation in (*gone, *new)):
        return True
    return divergence.difference is Difference.COUNT and divergence.number > 0 and any(map(_failed, (*gone, *new)))


def _durable_losses(site: _Site) -> list[Label]:
    """Lasting calls that no longer happen here; a failed attempt is nothing to lose."""
    return [
        member.label
        for member in site.members
        for operation in _involved(member, site.scene)[0]
        if is_durable(operation) and not _failed(operation)
    ]


def _writes(site: _Site) -> bool:
    """Whether any call that comes or goes is a lasting one."""
    return any(is_durable(operation) for member in site.members for part in _involved(member, site.scene) for operation in part)


def _loses(site: _Site, golden: Shape, index: int, difference: dict[Label, int]) -> bool:
    """Whether a golden instance has a lasting call that worked and that the candidate has not."""
    lost = {label for label, delta in difference.items() if delta < 0}
    kept = Counter(
        site.scene.shape.labels[child]
        for child in site.scene.shape.children[site.parent]
        if not _failed(site.scene.shape.flow.operations[child])
    )
    had: Counter[Label] = Counter()
    for child in golden.children[index]:
        operation = golden.flow.operations[child]
        if golden.labels[child] in lost and is_durable(operation) and not _failed(operation):
            had[golden.labels[child]] += 1
    return any(number > kept[label] for label, number in had.items())
