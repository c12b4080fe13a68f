"""A run beside its baselines: one comparison a flow."""

from fnmatch import fnmatchcase

from gate.compare.align import Alignment, align
from gate.compare.background import background, with_background
from gate.compare.changes import Scene, change_of
from gate.compare.completeness import missing_spans
from gate.compare.concurrency import concurrency_divergences
from gate.compare.divergence import Divergence
from gate.compare.entries import FEWEST, Entries, requests
from gate.compare.explain import Cause, explain
from gate.compare.findings import findings_of
from gate.compare.fingerprint import fingerprint
from gate.compare.floating import FEW_SAMPLES, excuse
from gate.compare.instrumentation import attribute, cut_values
from gate.compare.learn import Baselines
from gate.compare.levels import level_of, severity
from gate.compare.links import find_links
from gate.compare.pairing import Pairing, pair
from gate.compare.pins import broken_pins
from gate.compare.read_order import excuse_orders
from gate.compare.sentences import sentence
from gate.compare.shape import Kinds, Shape
from gate.compare.stability import notes
from gate.compare.variants import unseen_variants, vanished_writes
from gate.model.change import FlowMissing, InstrumentationChanged
from gate.model.flow import FlowKey, RunFlows
from gate.model.policy import Policy
from gate.model.verdict import Comparison, Finding, Level, Place


class _Compared:
    """One flow on its way through the comparison."""

    __slots__ = (
        "alignment",
        "divergences",
        "fallback",
        "floating",
        "flow",
        "incomplete",
        "notices",
        "scene",
        "shape",
        "tolerated",
    )

    def __init__(self, shape: Shape) -> None:
        self.flow = shape.flow
        self.shape = shape
        self.alignment: Alignment | None = None
        self.floating: list[str] = []
        self.notices: list[InstrumentationChanged] = []
        self.tolerated = 0
        """Combinations of calls that no sample shows, at places where samples vary too much to call that a change."""
        self.fallback = False
        """Compared with the same operation inside other flows."""
        self.scene: Scene | None = None
        self.divergences: list[Divergence] = []
        self.incomplete = missing_spans(shape.flow)


def compare(baselines: Baselines, run: RunFlows, policy: Policy | None = None) -> tuple[Comparison, ...]:
    """One comparison for each flow of the run, in its order, then one for each baseline flow with a test case that did not run.

    A flow without a baseline has no sample and no findings; an incomplete one says why and has none either. A finding that
    touches several flows is the same object in each of their comparisons.
    """
    policy = policy or Policy()
    entries = Entries(baselines)
    kinds = Kinds(baselines.kinds)
    compared = [_align(baselines, entries, Shape(flow, kinds)) for flow in run.flows]
    present = {flow.key for flow in run.flows}
    undriven = _is_undriven(baselines, compared)
    if undriven:
        _check_losses(entries, compared)
    _judge_run(baselines, compared)
    policy = with_background(policy, background((entry.flow for entry in compared if entry.divergences), baselines))
    causes: list[tuple[_Compared, Cause]] = []
    for entry in compared:
        if entry.scene and not entry.incomplete:
            for cause in _causes(entry.divergences, entry.scene, policy):
                causes.append((entry, cause))
    by_entry: dict[int, list[Finding]] = {}
    for entry in compared:
        if entry.scene and not entry.incomplete and (pinned := broken_pins(entry.shape, policy)):
            by_entry.setdefault(id(entry), []).extend(pinned)
    for finding, touched in _notices(compared, policy):
        for entry in touched:
            by_entry.setdefault(id(entry), []).append(finding)
    for finding, members in findings_of([cause for _, cause in causes], policy):
        for entry in {id(causes[index][0]): causes[index][0] for index in members}.values():
            by_entry.setdefault(id(entry), []).append(finding)
    comparisons = [_comparison(entry, tuple(by_entry.get(id(entry), ()))) for entry in compared]
    for key in sorted(baselines.flows):
        required = any(fnmatchcase(str(key), pattern) for pattern in policy.required_flows)
        if key not in present and (required or (key.test_case and not undriven)):
            comparisons.append(_absent(baselines, key, policy))
    return tuple(comparisons)


def _check_cuts(entries: list[_Compared]) -> None:
    """Statements cut short cannot be told apart: such flows are not judged, and one notice says why."""
    for entry in entries:
        if entry.scene and (cut := cut_values(entry.scene, entry.divergences)):
            entry.incomplete = f"{cut} statements are cut short: an attribute length limit hides what differs"
            entry.notices = [InstrumentationChanged("", "attribute values", "whole", "cut short")]
            entry.divergences.clear()


def _is_undriven(baselines: Baselines, compared: list[_Compared]) -> bool:
    """Whether the golden runs' tests are all absent and their requests come on their own: a driver that is not instrumented."""
    tests = any(key.test_case for key in baselines.flows)
    return (
        tests
        and any(entry.fallback for entry in compared)
        and not any(entry.flow.key.test_case and entry.flow.key in baselines.flows for entry in compared)
    )


def _check_losses(entries: Entries, compared: list[_Compared]) -> None:
    seen = requests([entry.shape for entry in compared])
    if seen < FEWEST * entries.expected:
        for entry in compared:
            entry.incomplete = entry.incomplete or (
                f"only {seen} of {entries.expected} requests of the golden runs arrived: traces were sampled or lost"
            )


def _align(baselines: Baselines, entries: Entries, shape: Shape) -> _Compared:
    flow = shape.flow
    entry = _Compared(shape)
    baseline = baselines.get(flow.key)
    if baseline is None:
        baseline = entries.baseline(flow.key, shape)
        entry.fallback = baseline is not None
    elif not flow.key.test_case:
        baseline = entries.by_outcome(baseline, shape)
    if baseline is None:
        return entry
    alignment = align(baseline.root, shape, baselines.timings)
    sample = baseline.nearest(shape)
    entry.scene = Scene(shape, baseline, sample, pair(alignment, baseline, sample), baselines.standard)
    if not alignment.divergences and not entry.fallback:
        alignment.divergences, entry.tolerated = unseen_variants(alignment, entry.scene)
    else:
        alignment.divergences.extend(vanished_writes(alignment, entry.scene))
    entry.alignment = alignment
    entry.divergences = alignment.divergences
    return entry


def _judge_run(baselines: Baselines, compared: list[_Compared]) -> None:
    """What only the run as a whole can say."""
    entries = [entry for entry in compared if entry.scene and not entry.incomplete]
    if any(entry.divergences for entry in entries):
        flows = [(entry.scene, entry.divergences) for entry in entries if entry.scene]
        candidate = [entry.shape for entry in entries]
        for entry, floating in zip(entries, excuse(flows, baselines, candidate), strict=True):
            entry.floating = floating
        for entry, reads in zip(entries, excuse_orders(flows, baselines, candidate), strict=True):
            entry.floating += reads
        find_links(flows, [entry.shape for entry in compared], baselines.shapes())
        _check_cuts(entries)
        for number, notices in attribute(flows, baselines.layers, candidate).items():
            entries[number].notices = notices
    if len(baselines.runs.all()) < FEW_SAMPLES:
        return  # all instances of one run may lie alike by luck
    alignments = [entry.alignment for entry in entries if entry.alignment]
    for number, divergence in concurrency_divergences(alignments, baselines.timings):
        entries[number].divergences.append(divergence)


def _causes(divergences: list[Divergence], scene: Scene, policy: Policy) -> list[Cause]:
    """The cause of what counts: what weighs less explains nothing that weighs more. What is ignored is listed on its own."""
    key = scene.shape.flow.key
    levels = {id(one): level_of(change_of(one, scene), key, policy)[0] for one in divergences}
    counted = [one for one in divergences if levels[id(one)] is not Level.IGNORED]
    worst = min((severity(levels[id(one)]) for one in counted), default=0)
    found = [explain(counted, scene, lambda one: severity(levels[id(one)]) == worst)]
    found.extend(explain([one], scene) for one in divergences if levels[id(one)] is Level.IGNORED)
    return [cause for cause in found if cause]


def _comparison(entry: _Compared, findings: tuple[Finding, ...]) -> Comparison:
    scene = entry.scene
    if scene is None:
        return Comparison(entry.flow.key, entry.flow, None, incomplete=entry.incomplete)
    pairing: Pairing = scene.pairing
    return Comparison(
        key=entry.flow.key,
        flow=entry.flow,
        sample=scene.golden.flow,
        pairs=tuple(pairing.pairs),
        samples=len(scene.baseline.samples),
        findings=findings,
        incomplete=entry.incomplete,
        notes=(
            *_fallback_note(entry),
            *notes(scene.baseline),
            *_tolerated_note(entry),
            *_floating_note(entry.floating),
        ),
    )


def _fallback_note(entry: _Compared) -> tuple[str, ...]:
    return ("compared with the same operation inside the golden flows",) if entry.fallback else ()


def _tolerated_note(entry: _Compared) -> tuple[str, ...]:
    if entry.scene is None or not entry.tolerated:
        return ()
    return (f"a combination of calls that {entry.scene.standard.unseen}; they vary too much to call it a change",)


def _floating_note(floating: list[str]) -> tuple[str, ...]:
    """Says which calls were not judged here because they belong to the run."""
    if not floating:
        return ()
    named = ", ".join(dict.fromkeys(floating))
    return (f"work of the whole run, not of this flow: {named[:400]}",)


def _notices(compared: list[_Compared], policy: Policy) -> list[tuple[Finding, list[_Compared]]]:
    """One finding for each change of the instrumentation, with the flows that show it."""
    touched: dict[tuple[str, ...], tuple[InstrumentationChanged, list[_Compared]]] = {}
    for entry in compared:
        for change in entry.notices:
            touched.setdefault((change.scope, change.before, change.after), (change, []))[1].append(entry)
    found: list[tuple[Finding, list[_Compared]]] = []
    for signature, (change, entries) in touched.items():
        first = entries[0].flow
        level, rule = level_of(change, first.key, policy)
        operation = first.operations[0]
        place = Place((f"{operation.service}: {operation.name}",), (), (operation.span_id,))
        flows = tuple(dict.fromkeys(entry.flow.key for entry in entries))
        mark = fingerprint(("instrumentation-changed", *signature), ())
        found.append((Finding(mark, change, level, place, sentence(change), flows, rule=rule), entries))
    return found


def _absent(baselines: Baselines, key: FlowKey, policy: Policy) -> Comparison:
    baseline = baselines.flows[key]
    sample = baseline.samples[-1]
    change = FlowMissing(str(key))
    level, rule = level_of(change, key, policy)
    entry = sample.flow.operations[0]
    name = f"{entry.service}: {entry.name}"
    finding = Finding(
        fingerprint=fingerprint(("flow-missing", str(key)), ()),
        change=change,
        level=level,
        place=Place((name,), (entry.span_id,)),
        sentence=sentence(change),
        flows=(key,),
        rule=rule,
    )
    pairs = tuple((index, -1) for index in range(sample.size))
    return Comparison(key, None, sample.flow, pairs, len(baseline.samples), (finding,), notes=notes(baseline))
