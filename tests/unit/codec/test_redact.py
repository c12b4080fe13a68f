"""Secrets are gone before a byte is stored."""

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gate.codec import otlp_json, otlp_protobuf
from gate.codec.encode import encode_json, encode_protobuf, message_of
from gate.codec.limits import Limits
from gate.codec.redact import REDACTED, Redaction
from gate.model.trace import AttributeValue
from tests.unit.codec.spans import span

LIMITS = Limits()
SECRET = "hunter2-7f3a"

SECRET_KEYS = [
    "authorization",
    "Authorization",
    "http.request.header.authorization",
    "http.request.header.proxy-authorization",
    "HTTP.REQUEST.HEADER.AUTHORIZATION",
    "http.request.header.cookie",
    "http.response.header.set-cookie",
    "http.request.header.x-api-key",
    "rpc.grpc.request.metadata.api_key",
    "apiKey",
    "aws.access_key",
    "db.password",
    "userPassword",
    "passwd",
    "ftp.pwd",
    "oauth.client_secret",
    "SECRET_KEY",
    "access_token",
    "refreshToken",
    "http.request.header.x-auth-token",
    "tls.private_key",
    "credentials",
]
HARMLESS_KEYS = [
    "http.request.method",
    "db.query.text",
    "gen_ai.usage.input_tokens",
    "messaging.kafka.message.key",
    "enduser.id",
    "cookies.count",
    "authorization.result",
    "db.cassandra.page_size",
    "keyword",
]


def stored(key: str, value: AttributeValue, redaction: Redaction, *, place: str = "span") -> bytes:
    """What both decoders keep of one attribute."""
    message = message_of([span(1, name="x")])
    group = message.resource_spans[0]
    only = group.scope_spans[0].spans[0]
    carrier = {
        "span": only.attributes,
        "event": only.events.add(name="e").attributes,
        "link": only.links.add(trace_id=bytes([1] * 16), span_id=bytes([1] * 8)).attributes,
        "resource": group.resource.attributes,
    }[place]
    carrier.extend(message_of([span(1, attributes={key: value})]).resource_spans[0].scope_spans[0].spans[0].attributes)
    body = message.SerializeToString()
    batch = otlp_protobuf.decode_batch(body, LIMITS, redaction)
    as_json = otlp_json.decode_batch(encode_json(otlp_protobuf.decode_spans(body)), LIMITS, redaction)
    assert [chunk.body for chunk in as_json.chunks] == [chunk.body for chunk in batch.chunks]
    return batch.chunks[0].body


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("place", ["span", "event", "link", "resource"])
def test_a_secret_key_keeps_no_value(key: str, place: str) -> None:
    """Wherever it stands, in any case; the key stays, so that its presence can be compared."""
    body = stored(key, SECRET, Redaction(), place=place)
    assert SECRET.encode() not in body
    assert key.encode() in body
    assert REDACTED.encode() in body


@pytest.mark.parametrize("key", HARMLESS_KEYS)
def test_other_keys_keep_theirs(key: str) -> None:
    """Words inside other words are no secrets."""
    assert SECRET.encode() in stored(key, SECRET, Redaction())


@pytest.mark.parametrize("value", [[SECRET], {"a": SECRET}, SECRET.encode(), [[SECRET]]])
def test_every_type_of_value_is_removed(value: AttributeValue) -> None:
    """Captured headers are lists; the whole value goes."""
    assert SECRET.encode() not in stored("http.request.header.cookie", value, Redaction())


@pytest.mark.parametrize("value", [{"password": SECRET}, [{"user": "a", "password": SECRET}], {"deep": {"api_key": SECRET}}])
def test_secret_keys_inside_maps(value: AttributeValue) -> None:
    """A captured body as a map is searched too; what is beside the secret stays."""
    assert SECRET.encode() not in stored("body", value, Redaction())
    assert b"body" in stored("body", value, Redaction())


@pytest.mark.parametrize(
    ("pattern", "key", "gone"),
    [
        ("*.ssn", "customer.ssn", True),
        ("*.ssn", "customer.ssn.length", False),
        ("Customer.*", "customer.name", True),
        ("card_?umber", "card_number", True),
        ("*", "anything", True),
        ("[ab]*", "address", True),
        ("[ab]*", "city", False),
        ("db.query.text", "db.query.text", True),
    ],
)
def test_own_patterns(pattern: str, key: str, gone: bool) -> None:
    """Shell patterns of the user, in any case, beside the built-in ones."""
    redaction = Redaction([pattern])
    assert (SECRET.encode() not in stored(key, SECRET, redaction)) == gone
    assert SECRET.encode() not in stored("password", SECRET, redaction)


def test_a_request_without_secrets_is_not_walked() -> None:
    """The byte search finds nothing in ordinary spans, also where values speak of passwords."""
    ordinary = [
        span(number, attributes=dict.fromkeys(HARMLESS_KEYS, "SELECT password, token FROM users WHERE cookie = 1"))
        for number in range(1, 9)
    ]
    assert not Redaction().suspects(encode_protobuf(ordinary))
    assert not Redaction(["*.ssn"]).suspects(encode_protobuf(ordinary))
    assert Redaction(["*.ssn"]).suspects(encode_protobuf([span(1, attributes={"a.SSN": "1"})]))


def test_decoding_without_redaction_changes_nothing() -> None:
    """Reading stored spans back does not redact again."""
    body = encode_protobuf([span(1, attributes={"password": SECRET})])
    (chunk,) = otlp_protobuf.decode_batch(body, LIMITS).chunks
    assert pb.TracesData.FromString(chunk.body) == pb.TracesData.FromString(body)
