"""One mutation of any tree gives exactly its finding, at its place, with nothing else."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from gate.compare import compare, judge, learn
from gate.model.change import (
    AttributeChanged,
    CallAdded,
    CallMissing,
    CallMoved,
    Change,
    CountChanged,
    ErrorAppeared,
    ErrorSwallowed,
    OrderChanged,
    RowsChanged,
    Wrapped,
    kind_of,
)
from gate.model.trace import SpanKind
from gate.model.verdict import Conclusion, Finding
from tests.properties.trees import Call, distinct_trees, run_of

SAMPLES = 5
PROCESSES = 8


def only_finding(before: Call, after: Call, samples: int = 1) -> Finding:
    """The one finding of the mutated tree against golden runs of the tree."""
    golden = learn([run_of({"case": before}, number) for number in range(samples)])
    verdict = judge(compare(golden, run_of({"case": after}, 99)))
    assert verdict.conclusion is Conclusion.FAIL
    (finding,) = verdict.findings
    return finding


def expect(finding: Finding, kind: type[Change], path: tuple[str, ...]) -> None:
    """The finding has this kind and place, and no consequences."""
    assert isinstance(finding.change, kind), f"{kind_of(finding.change)}: {finding.sentence}"
    assert finding.place.path == path
    assert not finding.consequences


def positions(tree: Call) -> list[tuple[int, ...]]:
    """Every position below the entry."""
    return [path for path, _ in tree.walk() if path]


def choose(data: st.DataObject, paths: list[tuple[int, ...]]) -> tuple[int, ...]:
    """One of them, if there is any."""
    assume(paths)
    return data.draw(st.sampled_from(paths))


@given(distinct_trees(), st.data())
def test_a_lost_call(tree: Call, data: st.DataObject):
    """With all below it: one missing call."""
    path = choose(data, positions(tree))
    expect(only_finding(tree, tree.put(path)), CallMissing, tree.names(path))


@given(distinct_trees(), st.data())
def test_a_new_call(tree: Call, data: st.DataObject):
    """Anywhere below any call: one added call."""
    path = choose(data, [path for path, call in tree.walk() if call.kind is not SpanKind.CLIENT and path])
    after = tree.at(path)
    new = Call(after.service, "SELECT", SpanKind.CLIENT, {"db.query.text": "SELECT * FROM brand_new"})
    mutated = tree.put(path, replace(after, children=(*after.children, new)))
    expect(only_finding(tree, mutated), CallAdded, (*tree.names(path), f"{after.service}: SELECT"))


@given(distinct_trees(), st.data(), st.integers(4, 40))
def test_a_repeated_call(tree: Call, data: st.DataObject, times: int):
    """Any call with all below it, repeated: one changed count, an N+1."""
    path = choose(data, [path for path in positions(tree) if not tree.at(path).failed])
    finding = only_finding(tree, tree.put(path, *[tree.at(path)] * times))
    expect(finding, CountChanged, tree.names(path))
    assert isinstance(finding.change, CountChanged)
    assert (finding.change.before, finding.change.after, finding.change.n_plus_one) == ("1", times, True)


@given(distinct_trees(), st.data())
def test_an_error_appears(tree: Call, data: st.DataObject):
    """At one call: there."""
    path = choose(data, [path for path, call in tree.walk() if path and not call.error])
    mutated = tree.put(path, replace(tree.at(path), error=True))
    expect(only_finding(tree, mutated), ErrorAppeared, tree.names(path))


@given(distinct_trees(), st.data())
def test_an_error_is_passed_on(tree: Call, data: st.DataObject):
    """An error that fails all its callers is one finding at the deepest; the callers are consequences."""
    path = choose(data, [path for path, call in tree.walk() if path and not call.error])
    mutated = tree
    for depth in range(1, len(path) + 1):
        mutated = mutated.put(path[:depth], replace(mutated.at(path[:depth]), error=True))
    finding = only_finding(tree, mutated)
    assert isinstance(finding.change, ErrorAppeared)
    assert finding.place.path == tree.names(path)
    changed = sum(not tree.at(path[:depth]).error for depth in range(1, len(path)))
    assert len(finding.consequences) == changed


@given(distinct_trees(), st.data())
def test_an_error_is_swallowed(tree: Call, data: st.DataObject):
    """At one call: there."""
    path = choose(data, [path for path, call in tree.walk() if path and call.error])
    mutated = tree.put(path, replace(tree.at(path), error=False))
    expect(only_finding(tree, mutated), ErrorSwallowed, tree.names(path))


@given(distinct_trees(), st.data(), st.sampled_from(("202", "302", "403", "500")))
def test_another_status(tree: Call, data: st.DataObject, status: str):
    """At any request."""
    key = "http.response.status_code"
    path = choose(data, [path for path, call in tree.walk() if path and key in call.attributes])
    call = tree.at(path)
    mutated = tree.put(path, replace(call, attributes={**call.attributes, key: status}))
    expect(only_finding(tree, mutated), AttributeChanged, tree.names(path))


@given(distinct_trees(), st.data())
def test_no_rows(tree: Call, data: st.DataObject):
    """At any query."""
    key = "db.response.returned_rows"
    path = choose(data, [path for path, call in tree.walk() if key in call.attributes])
    call = tree.at(path)
    mutated = tree.put(path, replace(call, attributes={**call.attributes, key: "0"}))
    expect(only_finding(tree, mutated), RowsChanged, tree.names(path))


@given(distinct_trees(), st.data())
def test_another_statement(tree: Call, data: st.DataObject):
    """A condition that is gone or new, at any query."""
    key = "db.query.text"
    path = choose(data, [path for path, call in tree.walk() if key in call.attributes])
    call = tree.at(path)
    mutated = tree.put(path, replace(call, attributes={**call.attributes, key: f"{call.attributes[key]} FOR UPDATE"}))
    expect(only_finding(tree, mutated), AttributeChanged, tree.names(path))


@given(distinct_trees(), st.data())
def test_a_wrapper(tree: Call, data: st.DataObject):
    """A new operation around all calls of any caller is one finding, not a subtree of them."""
    inner = [path for path, call in tree.walk() if path and call.children]
    path = choose(data, [path for path in inner if all(one.service == tree.at(path).service for one in tree.at(path).children)])
    call = tree.at(path)
    wrapper = Call(call.service, "brand new middleware", children=call.children)
    mutated = tree.put(path, replace(call, children=(wrapper,)))
    expect(only_finding(tree, mutated), Wrapped, (*tree.names(path), f"{call.service}: brand new middleware"))


@given(distinct_trees(), st.data())
def test_a_moved_call(tree: Call, data: st.DataObject):
    """Any call with all below it, moved to another caller: one finding, at its new place."""
    path = choose(data, positions(tree))
    call, rest = tree.at(path), tree.put(path)
    target = choose(data, [other for other, one in rest.walk() if one.kind is not SpanKind.CLIENT and other])
    after = rest.at(target)
    assume(rest.names(target) != tree.names(path[:-1]))
    mutated = rest.put(target, replace(after, children=(*after.children, call)))
    expect(only_finding(tree, mutated), CallMoved, (*rest.names(target), f"{call.service}: {call.name}"))


@given(distinct_trees(), st.data())
def test_two_calls_change_places(tree: Call, data: st.DataObject):
    """With five samples, neighbours of one service that always followed each other: one change of order. Of two reads with
    eight, since all instances of a process may have chosen the order together."""
    pairs = [
        (*path, index)
        for path, call in tree.walk()
        for index, (one, other) in enumerate(zip(call.children, call.children[1:], strict=False))
        if one.service == other.service
    ]
    path = choose(data, pairs)
    above, index = tree.at(path[:-1]), path[-1]
    children = list(above.children)
    children[index], children[index + 1] = children[index + 1], children[index]
    changed = replace(above, children=tuple(children))
    mutated = tree.put(path[:-1], changed) if path[:-1] else changed
    reads = all(one.attributes.get("db.query.text", "").startswith("SELECT") for one in children[index : index + 2])
    finding = only_finding(tree, mutated, PROCESSES if reads else SAMPLES)
    assert isinstance(finding.change, OrderChanged)
    assert finding.place.path == tree.names(path)
    assert not finding.consequences
