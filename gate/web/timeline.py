"""A trace as rows of a timeline: depth, subtree, time, and the critical path. Pure; no span content is decided here."""

from collections.abc import Sequence

import msgspec

from gate.model.trace import Span, SpanKind, Trace

COLOURS = 8
ERROR, CRITICAL = 1, 2
"""Bits of a row's flags."""


class SpanRow(msgspec.Struct, frozen=True, gc=False):
    """One span of the timeline. Times are nanoseconds since the start of the trace."""

    number: int
    """Position in `Trace.spans`; names the row in addresses that the script makes."""
    depth: int
    below: int
    """How many rows are in its subtree, without itself."""
    start_ns: int
    duration_ns: int
    flags: int
    span: Span
    colour: int

    @property
    def error(self) -> bool:
        """Whether the span's status is ERROR."""
        return bool(self.flags & ERROR)

    @property
    def critical(self) -> bool:
        """Whether the trace would have been shorter if this span had been."""
        return bool(self.flags & CRITICAL)

    @property
    def kind(self) -> str:
        """`server`, `client`, …; empty when it says nothing."""
        return "" if self.span.kind in (SpanKind.UNSPECIFIED, SpanKind.INTERNAL) else self.span.kind.name.lower()


class Timeline(msgspec.Struct, frozen=True):
    """All rows in the trace's order."""

    rows: tuple[SpanRow, ...]
    start_ns: int
    duration_ns: int
    services: dict[str, int]
    """Service → colour, in order of appearance."""


def timeline(trace: Trace) -> Timeline:
    """The rows of a trace. Spans outside of their parent's time are shown where they were."""
    spans, parents = trace.spans, trace.parents
    start = min((span.start_ns for span in spans), default=0)
    end = max((max(span.end_ns, span.start_ns) for span in spans), default=0)
    below = [0] * len(spans)
    depths = [0] * len(spans)
    for index, parent in enumerate(parents):
        depths[index] = depths[parent] + 1 if parent >= 0 else 0
    for index in range(len(spans) - 1, -1, -1):
        if parents[index] >= 0:
            below[parents[index]] += below[index] + 1
    critical = critical_path(spans, parents)
    services: dict[str, int] = {}
    for span in spans:
        services.setdefault(span.service, len(services) % COLOURS)
    rows = tuple(
        SpanRow(
            number=index,
            depth=depths[index],
            below=below[index],
            start_ns=span.start_ns - start,
            duration_ns=max(span.end_ns - span.start_ns, 0),
            flags=(ERROR if span.error else 0) | (CRITICAL if index in critical else 0),
            span=span,
            colour=services[span.service],
        )
        for index, span in enumerate(spans)
    )
    return Timeline(rows, start, end - start, services)


def critical_path(spans: Sequence[Span], parents: Sequence[int]) -> frozenset[int]:
    """The spans that the end of the longest root waited for: from the end backwards, always the child that ended last."""
    children: list[list[int]] = [[] for _ in spans]
    for index, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(index)
    roots = [index for index, parent in enumerate(parents) if parent < 0]
    if not roots:
        return frozenset()
    longest = max(roots, key=lambda index: spans[index].end_ns - spans[index].start_ns)
    path = {longest}
    stack = [(longest, spans[longest].end_ns)]
    while stack:
        at, until = stack.pop()
        for child in sorted(children[at], key=lambda index: -spans[index].end_ns):
            span = spans[child]
            # A child that outlives what waits for it was not waited for (fire and forget).
            if span.start_ns < until and span.end_ns <= until:
                path.add(child)
                stack.append((child, span.end_ns))
                until = span.start_ns
    return frozenset(path)


def outline(made: Timeline) -> bytes:
    """The rows as compact JSON for the page's script: names and services once, each row as numbers."""
    names: dict[str, int] = {}
    kinds: dict[str, int] = {}
    services = {service: number for number, service in enumerate(made.services)}
    rows = [
        (
            names.setdefault(row.span.name[:300], len(names)),
            services[row.span.service],
            row.depth,
            row.below,
            (row.start_ns + 500) // 1000,
            (row.duration_ns + 500) // 1000,
            row.flags,
            kinds.setdefault(row.kind, len(kinds)),
        )
        for row in made.rows
    ]
    return msgspec.json.encode(
        {
            "names": list(names),
            "services": [service[:100] for service in services],
            "colours": list(made.services.values()),
            "kinds": list(kinds),
            "duration": made.duration_ns // 1000,
            "rows": rows,
        }
    )


def matching(made: Timeline, text: str) -> tuple[int, ...]:
    """The numbers of the rows with a name, service, attribute, event or status message that contains the text, in any case."""
    wanted = text.casefold()
    return tuple(row.number for row in made.rows if wanted and _contains(row.span, wanted))


def _contains(span: Span, wanted: str) -> bool:
    if wanted in span.name.casefold() or wanted in span.service.casefold() or wanted in span.status_message.casefold():
        return True
    if span.span_id == wanted:
        return True
    groups = [span.attributes, *(event.attributes for event in span.events)]
    for attributes in groups:
        for key, value in attributes.items():
            if wanted in f"{key}={value}".casefold():
                return True
    return any(wanted in event.name.casefold() for event in span.events)
