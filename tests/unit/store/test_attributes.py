"""`attribute=value` is found by the bytes of a chunk exactly where decoding every attribute finds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.codec.encode import to_batch
from gate.codec.otlp_protobuf import decode_spans
from gate.model.trace import AttributeValue, Event, Link, Resource, Scope, Span, SpanKind
from gate.store.attributes import has_attribute, text_of

KEYS = st.sampled_from(["a", "ab", "b", "é", "", "true", "x" * 200])
TEXTS = st.sampled_from(["", "a", "true", "false", "1", "1.0", "-1", "nan", "inf", "é", "a" * 300, "\n\x01a\x12\x03\n\x01b"])
VALUES: st.SearchStrategy[AttributeValue] = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-2, 2),
    st.floats(),
    st.sampled_from([1.0, -0.0, 1e16, 0.1]),
    st.just(None),
    st.binary(max_size=3),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(KEYS, TEXTS, max_size=2),
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=4)


def chunk(
    attributes: dict[str, AttributeValue],
    of_resource: dict[str, AttributeValue] | None = None,
    elsewhere: dict[str, AttributeValue] | None = None,
) -> bytes:
    """The body of a trace with one span; `elsewhere` are attributes of its event and its link."""
    other = elsewhere or {}
    span = Span(
        trace_id="0" * 31 + "1", span_id="0" * 15 + "1", parent_span_id="", name="GET", kind=SpanKind.SERVER, start_ns=1, end_ns=2,
        attributes=attributes, resource=Resource(of_resource or {}, ""), scope=Scope("test"),
        events=(Event("event", 1, other),), links=(Link("0" * 31 + "2", "0" * 15 + "2", other),),
    )  # fmt: skip
    (one,) = to_batch([span]).chunks
    return one.body


@given(attributes=ATTRIBUTES, of_resource=ATTRIBUTES, elsewhere=ATTRIBUTES, key=KEYS, data=st.data())
def test_found_by_its_bytes_is_found_by_decoding(
    attributes: dict[str, AttributeValue],
    of_resource: dict[str, AttributeValue],
    elsewhere: dict[str, AttributeValue],
    key: str,
    data: st.DataObject,
):
    """Texts, numbers, booleans, NaN; not attributes of events and links, lists, maps, or texts that look like an attribute."""
    body = chunk(attributes, of_resource, elsewhere)
    texts = [text for one in (attributes, of_resource, elsewhere) for text in map(text_of, one.values()) if text is not None]
    value = data.draw(st.one_of(TEXTS, st.sampled_from(texts)) if texts else TEXTS)
    decoded = [one for span in decode_spans(body) for one in (span.attributes, span.resource.attributes)]
    assert has_attribute(body, key, value) == any(text_of(one.get(key)) == value for one in decoded)


@pytest.mark.parametrize("text", ["01", "1_0", " 1", "1e3", "+1", str(2**63), "True", "NaN", "\ud800"])
def test_another_way_to_write_a_number_is_another_text(text: str):
    """`1e3` does not find 1000; a text that no attribute can be is no error."""
    body = chunk({"a": 1, "b": 10, "c": 1000.0, "d": True, "e": float("nan")})
    assert not any(has_attribute(body, key, text) for key in "abcde")
