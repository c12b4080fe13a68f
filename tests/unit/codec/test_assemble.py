"""Assembly: whatever arrives is a trace, and what is wrong with it is said."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.codec.assemble import build_traces
from gate.model.trace import ProblemKind, Span, Trace
from tests.unit.codec.spans import span


def tree(trace: Trace) -> list[tuple[str, str]]:
    """(span id's number, parent's number) in the trace's order."""
    return [
        (str(int(each.span_id, 16)), str(int(trace.spans[parent].span_id, 16)) if parent >= 0 else "-")
        for each, parent in zip(trace.spans, trace.parents, strict=True)
    ]


def kinds(trace: Trace) -> list[tuple[ProblemKind, int]]:
    return [(problem.kind, int(problem.span_id, 16)) for problem in trace.problems]


def test_parents_come_before_children_and_siblings_by_start() -> None:
    """The order is pre-order by (start, span id), whatever the order of delivery."""
    spans = [span(1), span(2, 1, start=50), span(3, 1, start=40), span(4, 3), span(5, 1, start=50)]
    for seed in range(5):
        random.Random(seed).shuffle(spans)
        (trace,) = build_traces(spans)
        assert tree(trace) == [("1", "-"), ("3", "1"), ("4", "3"), ("2", "1"), ("5", "1")]
        assert trace.problems == ()


def test_traces_are_told_apart() -> None:
    """Spans of several traces, mixed, become one trace each, the earliest first."""
    later, earlier = "b" * 32, "a" * 32
    traces = build_traces([span(1, trace=later, start=9), span(1, trace=earlier, start=3), span(2, 1, trace=later)])
    assert [(trace.trace_id, len(trace.spans)) for trace in traces] == [(earlier, 1), (later, 2)]


def test_an_orphan_is_a_root_with_a_problem() -> None:
    """A span whose parent never arrived is kept, and said."""
    (trace,) = build_traces([span(1), span(3, 2), span(4, 3)])
    assert tree(trace) == [("1", "-"), ("3", "-"), ("4", "3")]
    assert kinds(trace) == [(ProblemKind.ORPHAN, 3)]
    assert "0000000000000002" in trace.problems[0].detail


def test_several_roots_are_said_once() -> None:
    """Three parentless spans are one problem; orphans do not count as roots."""
    (trace,) = build_traces([span(1), span(2), span(3), span(4, 9)])
    assert kinds(trace) == [(ProblemKind.ORPHAN, 4), (ProblemKind.SEVERAL_ROOTS, 2)]


def test_a_cycle_is_cut_at_its_earliest_span() -> None:
    """4 → 3 → 2 → 4 hangs on nothing: 2 began first and becomes a root; 5 below stays below."""
    (trace,) = build_traces([span(1), span(2, 4), span(3, 2), span(4, 3), span(5, 4)])
    assert tree(trace) == [("1", "-"), ("2", "-"), ("3", "2"), ("4", "3"), ("5", "4")]
    assert kinds(trace) == [(ProblemKind.CYCLE, 2)]


def test_a_span_that_is_its_own_parent() -> None:
    """The shortest cycle."""
    (trace,) = build_traces([span(1, 1), span(2, 1)])
    assert tree(trace) == [("1", "-"), ("2", "1")]
    assert kinds(trace) == [(ProblemKind.CYCLE, 1)]


def test_two_cycles_are_two_problems() -> None:
    """Each is cut once."""
    (trace,) = build_traces([span(1, 2), span(2, 1), span(3, 4), span(4, 3)])
    assert kinds(trace) == [(ProblemKind.CYCLE, 1), (ProblemKind.CYCLE, 3)]


def test_a_delivery_repeated_is_no_problem() -> None:
    """Exporters retry; identical copies are one span, even with a NaN inside."""
    first = span(1, attributes={"k": float("nan")})
    second = msgspec.structs.replace(first, attributes={"k": float("nan")})
    (trace,) = build_traces([first, span(2, 1), second])
    assert len(trace.spans) == 2
    assert trace.problems == ()


def test_two_spans_with_one_id() -> None:
    """The first is kept, the second is named."""
    (trace,) = build_traces([span(1, name="first"), span(1, name="second")])
    assert trace.spans[0].name == "first"
    assert kinds(trace) == [(ProblemKind.DUPLICATE, 1)]
    assert "'second'" in trace.problems[0].detail


def test_a_negative_duration_is_said() -> None:
    """The span stays as it is."""
    (trace,) = build_traces([span(1, start=100, end=40)])
    assert kinds(trace) == [(ProblemKind.NEGATIVE_DURATION, 1)]
    assert "60 ns" in trace.problems[0].detail


def test_100000_levels() -> None:
    """A chain of 100,000 spans is assembled in any order; what is too deep is attached at the limit."""
    spans = [span(number, number - 1) for number in range(1, 100_001)]
    random.Random(1).shuffle(spans)
    (trace,) = build_traces(spans, max_depth=10_000)
    assert len(trace.spans) == 100_000
    assert kinds(trace) == [(ProblemKind.TOO_DEEP, 10_001)]
    assert "90000 spans" in trace.problems[0].detail
    assert list(trace.parents[:10_000]) == list(range(-1, 9_999))
    assert set(trace.parents[10_000:]) == {9_998}


def test_a_cycle_of_100000() -> None:
    """So is a ring."""
    spans = [span(number, number - 1 or 100_000) for number in range(1, 100_001)]
    (trace,) = build_traces(spans, max_depth=200_000)
    assert kinds(trace) == [(ProblemKind.CYCLE, 1)]
    assert trace.parents[-1] == 99_998


edges = st.lists(
    st.builds(span, st.integers(1, 12), st.integers(0, 12), start=st.integers(0, 5), end=st.integers(0, 5)), max_size=20
)


@settings(deadline=None)
@given(edges, st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_edges_make_a_tree(spans: list[Span], max_depth: int, rng: random.Random) -> None:
    """Every id appears once, parents stand before children, no depth exceeds the limit; order of delivery does not matter."""
    traces = build_traces(spans, max_depth=max_depth)
    assert sum(len(trace.spans) for trace in traces) == len({each.span_id for each in spans})
    for trace in traces:
        depths: list[int] = []
        for index, parent in enumerate(trace.parents):
            assert -1 <= parent < index
            depths.append(1 if parent < 0 else depths[parent] + 1)
        assert max(depths) <= max_depth
    first = {each.span_id: each for each in reversed(spans)}
    unique = list(first.values())
    shuffled = list(unique)
    rng.shuffle(shuffled)
    assert build_traces(unique, max_depth=max_depth) == build_traces(shuffled, max_depth=max_depth)


def test_nothing_is_no_trace() -> None:
    """No spans, no traces."""
    assert build_traces([]) == ()


@pytest.mark.parametrize("seed", range(3))
def test_batches_in_any_order(seed: int) -> None:
    """A trace spread over requests that arrive in any order, some twice, is the same trace."""
    spans = [span(number, number // 2) for number in range(1, 60)]
    batches = [spans[at : at + 7] for at in range(0, len(spans), 7)]
    batches.append(batches[2])
    random.Random(seed).shuffle(batches)
    assert build_traces([each for batch in batches for each in batch]) == build_traces(spans)
