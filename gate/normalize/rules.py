"""What is hidden from the comparison, and what is curated: data, so that a user can add to it."""

import msgspec


class HideRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A reason and the attribute keys (current semantic conventions, shell-style patterns) that it hides."""

    name: str
    keys: tuple[str, ...]


class TextTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A regular expression that is replaced in span names and paths before the built-in templates, by `{…}` text."""

    pattern: str
    replacement: str = "{id}"


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user adds to the built-in rules. Keys are patterns of current semantic-convention keys.

    `keep` wins over every hide rule: such an attribute is compared as it is.
    """

    templates: tuple[TextTemplate, ...] = ()
    hide: tuple[HideRule, ...] = ()
    keep: tuple[str, ...] = ()


DEFAULT = Rules()


def _hide(name: str, keys: str) -> HideRule:
    return HideRule(name, tuple(keys.split()))


CURATED: frozenset[str] = frozenset(
    {
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "url.template",
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "db.system.name",
        "db.operation.name",
        "db.collection.name",
        "db.query.text",
        "db.response.status_code",
        "db.response.returned_rows",
        "messaging.system",
        "messaging.destination.name",
        "messaging.operation.type",
        "graphql.operation.type",
        "graphql.operation.name",
        "error.type",
        "exception.type",
    }
)
"""Keys that count from the first observation on. Captured bodies and `*status_code` keys count like them: see `is_curated`."""

STATUS_PATTERNS = ("*status_code", "*.status.code", "*.error_code")
BODY_PATTERNS = ("*.body", "*_body", "*.body.content", "*.body.text", "*.payload", "http.*.content", "rpc.*.content")

HIDDEN: tuple[HideRule, ...] = (
    _hide(
        "size",
        "*.size *.length *_length *.bytes *_bytes *.args_length messaging.batch.message_count *.count gen_ai.usage.* *_tokens",
    ),
    _hide("thread", "thread.* *.thread *.thread_id *.thread_name *.worker"),
    _hide(
        "identifier",
        "*.id *_id *Id *ID *.uuid *_uuid *Uuid *UUID *.guid *.instance_id *.message_id *.conversation_id *.correlation_id *.correlation-id "
        "*.request_id *.trace_id *.span_id *.session session.* user.* enduser.* id uuid runtime-id faas.invocation_id "
        "*.reply_to *.delivery_info docket.key *.etag *.offset *.hash *.fingerprint *.nonce *.token *.key_hash "
        "db.operation.parameter.id db.query.parameter.* aws.request_id",
    ),
    _hide(
        "host",
        "server.* client.* source.* destination.* network.* net.* host.* *.host *.hostname *_hostname *.ip *.ip_address "
        "*.address *.port url.scheme url.domain http.request.header.host peer.address peer.ipv4 peer.ipv6 peer.hostname "
        "peer.port hostname ip",
    ),
    _hide("address", "url.full url.path url.query url.target url.fragment url.original"),
    _hide(
        "deployment",
        "k8s.* container.* cloud.* os.* process.* deployment.* service.instance.id service.version aws.ecs.* db.namespace "
        "db.user db.connection_string db.instance.id db.client.* *.pid pid *.pod *.node faas.coldstart faas.instance "
        "spring.* environment env *.environment",
    ),
    _hide(
        "code",
        "code.* mvc.* class method *.stacktrace *.stack_trace *.lineno *.filepath http.request.method_original",
    ),
    _hide(
        "telemetry",
        "telemetry.* otel.* sampling.* sampler.* internal.* span.kind _dd.* component.version *.library_version "
        "traceparent tracestate *.traceparent",
    ),
    _hide("user agent", "user_agent.* *.user_agent browser.* device.*"),
    _hide("header", "http.request.header.* http.response.header.* rpc.*.metadata.* messaging.header.*"),
    _hide(
        "time",
        "*.time *_time *.timestamp *_timestamp *.when *.date *.duration *_duration *_ms *.ms *_ns *.latency *.elapsed "
        "*.eta *.uptime",
    ),
    _hide("test case", "test.* spangate.* cicd.* vcs.*"),
    _hide("message text", "exception.message *.status_message otel.status_description error.message error.msg"),
)
"""The first rule whose pattern fits names the reason. Curated keys are never hidden by these."""

KEPT: tuple[str, ...] = ("http.request.header.content-type", "http.response.header.content-type", "messaging.consumer.group.name")
"""Exceptions from `HIDDEN`."""
