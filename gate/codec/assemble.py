"""Spans to traces. Nothing that arrives makes this raise; what is wrong is a `Problem` of the trace.

Iterative throughout, so that a trace 100,000 spans deep needs no more stack than a flat one.
"""

from collections.abc import Iterable

from gate.model.trace import Problem, ProblemKind, Span, Trace


def build_traces(spans: Iterable[Span], *, max_depth: int = 10_000) -> tuple[Trace, ...]:
    """One trace a trace id, ordered by (earliest start, trace id). Independent of the order of spans, except that of
    duplicates the first is kept. A span deeper than `max_depth` (a root has depth 1) is attached at the limit."""
    by_trace: dict[str, dict[str, Span]] = {}
    duplicates: dict[str, list[Problem]] = {}
    for span in spans:
        members = by_trace.setdefault(span.trace_id, {})
        first = members.setdefault(span.span_id, span)
        if first is not span and first != span and repr(first) != repr(span):  # repr: NaN equals itself
            detail = f"two spans have this id: {first.name!r} and {span.name!r}; the first is kept"
            duplicates.setdefault(span.trace_id, []).append(Problem(ProblemKind.DUPLICATE, span.span_id, detail))
    traces = [_build(trace_id, members, duplicates.get(trace_id, []), max_depth) for trace_id, members in by_trace.items()]
    return tuple(sorted(traces, key=lambda trace: (min(span.start_ns for span in trace.spans), trace.trace_id)))


def _build(trace_id: str, members: dict[str, Span], problems: list[Problem], max_depth: int) -> Trace:
    children: dict[str, list[Span]] = {}
    roots: list[Span] = []
    tops: list[Span] = []
    for span in members.values():
        parent = span.parent_span_id
        if parent in members:
            children.setdefault(parent, []).append(span)
            continue
        tops.append(span)
        if parent:
            problems.append(
                Problem(ProblemKind.ORPHAN, span.span_id, f"{span.name!r} names parent {parent}, which never arrived")
            )
        else:
            roots.append(span)
    if len(roots) > 1:
        first, *others = sorted(roots, key=_order)
        names = ", ".join(repr(span.name) for span in others[:5])
        detail = f"{len(roots)} spans have no parent: {first.name!r}, {names}{', …' if len(others) > 5 else ''}"
        problems.append(Problem(ProblemKind.SEVERAL_ROOTS, others[0].span_id, detail))
    for cut in _cycle_starts(members, tops, children):
        children[cut.parent_span_id] = [child for child in children[cut.parent_span_id] if child is not cut]
        tops.append(cut)
        detail = f"{cut.name!r} is its own ancestor; its parent {cut.parent_span_id} is not followed"
        problems.append(Problem(ProblemKind.CYCLE, cut.span_id, detail))
    ordered, parents, depths = _pre_order(tops, children)
    if max(depths) > max_depth:
        deep = [index for index, depth in enumerate(depths) if depth > max_depth]
        detail = f"{len(deep)} spans are nested deeper than {max_depth}; they are attached at the limit"
        problems.append(Problem(ProblemKind.TOO_DEEP, ordered[deep[0]].span_id, detail))
        tops, children = _flattened(ordered, parents, depths, max_depth)
        ordered, parents, depths = _pre_order(tops, children)
    problems.extend(
        Problem(
            ProblemKind.NEGATIVE_DURATION, span.span_id, f"{span.name!r} ends {span.start_ns - span.end_ns} ns before it starts"
        )
        for span in ordered
        if span.end_ns < span.start_ns
    )
    return Trace(
        trace_id, tuple(ordered), tuple(parents), tuple(sorted(problems, key=lambda problem: (problem.kind, problem.span_id)))
    )


def _order(span: Span) -> tuple[int, str]:
    return span.start_ns, span.span_id


def _cycle_starts(members: dict[str, Span], tops: list[Span], children: dict[str, list[Span]]) -> list[Span]:
    """The earliest span of each cycle: what is left when everything below the tops is taken away hangs on one."""
    ordered, _, _ = _pre_order(tops, children)
    if len(ordered) == len(members):
        return []
    done = {span.span_id for span in ordered}
    starts: list[Span] = []
    for span in members.values():
        path: dict[str, None] = {}
        step = span.span_id
        while step not in done and step not in path:
            path[step] = None
            step = members[step].parent_span_id
        if step in path:
            steps = list(path)
            starts.append(min((members[each] for each in steps[steps.index(step) :]), key=_order))
        done.update(path)
    return starts


def _pre_order(tops: list[Span], children: dict[str, list[Span]]) -> tuple[list[Span], list[int], list[int]]:
    """Spans, the index of the parent of each (-1 at a top), and the depth of each (1 at a top)."""
    ordered: list[Span] = []
    parents: list[int] = []
    depths: list[int] = []
    stack = [(span, -1, 1) for span in sorted(tops, key=_order, reverse=True)]
    while stack:
        span, parent, depth = stack.pop()
        index = len(ordered)
        ordered.append(span)
        parents.append(parent)
        depths.append(depth)
        below = children.get(span.span_id)
        if below:
            if len(below) > 1:
                below.sort(key=_order, reverse=True)
            stack.extend((child, index, depth + 1) for child in below)
    return ordered, parents, depths


def _flattened(
    ordered: list[Span], parents: list[int], depths: list[int], max_depth: int
) -> tuple[list[Span], dict[str, list[Span]]]:
    """Tops and children with every span below the limit moved up to its ancestor just above the limit."""
    tops: list[Span] = []
    children: dict[str, list[Span]] = {}
    anchors: list[int] = []
    """For each span the index of its parent, moved up where needed."""
    for index, span in enumerate(ordered):
        parent = parents[index]
        anchor = anchors[parent] if depths[index] > max_depth else parent
        anchors.append(anchor)
        if anchor < 0:
            tops.append(span)
        else:
            children.setdefault(ordered[anchor].span_id, []).append(span)
    return tops, children
