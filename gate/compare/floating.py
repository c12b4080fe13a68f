"""Work that belongs to a run and not to a flow: it happens once a process, once a cache entry, on every n-th call.

Connections are set up, caches filled, rows created lazily and retries fall due in whichever test comes first. Such work is
not lost when another flow has it. Three rules, from the strongest evidence on; what none of them explains is a change:

1. conserved: over all flows of the run, the call happens exactly as often as its baselines say; it only moved;
2. first use: in the golden runs the call happens only the first time a process does something. A warm process leaves it out,
   another process does it again;
3. a known exchange: the caller's calls differ exactly as two golden instances of one caller differ, and a cache was hit or
   missed, or an attempt failed and was repeated.

Rules 2 and 3 never excuse a call that changes something lasting, and never more of a call than twice what the golden runs had.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from gate.compare.changes import Scene, sample_operations, subtree
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import fills_cache, is_durable
from gate.compare.runs import GoldenRuns
from gate.compare.shape import Label
from gate.model.flow import Operation

_Flow: TypeAlias = tuple[Scene, list[Divergence]]
_STRUCTURAL = frozenset({Difference.MISSING, Difference.ADDED, Difference.COUNT, Difference.RENAMED})


def excuse(flows: Sequence[_Flow], golden: GoldenRuns, totals: Counter[Label]) -> list[list[str]]:
    """Removes from each flow what is only work of the run; returns for each flow which calls those were.

    `totals` counts every call of the candidate run by its label.
    """
    notes: list[list[str]] = [[] for _ in flows]
    _conserved(flows, notes)
    if any(divergences for _, divergences in flows):
        golden.prepare()
        _first_use(flows, golden, totals, notes)
        _exchanges(flows, golden, totals, notes)
    return notes


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


def _conserved(flows: Sequence[_Flow], notes: list[list[str]]) -> None:
    everywhere = {(number, divergence.parent) for number, (_, divergences) in enumerate(flows) for divergence in divergences}
    touched = _cancel(flows, everywhere, notes)
    if touched:  # where something floats, what floats with it also adds up, though a change elsewhere adds to the same call
        _cancel(flows, touched, notes)


def _cancel(flows: Sequence[_Flow], sites: set[tuple[int, int]], notes: list[list[str]]) -> set[tuple[int, int]]:
    """Removes at these sites the calls whose differences add up to nothing; returns the sites where any did."""
    sums: Counter[Label] = Counter()
    writes: dict[Label, Counter[Label]] = {}
    places: dict[Label, set[tuple[int, int]]] = {}
    for number, (scene, divergences) in enumerate(flows):
        for divergence in divergences:
            if divergence.difference in _STRUCTURAL and (number, divergence.parent) in sites:
                for label, delta in deltas(divergence, scene).items():
                    sums[label] += delta
                    places.setdefault(label, set()).add((number, divergence.parent))
                writes.setdefault(divergence.label, Counter()).update(_writes_below(divergence, scene))
    moved = {
        label
        for label, total in sums.items()
        if total == 0 and len(places[label]) > 1 and not any(writes.get(label, Counter()).values())
    }
    touched: set[tuple[int, int]] = set()
    if not moved:
        return touched
    for number, (scene, divergences) in enumerate(flows):
        kept: list[Divergence] = []
        for divergence in divergences:
            site = (number, divergence.parent)
            labels = deltas(divergence, scene) if divergence.difference in _STRUCTURAL and site in sites else {}
            if labels and all(label in moved for label in labels):
                notes[number].append(_note(divergence, "as often over the whole run"))
                touched.add(site)
            else:
                kept.append(divergence)
        divergences[:] = kept
    return touched


def _writes_below(divergence: Divergence, scene: Scene) -> Counter[Label]:
    """By how much the number of each lasting call below a difference changes: what moved must still write what it wrote."""
    gone, new = _places(divergence, scene)
    counts: Counter[Label] = Counter()
    for shape, roots, sign in ((scene.golden, gone, -1), (scene.shape, new, 1)):
        for index in subtree(shape, roots):
            if shape.children[index] == [] and is_durable(shape.flow.operations[index]):
                counts[shape.labels[index]] += sign
    return counts


def _first_use(flows: Sequence[_Flow], golden: GoldenRuns, totals: Counter[Label], notes: list[list[str]]) -> None:
    for number, (scene, divergences) in enumerate(flows):
        kept: list[Divergence] = []
        for divergence in divergences:
            labels = deltas(divergence, scene) if divergence.difference in _STRUCTURAL else {}
            if (
                labels
                and all(golden.is_first_use(label) and golden.within(label, totals[label]) for label in labels)
                and not any(delta < 0 and _loses(divergence, scene) for delta in labels.values())
            ):
                notes[number].append(_note(divergence, "first use"))
            else:
                kept.append(divergence)
        divergences[:] = kept


def _exchanges(flows: Sequence[_Flow], golden: GoldenRuns, totals: Counter[Label], notes: list[list[str]]) -> None:
    for number, (scene, divergences) in enumerate(flows):
        sites: dict[int, list[Divergence]] = {}
        for divergence in divergences:
            if divergence.difference in _STRUCTURAL:
                sites.setdefault(divergence.parent, []).append(divergence)
        excused: set[int] = set()
        for parent, members in sites.items():
            service = scene.shape.labels[parent][0]
            bundle = _exchanged(members, scene)
            if not golden.is_known_exchange(service, bundle):
                bundle = _whole_exchange(parent, scene)
            if not golden.is_known_exchange(service, bundle):
                continue
            if not any(_drives(member, scene) for member in members):
                continue
            if any(_loses(member, scene) for member in members):
                continue
            if all(golden.within(label, totals[label]) for label, delta in bundle.items() if delta > 0):
                excused.update(id(member) for member in members)
                notes[number].extend(_note(member, "a cache or a retry") for member in members)
        divergences[:] = [divergence for divergence in divergences if id(divergence) not in excused]


def _exchanged(members: list[Divergence], scene: Scene) -> Counter[Label]:
    bundle: Counter[Label] = Counter()
    for member in members:
        for label, delta in deltas(member, scene).items():
            bundle[label] += delta
    return bundle


def _whole_exchange(parent: int, scene: Scene) -> Counter[Label]:
    """All that differs between a caller's calls and those of its counterpart, also what the schema allows."""
    partner = scene.pairing.sample_of.get(parent)
    if partner is None:
        return Counter()
    bundle = Counter(scene.shape.labels[child] for child in scene.shape.children[parent])
    bundle.subtract(Counter(scene.golden.labels[child] for child in scene.golden.children[partner]))
    return bundle


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


def _failed(operation: Operation) -> bool:
    status = operation.attributes.get("http.response.status_code", "")
    return operation.error or status.startswith("5") or status == "429"


def _drives(divergence: Divergence, scene: Scene) -> bool:
    """Whether the divergence is a cache's hit or miss, or a failed attempt beside another one of the same call."""
    gone, new = _involved(divergence, scene)
    if any(fills_cache(operation) for operation in (*gone, *new)):
        return True
    return divergence.difference is Difference.COUNT and divergence.number > 0 and any(map(_failed, (*gone, *new)))


def _loses(divergence: Divergence, scene: Scene) -> bool:
    """Whether something lasting no longer happens; a failed attempt is nothing to lose."""
    gone, _ = _involved(divergence, scene)
    return any(is_durable(operation) and not _failed(operation) for operation in gone)


def _note(divergence: Divergence, why: str) -> str:
    service, operation, _ = divergence.label
    return f"{service}: {operation} ({why})"
