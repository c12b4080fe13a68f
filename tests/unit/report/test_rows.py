"""Aligned rows: complete, folded, marked."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model.change import CallMissing, CountChanged
from gate.model.flow import Flow, FlowKey
from gate.model.verdict import Comparison, Level, Place
from gate.report.row import Row, RowState
from gate.report.rows import rows
from tests import report_examples
from tests.report_examples import Node, align, finding, make_flow

KEY = FlowKey("", "a", "entry")


def everything(shown: tuple[Row, ...]) -> list[Row]:
    """All rows with those that they fold."""
    found: list[Row] = []
    stack = list(shown)
    while stack:
        row = stack.pop()
        found.append(row)
        stack.extend(row.folded)
    return found


def spans(shown: tuple[Row, ...]) -> tuple[Counter[str], Counter[str]]:
    """How often each span of either side is in a row, folded ones included."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for row in everything(shown):
        if row.before is not None:
            before[row.before.span_id] += 1
        if row.after is not None:
            after[row.after.span_id] += 1
    return before, after


def nodes() -> st.SearchStrategy[Node]:
    """Small random trees of few names, so that repeats are common."""
    names = st.sampled_from(["x", "y", "z"])
    return st.recursive(
        st.builds(Node, st.just("a"), names),
        lambda calls: st.builds(Node, st.just("a"), names, st.lists(calls, max_size=4)),
        max_leaves=25,
    )


@given(nodes(), nodes(), st.data())
@settings(max_examples=150, deadline=None)
def test_every_span_is_in_a_row(old: Node, new: Node, data: st.DataObject) -> None:
    """Whatever the pairs are, complete or not, sensible or not, no span is lost, and none is shown twice on its side."""
    sample, flow = make_flow(KEY, "a1", old), make_flow(KEY, "b1", new)
    index = st.integers(-2, max(len(sample.operations), len(flow.operations)) + 1)
    odd = st.lists(st.tuples(index, index), max_size=12).map(tuple)
    pairs = data.draw(st.one_of(st.just(align(sample, flow)), odd))
    chosen = data.draw(st.lists(st.sampled_from([o.span_id for o in (*sample.operations, *flow.operations)]), max_size=3))
    found = tuple(
        finding(number, CallMissing("a", "x", "1"), Place(("a: x",), (span,), (span,)), "x is gone", KEY)
        for number, span in enumerate(chosen)
    )
    shown = rows(Comparison(KEY, flow, sample, pairs, 1, found))
    before, after = spans(shown)
    repeats = [row for row in everything(shown) if row.folded and row.state != RowState.FOLDED]
    assert set(before) == {o.span_id for o in sample.operations}
    assert set(after) == {o.span_id for o in flow.operations}
    # A repeated call is shown with one member of each side for all; that member is in its own row or among the folded.
    extra = 2 * len(repeats)
    assert sum(before.values()) + sum(after.values()) <= len(sample.operations) + len(flow.operations) + extra
    assert sum(mark.root for row in shown for mark in row.marks) + sum(
        mark.root for row in everything(shown) if row not in shown for mark in row.marks
    ) >= len(found)


def test_an_unchanged_flow_is_its_entry_and_a_fold() -> None:
    """What is alike on both sides is one row that says how much it hides."""
    comparison = report_examples.matching(KEY, Node("a", "entry", [Node("a", "x", [Node("a", "y")]), Node("a", "z")]), 1)
    shown = rows(comparison)
    assert [row.state for row in shown] == [RowState.SAME, RowState.FOLDED]
    assert shown[1].count == 3


def test_two_unchanged_calls_are_not_worth_a_fold() -> None:
    """A fold that hides hardly anything would only be a riddle."""
    comparison = report_examples.matching(KEY, Node("a", "entry", [Node("a", "x"), Node("a", "y")]), 1)
    assert [row.state for row in rows(comparison)] == [RowState.SAME] * 3


def test_a_repeated_query_is_one_row_with_counts() -> None:
    """Twelve calls where one was are one row, ×1 beside ×12, with eleven further ones behind it."""
    shown = rows(report_examples.n_plus_one().comparisons[0])
    [row] = [row for row in shown if row.after is not None and row.after.name == "SELECT prices"]
    assert row.before is not None and row.after is not None
    assert (row.before.times, row.after.times) == (1, 12)
    assert len(row.folded) == 11
    assert row.state == RowState.CHANGED


def test_a_missing_call_stands_where_it_was() -> None:
    """A gap on the right, in the order of the golden trace, with all that was below it."""
    shown = rows(report_examples.story().comparisons[0])
    gone = [row for row in shown if row.state == RowState.MISSING]
    assert [row.before.name for row in gone if row.before] == [
        "UPDATE traces",
        "POST /traces/_update/{id}",
        "POST /traces/_update/{id}",
        "index write",
    ]
    assert all(row.after is None for row in gone)
    assert [row.depth for row in gone] == [1, 1, 2, 3]


def test_the_root_divergence_and_its_consequences_are_marked() -> None:
    """The finding's own row is the root, the rows of its consequences name the same finding."""
    shown = rows(report_examples.story().comparisons[0])
    marks = [(row.after or row.before, mark) for row in shown for mark in row.marks]
    assert [(call.name, mark.root, mark.finding) for call, mark in marks if call] == [
        ("SELECT traces", True, 0),
        ("UPDATE traces", False, 0),
        ("POST /traces/_update/{id}", False, 0),
    ]
    [delta] = [delta for row in shown for delta in row.deltas if delta.found]
    assert (delta.key, delta.before, delta.after) == ("db.response.returned_rows", "1", "0")


def test_a_cause_of_another_flow_begins_there() -> None:
    """In a flow that a cause only touches nothing is called its beginning; the same call missing there is a consequence."""
    first, second = (rows(comparison) for comparison in report_examples.spread().comparisons)
    assert [mark.root for row in first for mark in row.marks] == [True]
    assert [(row.state, mark.root) for row in second for mark in row.marks] == [
        (RowState.CHANGED, False),
        (RowState.MISSING, False),
    ]


def test_a_call_that_is_gone_twice_is_gone_twice() -> None:
    """A finding that names one of two equal missing calls is about both: the second does not read as allowed to vary."""
    old = Node("a", "entry", [Node("a", "first", [Node("a", "GET")]), Node("a", "second", [Node("a", "GET")])])
    new = Node("a", "entry", [Node("a", "first"), Node("a", "second")])
    sample, flow = make_flow(KEY, "a1", old), make_flow(KEY, "b1", new)
    place = Place(("a: entry", "a: first", "a: GET"), (sample.operations[2].span_id,))
    found = finding(1, CallMissing("a", "GET", "1"), place, "GET is gone", KEY)
    shown = rows(Comparison(KEY, flow, sample, align(sample, flow), 5, (found,)))
    assert [row.state for row in shown if row.after is None] == [RowState.MISSING, RowState.MISSING]
    assert sum(len(row.marks) for row in shown) == 1


def test_what_no_finding_is_about_is_not_called_a_change() -> None:
    """A call that only this golden trace has, and attributes that differ without a finding, are shown as varying."""
    sample = make_flow(KEY, "a1", Node("a", "entry", [Node("a", "cache", attributes={"k": "1"}), Node("a", "once")]))
    flow = make_flow(KEY, "b1", Node("a", "entry", [Node("a", "cache", attributes={"k": "2"})]))
    shown = rows(Comparison(KEY, flow, sample, align(sample, flow), 5))
    assert [row.state for row in shown] == [RowState.SAME, RowState.SAME, RowState.VARIES]
    assert [(delta.key, delta.found) for delta in shown[1].deltas] == [("k", False)]


def test_an_ignored_finding_marks_and_changes_nothing() -> None:
    """What a rule ignores stays visible where it is, but its call is not shown as changed."""
    sample, flow = make_flow(KEY, "a1", Node("a", "entry")), make_flow(KEY, "b1", Node("a", "entry"))
    place = Place(("a: entry",), (sample.operations[0].span_id,), (flow.operations[0].span_id,))
    ignored = finding(1, CallMissing("a", "x", "1"), place, "x", KEY, level=Level.IGNORED)
    [row] = rows(Comparison(KEY, flow, sample, ((0, 0),), 5, (ignored,)))
    assert row.state == RowState.SAME
    assert [mark.level for mark in row.marks] == [Level.IGNORED]


@pytest.mark.parametrize("side", ["new", "missing"])
def test_a_flow_with_one_side_only(side: str) -> None:
    """A new flow and one that did not run have no gaps: there is nothing to compare with."""
    flow = make_flow(KEY, "a1", Node("a", "entry", [Node("a", str(number)) for number in range(9)]))
    comparison = Comparison(KEY, flow, None) if side == "new" else Comparison(KEY, None, flow)
    shown = rows(comparison)
    assert [row.state for row in shown] == [RowState.SAME] * 10


def test_a_large_missing_subtree_is_folded() -> None:
    """A missing call does not drown the page in the hundreds of calls that were below it."""
    many = [Node("a", f"call {number}") for number in range(300)]
    sample = make_flow(KEY, "a1", Node("a", "entry", [Node("a", "import", many)]))
    flow = make_flow(KEY, "b1", Node("a", "entry"))
    place = Place(("a: import",), (sample.operations[1].span_id,))
    found = finding(1, CallMissing("a", "import", "1"), place, "import is gone", KEY)
    shown = rows(Comparison(KEY, flow, sample, align(sample, flow), 5, (found,)))
    assert len(shown) == 3
    assert {row.state for row in shown[2].folded} == {RowState.MISSING}
    assert shown[2].count == 300


def test_a_cause_of_another_flow_marks_its_own_statement_only() -> None:
    """Calls of one name are many statements: in the other flows of a finding only the changed one is marked."""
    texts = [f"SELECT * FROM table_{number}" for number in range(4)]
    selects = [Node("a", "SELECT", attributes={"db.query.text": text}) for text in texts]
    sample = make_flow(KEY, "a1", Node("a", "entry", selects))
    flow = make_flow(KEY, "b1", Node("a", "entry", selects))
    place = Place(("a: entry", "a: SELECT"), ("f" * 16,), ("e" * 16,))
    found = finding(1, CountChanged("a", "SELECT", "1", 4, texts[2]), place, "SELECT happens 4 times", FlowKey("", "b", "other"))
    shown = rows(Comparison(KEY, flow, sample, align(sample, flow), 5, (found,)))
    marked = [row.after.statement for row in everything(shown) if row.marks and row.after]
    assert marked == [texts[2]]


def test_a_very_deep_trace_needs_no_recursion() -> None:
    """Ten thousand calls inside each other are rows like any other."""
    depth = 10_000
    flow = make_flow(KEY, "a1", Node("a", "entry"))
    chain = tuple(
        report_examples.Operation("a", "deep", report_examples.SpanKind.INTERNAL, False, {}, at - 1, f"{at:016x}", at, at + 1)
        for at in range(depth)
    )
    deep = Flow(KEY, flow.trace_id, chain)
    shown = rows(Comparison(KEY, deep, deep, tuple((at, at) for at in range(depth)), 1))
    assert sum(row.count for row in shown) == depth
