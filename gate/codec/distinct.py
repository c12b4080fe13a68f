"""The attributes of a chunk as a set of bytes, without a loop over its spans.

A body is read by a schema of its own, in which every message occurs once and attributes stay bytes. By the wire format's rule a
message that occurs again is merged into the first: all spans become one, which has the attributes of all. A seventh of the time
that visiting each span takes.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED


def attributes_of(body: bytes) -> set[bytes]:
    """The encoded `KeyValue`s of all spans and resources in an OTLP body that our protobuf library wrote."""
    resource_spans = _TracesData.FromString(body).resource_spans
    return {*resource_spans.scope_spans.spans.attributes, *resource_spans.resource.attributes}


def _schema() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="distinct.proto", package="distinct", syntax="proto2")
    for message, *fields in (
        ("Span", ("attributes", 9, "")),
        ("Resource", ("attributes", 1, "")),
        ("ScopeSpans", ("spans", 2, "Span")),
        ("ResourceSpans", ("resource", 1, "Resource"), ("scope_spans", 2, "ScopeSpans")),
        ("TracesData", ("resource_spans", 1, "ResourceSpans")),
    ):
        made = file.message_type.add(name=message)
        for name, number, kind in fields:
            if kind:
                made.field.add(name=name, number=number, label=_ONE, type=_Field.TYPE_MESSAGE, type_name=f".distinct.{kind}")
            else:
                made.field.add(name=name, number=number, label=_MANY, type=_Field.TYPE_BYTES)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("distinct.TracesData"))


_TracesData = _schema()
