"""Attributes of a chunk without a loop over its spans."""

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec.distinct import attributes_of
from gate.codec.encode import to_batch
from gate.model.trace import Span
from tests.unit.codec.spans import spans


@settings(deadline=None)
@given(st.lists(spans, max_size=4))
def test_every_attribute_of_spans_and_resources_once(given_spans: list[Span]) -> None:
    """As protobuf writes it; those of scopes, events and links are not among them."""
    for chunk in to_batch(given_spans).chunks:
        groups = pb.TracesData.FromString(chunk.body).resource_spans
        of_resources = [one for group in groups for one in group.resource.attributes]
        of_spans = [one for group in groups for scope in group.scope_spans for span in scope.spans for one in span.attributes]
        assert attributes_of(chunk.body) == {one.SerializeToString() for one in [*of_resources, *of_spans]}
