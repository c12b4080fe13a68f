"""Causes of all flows → findings: one a cause, however many flows it touches."""

from collections import Counter
from collections.abc import Sequence

from gate.compare.changes import change_of, handler_of, place_of, sentence_of, signature_of
from gate.compare.explain import Cause
from gate.compare.fingerprint import fingerprint
from gate.compare.levels import level_of, severity
from gate.model.flow import FlowKey
from gate.model.policy import Policy
from gate.model.trace import SpanKind
from gate.model.verdict import Consequence, Finding

LARGEST_CONSEQUENCES = 50


def findings_of(causes: Sequence[Cause], policy: Policy) -> list[tuple[Finding, list[int]]]:
    """Findings with the indices of their causes. Causes are one when they show one change, or sit in one request handler."""
    merged: list[tuple[Finding, list[int]]] = []
    for members in _clusters(causes):
        merged.append((_finding([causes[index] for index in members], policy), members))
    merged.sort(key=lambda entry: (severity(entry[0].level), -len(entry[0].flows), entry[0].fingerprint))
    return merged


def _clusters(causes: Sequence[Cause]) -> list[list[int]]:
    """Union of the causes that share a signature or a handler; in the order of their first member."""
    leader = list(range(len(causes)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    seen: dict[tuple[str, ...], int] = {}
    for index, cause in enumerate(causes):
        for key in (("signature", *signature_of(cause.root, cause.scene)), _handler_key(cause)):
            if not key:
                continue
            other = find(seen.setdefault(key, index))
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
    counted = Counter(signature_of(cause.root, cause.scene) for cause in causes)
    common = max(counted.values())
    lead = next(cause for cause in causes if counted[signature_of(cause.root, cause.scene)] == common)
    scene = lead.scene
    change = change_of(lead.root, scene)
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
        fingerprint=fingerprint(signature, sites),
        change=change,
        level=level,
        place=place,
        sentence=sentence_of(lead.root, scene),
        flows=tuple(flows),
        consequences=tuple(consequences.values()),
        rule=rule,
    )
