"""What another instrumentation shows differently: a layer that is gone, other versions, values cut short.

The libraries that make spans are no part of the system under test. When their versions change, the same calls nest and name
themselves otherwise; when a library is no longer instrumented, all of its spans are gone and nothing else. Either is one
notice. It is weighed first: a layer that took calls of other libraries with it, or left failures behind, was no mere layer.
"""

from collections import Counter
from collections.abc import Sequence

from gate.compare.changes import Scene, deltas_of_calls, handler_of, sample_operations
from gate.compare.divergence import Difference, Divergence
from gate.compare.durable import is_durable
from gate.compare.layers import Layers
from gate.compare.shape import Label, Shape
from gate.model.change import InstrumentationChanged
from gate.normalize.statement import CUT

FEWEST_LABELS = 3
FEWEST_HANDLERS = 3
"""Different calls, and request handlers that made them, that a vanished layer must have had when no twin still shows its calls.
Fewer are what one changed handler loses."""

_PROMOTED = frozenset({Difference.ADDED, Difference.COUNT, Difference.MOVED})
_LESS = frozenset({Difference.MISSING, Difference.COUNT, Difference.UNWRAPPED})


def attribute(
    flows: Sequence[tuple[Scene, list[Divergence]]], before: Layers, candidate: Sequence[Shape]
) -> dict[int, list[InstrumentationChanged]]:
    """Removes from each flow what the instrumentation explains; returns the notices by flow."""
    if not any(divergences for _, divergences in flows):
        return {}
    after = Layers(candidate)
    vanished = {
        scope
        for scope in before.versions
        if scope and scope not in after.versions and any(label[0] in after.services for label in before.labels.get(scope, ()))
    }
    changed = {
        scope
        for scope, versions in before.versions.items()
        if scope and scope in after.versions and versions.isdisjoint(after.versions[scope])
    }
    notices: dict[int, list[InstrumentationChanged]] = {}
    if changed:
        notice = _version_notice(changed, before, after)
        for number, (scene, divergences) in enumerate(flows):
            if _reshaped(scene, divergences, vanished, before):
                notices.setdefault(number, []).append(notice)
    if vanished:
        _remove_vanished(flows, vanished, bool(changed), before, after, notices)
    return notices


def _version_notice(changed: set[str], before: Layers, after: Layers) -> InstrumentationChanged:
    names = sorted(changed)
    old = sorted({version for scope in changed for version in before.versions[scope]})
    new = sorted({version for scope in changed for version in after.versions[scope]})
    scope = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return InstrumentationChanged("", scope, ", ".join(old[:3]), ", ".join(new[:3]))


def _reshaped(scene: Scene, divergences: list[Divergence], vanished: set[str], before: Layers) -> bool:
    """Drops a flow's divergences that only show the same calls otherwise; whether there were any.

    The flow makes the same calls as often: what nests, wraps, names or describes them is the instrumentation's.
    """
    if not divergences:
        return False
    gone = {label for scope in vanished for label in before.labels.get(scope, ())} - set(scene.shape.labels)
    differing = {label for label in deltas_of_calls(scene) if label not in gone}
    kept = [divergence for divergence in divergences if _remains(divergence, scene, differing, gone)]
    if differing and not any(divergence.label in differing for divergence in kept):
        return False
    dropped = len(kept) < len(divergences)
    divergences[:] = kept
    return dropped


def _remains(divergence: Divergence, scene: Scene, differing: set[Label], gone: set[Label]) -> bool:
    match divergence.difference:
        case Difference.FACT:
            values = tuple(fact for fact in divergence.facts if fact[1] and fact[2])
            divergence.facts = values or divergence.facts
            return bool(values)
        case Difference.ORDER | Difference.CONCURRENCY | Difference.VARIANT:
            return False
        case Difference.RENAMED:
            return divergence.label in differing or (divergence.after_label or divergence.label) in differing
        case _:
            return divergence.label in differing or divergence.label in gone


def _remove_vanished(
    flows: Sequence[tuple[Scene, list[Divergence]]],
    vanished: set[str],
    other_versions: bool,
    before: Layers,
    after: Layers,
    notices: dict[int, list[InstrumentationChanged]],
) -> None:
    shown = {label for scope, labels in before.labels.items() if scope not in vanished for label in labels}
    gone = {label for scope in vanished for label in before.labels.get(scope, ())} - shown
    for scope in sorted(vanished):
        only = before.labels.get(scope, set()) - shown
        twin = any(other in after.versions for other in before.twins.get(scope, ()))
        if not _is_layer(flows, scope, vanished, only, gone, twin or other_versions, twin):
            continue
        notice = InstrumentationChanged("", scope, ", ".join(sorted(before.versions[scope])[:3]), "absent")
        for number, (scene, divergences) in enumerate(flows):
            inside = _calls_inside(scope, scene) if divergences else set[Label]()
            kept = [
                one
                for one in divergences
                if not (one.label in inside and one.difference in _PROMOTED)
                and (one.operations or not _is_of(one, scene, scope, only))
            ]
            if len(kept) < len(divergences):
                divergences[:] = kept
                if notice not in notices.setdefault(number, []):
                    notices[number].append(notice)


def _calls_inside(layer: str, scene: Scene) -> set[Label]:
    """The calls of other libraries that the golden flow has below the layer's, and the candidate as often without it."""
    golden = scene.golden
    below = {
        golden.labels[child]
        for index, operation in enumerate(golden.flow.operations)
        if operation.scope == layer
        for child in golden.children[index]
        if golden.flow.operations[child].scope != layer
    }
    return below - deltas_of_calls(scene).keys() if below else below


def _is_layer(
    flows: Sequence[tuple[Scene, list[Divergence]]],
    layer: str,
    vanished: set[str],
    only: set[Label],
    gone: set[Label],
    expected: bool,
    twin: bool,
) -> bool:
    """Whether the layer alone is gone: nothing of other libraries went with it, no call went otherwise than before.

    Without a twin that still shows its calls it takes many calls of many handlers, or, of reads and caches, that nothing else in
    the run differs: a cache that is no longer asked makes other calls.
    """
    lost: Counter[Label] = Counter()
    handlers: set[Label] = set()
    alone = True
    for scene, divergences in flows:
        for divergence in divergences:
            if _is_of(divergence, scene, layer, only):
                if divergence.difference is Difference.MISSING and _takes_others(divergence, scene, vanished):
                    return False
                lost[divergence.label] += 1
                handlers.add(scene.shape.labels[handler_of(scene.shape, divergence.parent)])
                operations = scene.golden.flow.operations
                alone = alone and not any(is_durable(operations[at]) for at in sample_operations(divergence, scene))
            elif divergence.label not in gone and not expected and divergence.difference is Difference.FACT:
                return False
            else:
                alone = False
    return bool(lost) and (twin or (len(handlers) >= FEWEST_HANDLERS and (alone or len(lost) >= FEWEST_LABELS)))


def _is_of(divergence: Divergence, scene: Scene, layer: str, only: set[Label]) -> bool:
    """Whether what there is less of was the layer's: by the golden calls at this place, since a driver that is instrumented as well
    may show the same statements elsewhere, in traces of its own."""
    if divergence.difference not in _LESS:
        return False
    if divergence.label in only:
        return True
    gone = sample_operations(divergence, scene)
    operations = scene.golden.flow.operations
    return divergence.difference is Difference.MISSING and bool(gone) and all(operations[at].scope == layer for at in gone)


def _takes_others(divergence: Divergence, scene: Scene, vanished: set[str]) -> bool:
    """Whether calls of libraries that are still there are missing below the missing one."""
    operations = scene.golden.flow.operations
    stack = [index for slot in divergence.slots for sample, index in slot.where if sample == scene.sample]
    present = set(scene.shape.labels)
    while stack:
        index = stack.pop()
        if operations[index].scope not in vanished and scene.golden.labels[index] not in present:
            return True
        stack.extend(scene.golden.children[index])
    return False


def cut_values(scene: Scene, divergences: list[Divergence]) -> int:
    """How many of the calls that differ have a statement that was cut short, of which a golden one is the whole; their number."""
    if not divergences:
        return 0
    operations = scene.shape.flow.operations
    cut = 0
    for divergence in divergences:
        for index in divergence.operations:
            attributes = operations[index].attributes
            if any(value.endswith(CUT) for value in attributes.values()):
                text = scene.shape.labels[index][2]
                known = scene.golden.labels
                if any(label[2] != text and label[0] == divergence.label[0] and label[2].startswith(text) for label in known):
                    cut += 1
    return cut
