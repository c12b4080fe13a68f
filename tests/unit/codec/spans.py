"""Hypothesis strategies and small makers of spans."""

from hypothesis import strategies as st

from gate.model.trace import AttributeValue, Event, Link, Resource, Scope, Span, SpanKind, StatusCode

TRACE = "5b8efff798038103d269b633813fc60c"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
trace_ids = st.binary(min_size=16, max_size=16).filter(any).map(bytes.hex)
span_ids = st.binary(min_size=8, max_size=8).filter(any).map(bytes.hex)
times = st.integers(0, 2**63 - 1)
counts = st.integers(0, 2**32 - 1)
scalars = st.one_of(
    st.none(), text, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=8)
)
values: st.SearchStrategy[AttributeValue] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
)
attributes = st.dictionaries(text, values, max_size=4)


def _resource(values: dict[str, AttributeValue]) -> Resource:
    service = values.get("service.name")
    return Resource(values, service if isinstance(service, str) else "")


resources = st.dictionaries(st.just("service.name") | text, values, max_size=3).map(_resource)
scopes = st.builds(Scope, name=text, version=text, schema_url=text)
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=st.just("") | span_ids,
    name=text,
    kind=st.sampled_from(SpanKind),
    start_ns=times,
    end_ns=times,
    attributes=attributes,
    resource=resources,
    scope=scopes,
    status=st.sampled_from(StatusCode),
    status_message=text,
    events=st.lists(st.builds(Event, name=text, time_ns=times, attributes=attributes), max_size=2).map(tuple),
    links=st.lists(st.builds(Link, trace_id=trace_ids, span_id=span_ids, attributes=attributes), max_size=2).map(tuple),
    trace_state=text,
    flags=counts,
    dropped_attributes_count=counts,
    dropped_events_count=counts,
    dropped_links_count=counts,
)


def span(
    number: int,
    parent: int = 0,
    *,
    start: int | None = None,
    end: int | None = None,
    name: str = "",
    trace: str = TRACE,
    service: str = "shop",
    attributes: dict[str, AttributeValue] | None = None,
    resource: dict[str, AttributeValue] | None = None,
    status: StatusCode = StatusCode.UNSET,
) -> Span:
    """A span whose id is a number; parent 0 is none."""
    begin = number * 10 if start is None else start
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        name=name or f"span {number}",
        kind=SpanKind.INTERNAL,
        start_ns=begin,
        end_ns=begin + 5 if end is None else end,
        attributes=attributes or {},
        resource=Resource({"service.name": service, **(resource or {})}, service),
        scope=Scope("test", "1"),
        status=status,
    )
