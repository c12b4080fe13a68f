"""Causes of all flows → findings: one a cause, however many flows it touches."""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from gate.compare.changes import MUCH_MORE, change_of, handler_of, place_of, sample_operations, sentence_of, signature_of, subtree
from gate.compare.divergence import Difference
from gate.compare.durable import is_durable
from gate.compare.explain import Cause
from gate.compare.fingerprint import fingerprint
from gate.compare.levels import level_of, severity
from gate.model.change import CallAdded, Change
from gate.model.flow import FlowKey
from gate.model.policy import Policy
from gate.model.trace import SpanKind
from gate.model.verdict import Consequence, Finding, Level

LARGEST_CONSEQUENCES = 50


def findings_of(causes: Sequence[Cause], policy: Policy) -> list[tuple[Finding, list[int]]]:
    """Findings with the indices of their causes. Causes of one level are one when they show one change, or sit in one request
    handler; what is ignored is never joined with what else its handler does."""
    merged: list[tuple[Finding, list[int]]] = []
    levels = [level_of(change_of(cause.root, cause.scene), cause.scene.shape.flow.key, policy)[0] for cause in causes]
    for members in _clusters(causes, levels):
        merged.append((_finding([causes[index] for index in members], policy), members))
    merged.sort(key=lambda entry: (severity(entry[0].level), -len(entry[0].flows), entry[0].fingerprint))
    return merged


def _clusters(causes: Sequence[Cause], levels: Sequence[Level]) -> list[list[int]]:
    """Union of the causes of one level that share a signature or a handler; in the order of their first member."""
    leader = list(range(len(causes)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    seen: dict[tuple[str, ...], int] = {}
    for index, cause in enumerate(causes):
        level = levels[index]
        handler = _handler_key(cause) if level is not Level.IGNORED else ()
        for key in (("signature", *signature_of(cause.root, cause.scene)), handler):
            if not key:
                continue
            other = find(seen.setdefault((level, *key), index))
            mine = find(index)
            leader[max(other, mine)] = min(other, mine)
    clusters: dict[int, list[int]] = {}
    for index in range(len(causes)):
        clusters.setdefault(find(index), []).append(index)
    return list(clusters.values())


def _handler_key(cause: Cause) -> tuple[str, ...]:
    shape = cause.scene.shape
    handler = handler_of(shape, cause.root.parent)
    if shape.flow.operations[handler].kind not in {SpanKind.SERVER, SpanKind.CONSUMER}:
        return ()
    return ("handler", *shape.labels[handler])


def _finding(causes: list[Cause], policy: Policy) -> Finding:
    causes = sorted(causes, key=lambda cause: cause.scene.shape.flow.key)  # the order in which flows arrive says nothing
    counted = Counter(signature_of(cause.root, cause.scene) for cause in causes)
    common = max(counted.values())
    lead = next(cause for cause in causes if counted[signature_of(cause.root, cause.scene)] == common)
    scene = lead.scene
    change = _total(change_of(lead.root, scene), lead)
    flows: list[FlowKey] = list(dict.fromkeys([scene.shape.flow.key, *(cause.scene.shape.flow.key for cause in causes)]))
    signature = signature_of(lead.root, scene)
    level, rule = level_of(change, scene.shape.flow.key, policy)
    consequences: dict[tuple[str, ...], Consequence] = {}
    for cause in [lead, *causes]:
        for divergence in (cause.root, *cause.consequences):
            named = signature_of(divergence, cause.scene)
            if named != signature and named not in consequences and len(consequences) < LARGEST_CONSEQUENCES:
                consequences[named] = Consequence(
                    change_of(divergence, cause.scene), place_of(divergence, cause.scene), sentence_of(divergence, cause.scene)
                )
    place = place_of(lead.root, scene)
    sites = {" ".join(_handler_key(cause) or (place.path[-2] if len(place.path) > 1 else "",)) for cause in causes}
    return Finding(
        fingerprint=fingerprint((*signature, *_extent(causes, signature), *_losses(causes, signature)), sites),
        change=change,
        level=level,
        place=place,
        sentence=sentence_of(lead.root, scene, change),
        flows=tuple(flows),
        consequences=tuple(consequences.values()),
        rule=rule,
    )


def _total(change: Change, cause: Cause) -> Change:
    """A new call is counted over all callers of the flow: one query below each of ten resolvers is ten queries."""
    if not isinstance(change, CallAdded):
        return change
    signature = signature_of(cause.root, cause.scene)
    alike = (one for one in cause.consequences if one.difference is Difference.ADDED)
    more = sum(one.number for one in alike if signature_of(one, cause.scene) == signature)
    return replace(change, after=change.after + more)


def _extent(causes: list[Cause], signature: tuple[str, ...]) -> tuple[str, ...]:
    """How far a change goes, as an approval must know it: fewer or none, some more or many, which combination, to where."""
    roots = [cause.root for cause in causes if signature_of(cause.root, cause.scene) == signature]
    found: set[str] = set()
    for root in roots:
        match root.difference:
            case Difference.MISSING:
                found.add("none")
            case Difference.ADDED | Difference.COUNT if root.operations:
                usual = root.group.most if root.group else 1
                if root.number > MUCH_MORE * usual + 1:
                    found.add("many")
            case Difference.VARIANT:
                found.add(root.after)
            case _:
                pass
    return tuple(sorted(found))


def _losses(causes: list[Cause], signature: tuple[str, ...]) -> tuple[str, ...]:
    """What writes and is gone among the consequences: a further lost write is never approved with the cause that it follows."""
    lost: set[str] = set()
    for cause in causes:
        golden = cause.scene.golden
        for divergence in (cause.root, *cause.consequences):
            if signature_of(divergence, cause.scene) == signature:
                continue
            if divergence.difference is Difference.MISSING or (divergence.difference is Difference.COUNT and divergence.slots):
                below = subtree(golden, sample_operations(divergence, cause.scene))
                lost.update("\x1d".join(golden.labels[at]) for at in below if is_durable(golden.flow.operations[at]))
    return tuple(f"lost {call}" for call in sorted(lost))
