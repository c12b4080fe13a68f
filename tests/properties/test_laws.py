"""Laws of the comparison, for any trees of calls."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.compare import Baselines, compare, judge, learn
from gate.model.change import kind_of
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Resource, Scope, Span, StatusCode
from gate.model.verdict import Conclusion, Verdict
from tests.delivered import delivered
from tests.properties.trees import Call, run_of, trees, varied

runs = st.dictionaries(st.sampled_from(("one", "two", "three")), trees(), min_size=1)
"""Trees by test case."""
seeds = st.integers(0, 10**6)
KNOWN_LATE = {"order-changed", "concurrency-changed", "count-changed", "new-variant"}
"""Kinds of change that only several samples together can tell."""


def verdict(baselines: Baselines, run: RunFlows) -> Verdict:
    """The verdict of a user who wrote no policy."""
    return judge(compare(baselines, run))


@given(runs, st.integers(1, 6), seeds)
def test_a_run_against_a_baseline_learned_from_it_has_no_change(drawn: dict[str, Call], samples: int, seed: int):
    """Whatever the trees are, however many samples of them there are."""
    run = run_of(drawn, seed)
    found = verdict(learn([run] * samples), run)
    assert (found.conclusion, found.findings) == (Conclusion.PASS, ())


@given(runs, st.lists(seeds, min_size=1, max_size=6, unique=True), seeds, st.integers(1, 50))
def test_what_varies_changes_nothing(drawn: dict[str, Call], golden: list[int], seed: int, stretch: int):
    """Other ids, clocks, durations, hosts, order of arrival and order of siblings that overlap are no change."""
    found = verdict(learn([run_of(drawn, number) for number in golden]), run_of(drawn, seed, stretch=stretch))
    assert (found.conclusion, found.findings) == (Conclusion.PASS, ())


@given(st.lists(runs, min_size=1, max_size=8), st.data())
def test_a_trace_like_a_golden_one_passes_whatever_else_is_golden(drawn: list[dict[str, Call]], data: st.DataObject):
    """Adding a sample never turns a passing trace into a failing one, when the trace is like one of the golden traces: in its
    calls, their facts and their order in time. (Up to 20 samples: one that is rarer than that may be judged a change of order.)"""
    golden = [run_of(trees, number) for number, trees in enumerate(drawn)]
    chosen = data.draw(st.sampled_from(drawn), label="candidate")
    found = verdict(learn(golden), run_of(chosen, 4711))
    assert all(kind_of(finding.change) == "flow-missing" for finding in found.findings), found.findings
    assert found.conclusion is Conclusion.PASS


@given(runs, st.lists(seeds, min_size=3, max_size=7), seeds, seeds)
def test_a_further_sample_fails_a_passing_run_only_where_it_knows_more(
    base: dict[str, Call], golden: list[int], one: int, more: int
):
    """From three samples on, a run that passes fails after one more, whatever that is, only by what needs many observations: an
    order, concurrency, a number of calls (a range narrows when five samples show two ways), a combination once samples agree.
    Never by a call, an error, a status, a statement or rows: what some samples allow, no other takes away. All runs are the same
    tests with a call that is gone, repeated or elsewhere."""
    samples = [run_of(varied(base, chance), number) for number, chance in enumerate(golden)]
    candidate = run_of(varied(base, one), 4711)
    assume(verdict(learn(samples), candidate).conclusion is Conclusion.PASS)
    found = verdict(learn([*samples, run_of(varied(base, more), len(golden))]), candidate)
    assert {kind_of(finding.change) for finding in found.undecided} <= KNOWN_LATE, found.undecided


@given(runs, runs, st.integers(1, 6))
def test_the_order_of_flows_says_nothing(golden: dict[str, Call], candidate: dict[str, Call], samples: int):
    """The same flows in another order of arrival give the same verdict."""
    baselines = learn([run_of(golden, number) for number in range(samples)])
    run = run_of(candidate, 1)
    turned = replace(run, flows=tuple(reversed(run.flows)))
    assert _said(verdict(baselines, run)) == _said(verdict(baselines, turned))


@given(runs, runs, seeds, seeds)
def test_fingerprints_do_not_depend_on_the_run(golden: dict[str, Call], candidate: dict[str, Call], one: int, other: int):
    """The same difference has the same fingerprint with other ids, clocks and hosts, and against another recording."""
    first = verdict(learn([run_of(golden, one)]), run_of(candidate, one + 1))
    second = verdict(learn([run_of(golden, other + 7)]), run_of(candidate, other))
    assert _said(first) == _said(second)


@given(runs, seeds)
def test_normalising_twice_equals_once(drawn: dict[str, Call], seed: int):
    """The flow of a normalised flow is that flow."""
    run = run_of(drawn, seed)
    for flow in run.flows:
        again = delivered("again", _spans_of(flow))
        for operation, twice in zip(flow.operations, again.flows[0].operations, strict=True):
            assert (operation.name, operation.attributes, operation.parent) == (twice.name, twice.attributes, twice.parent)


def _said(found: Verdict) -> object:
    return found.conclusion, [
        (one.fingerprint, one.sentence, one.place.path, one.level, set(one.flows)) for one in found.findings
    ]


def _spans_of(flow: Flow) -> list[Span]:
    operations = flow.operations
    return [
        Span(
            trace_id=flow.trace_id,
            span_id=operation.span_id,
            parent_span_id=operations[operation.parent].span_id if operation.parent >= 0 else "",
            name=operation.name,
            kind=operation.kind,
            start_ns=operation.start_ns,
            end_ns=operation.end_ns,
            attributes={"test.case.name": flow.key.test_case, **operation.attributes},
            resource=Resource({}, operation.service),
            scope=Scope(operation.scope, operation.scope_version),
            status=StatusCode.ERROR if operation.error else StatusCode.UNSET,
        )
        for operation in operations
    ]
