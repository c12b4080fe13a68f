"""What the comparison sees of a span's attributes, and what it hides with which rule."""

from typing import Any

import pytest

from gate.model.trace import Event, Resource, Scope, Span, SpanKind, StatusCode
from gate.normalize.attributes import hidden_attributes, is_curated, kept_attributes
from gate.normalize.operations import operation_name
from gate.normalize.routes import route_template, take_routes_of_callees
from gate.normalize.rules import HideRule, Rules, TextTemplate


def span(name: str = "GET", kind: SpanKind = SpanKind.CLIENT, events: tuple[Event, ...] = (), **attributes: Any) -> Span:
    """A span whose attribute keys are written with `__` for a dot."""
    return Span(
        trace_id="1" * 32,
        span_id="2" * 16,
        parent_span_id="",
        name=name,
        kind=kind,
        start_ns=1,
        end_ns=2,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        resource=Resource({}, "shop"),
        scope=Scope(),
        events=events,
        status=StatusCode.UNSET,
    )


OLD_HTTP_CLIENT = span(
    http__method="GET",
    http__url="http://127.0.0.1:18103/stock/17?now=1",
    http__status_code=200,
    net__peer__name="127.0.0.1",
    net__peer__port=18103,
    http__flavor="1.1",
)
NEW_HTTP_CLIENT = span(
    http__request__method="GET",
    url__full="http://stock.test:80/stock/99?now=2",
    http__response__status_code="200",
    server__address="stock.test",
    server__port=80,
    network__protocol__version="1.1",
)
OLD_QUERY = span(
    db__system="postgresql", db__name="shop", db__statement="SELECT a FROM t WHERE b = %s", db__user="x", db__operation="SELECT"
)
NEW_QUERY = span(
    db__system__name="postgresql", db__namespace="ci", db__query__text="SELECT a\n FROM t WHERE b = $1", db__collection__name="t"
)
OLD_MESSAGE = span(
    messaging__system="kafka",
    messaging__destination="orders",
    messaging__operation="publish",
    messaging__kafka__partition=3,
    messaging__message_id="8f14e45f",
)
NEW_MESSAGE = span(
    messaging__system="kafka",
    messaging__destination__name="orders",
    messaging__operation__type="send",
    messaging__destination__partition__id="7",
    messaging__message__id="ab01",
)
OLD_RPC = span(rpc__system="grpc", rpc__service="shop.Cart", rpc__method="Get", rpc__grpc__status_code=5)
NEW_RPC = span(rpc__system__name="grpc", rpc__method="shop.Cart/Get", rpc__response__status_code="NOT_FOUND")


@pytest.mark.parametrize(
    ("old", "new"), [(OLD_HTTP_CLIENT, NEW_HTTP_CLIENT), (OLD_QUERY, NEW_QUERY), (OLD_MESSAGE, NEW_MESSAGE), (OLD_RPC, NEW_RPC)]
)
def test_old_and_new_conventions_are_one(old: Span, new: Span) -> None:
    """A span by the former conventions keeps the same attributes as by the current ones, and as by both at once."""
    both = span(**{key.replace(".", "__"): value for key, value in {**old.attributes, **new.attributes}.items()})
    assert kept_attributes(old) == kept_attributes(new) == kept_attributes(both) != {}


def test_what_a_request_keeps() -> None:
    """Method, status and the path template are kept; host, port and protocol are not."""
    assert kept_attributes(OLD_HTTP_CLIENT) == {
        "http.request.method": "GET",
        "http.response.status_code": "200",
        "url.template": "/stock/{id}?now",
    }


def test_the_route_replaces_the_path() -> None:
    """A server span with a route keeps the route and not the requested path."""
    kept = kept_attributes(
        span(kind=SpanKind.SERVER, http__route="/orders/<int:oid>", http__target="/orders/17", http__method="GET")
    )
    assert kept == {"http.request.method": "GET", "http.route": "/orders/<int:oid>"}


def test_a_server_span_without_route_keeps_the_path() -> None:
    """An unmatched request (404) is told from another by its path."""
    old = span(kind=SpanKind.SERVER, http__target="/nowhere/17?x=1")
    new = span(kind=SpanKind.SERVER, url__path="/nowhere/18", url__query="x=2")
    assert kept_attributes(old) == kept_attributes(new) == {"url.template": "/nowhere/{id}?x"}


def test_the_route_of_the_callee_replaces_the_path_of_the_call() -> None:
    """A call into a service of the same trace needs no path: the callee's route has no identifiers."""
    spans = [span(http__url="http://kinto/v1/buckets/ennepkak"), span(kind=SpanKind.SERVER, http__route="/v1/buckets/{id}")]
    attributes = [kept_attributes(each) for each in spans]
    take_routes_of_callees(spans, [-1, 0], attributes)
    assert attributes == [{"url.template": "/v1/buckets/{id}"}, {"http.route": "/v1/buckets/{id}"}]


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("/orders/<int:oid>/confirm", "/orders/{id}/confirm"),
        ("/orders/:oid", "/orders/{id}"),
        ("v1/buckets/{bucket_id}", "/v1/buckets/{id}"),
        ("/api/products/[productId]", "/api/products/{id}"),
        ("/files/*path", "/files/{id}"),
        (r"^((?:[\w\-]+/)*)$", r"^((?:[\w\-]+/)*)$"),
        ("/orders", "/orders"),
    ],
)
def test_routes_of_every_framework_are_one(route: str, template: str) -> None:
    """A parameter of a route is written alike, whatever the framework."""
    assert route_template(route) == template


def test_inlined_literals_and_bytes() -> None:
    """A statement that arrives as bytes with its literals inlined is the template of the parametrised one."""
    inlined = span(db__system="postgresql", db__statement=b"INSERT INTO items (a, b) VALUES (1,'x'),(2,'y')")
    parametrised = span(db__system="postgresql", db__statement="INSERT INTO items (a, b) VALUES (%s, %s)")
    assert kept_attributes(inlined) == kept_attributes(parametrised)


def test_a_cut_statement_is_marked() -> None:
    """A statement of exactly an attribute length limit may be cut: its template says so and is a prefix of the whole one."""
    statement = "SELECT object_id, permission, principal FROM access_control_entries WHERE object_id IN (%s, %s)"
    whole = kept_attributes(span(db__system="postgresql", db__statement=statement))["db.query.text"]
    cut = kept_attributes(span(db__system="postgresql", db__statement=statement[:64]))["db.query.text"]
    assert cut.endswith("…")
    assert whole.startswith(cut[:-1])


def test_a_redis_pipeline_is_a_sequence_of_commands() -> None:
    """Cache commands lose their arguments, not their order."""
    assert (
        kept_attributes(span(db__system="redis", db__statement="SETEX ? ? ?\nPUBLISH ? ?"))["db.query.text"]
        == "SETEX ?; PUBLISH ?"
    )


def test_a_document_query_is_its_shape() -> None:
    """A query in JSON keeps its fields, not its values."""
    first = span(db__system="mongodb", db__statement='{"find": "orders", "filter": {"_id": 17}}')
    second = span(db__system="mongodb", db__statement='{"filter": {"_id": 18}, "find": "orders"}')
    assert kept_attributes(first) == kept_attributes(second)
    assert kept_attributes(first)["db.query.text"] == "{filter: {_id: number}, find: string}"


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("[]", "[]"),
        ("null", "null"),
        ("not json", "text"),
        ('{"id": 17, "items": [{"n": "a"}, {"m": 1, "n": "b"}]}', "{id: number, items: [{m?: number, n: string}]}"),
        ('{"17": {"a": 1}, "18": {"a": 2}}', "{{id}: {a: number}}"),
        ("[1, 2.5, null]", "[null | number]"),
        ("[" * 5000, "text"),
    ],
)  # fmt: skip
def test_a_captured_body_keeps_its_shape(body: str, shape: str) -> None:
    """Of a captured body the fields and their kinds count, not the values; an empty body is told from an absent one."""
    assert kept_attributes(span(http__response__body=body)) == {"http.response.body": shape}
    assert is_curated("http.response.body")


def test_the_type_of_an_exception_counts_once() -> None:
    """`error.type` that only repeats the status or the exception event is not a second fact."""
    event = Event("exception", 1, {"exception.type": "requests.exceptions.ConnectionError", "exception.message": "port 1234"})
    old = span(events=(event,), http__method="GET")
    new = span(events=(event,), http__request__method="GET", error__type="ConnectionError")
    assert kept_attributes(old) == kept_attributes(new) == {"http.request.method": "GET", "exception.type": "ConnectionError"}
    assert "error.type" not in kept_attributes(span(http__status_code=404, error__type="404"))
    assert kept_attributes(span(error__type="timeout")) == {"error.type": "timeout"}


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("net.peer.port", "host"),
        ("server.address", "host"),
        ("http.host", "host"),
        ("messaging.message.id", "identifier"),
        ("messaging.conversation_id", "identifier"),
        ("celery.reply_to", "identifier"),
        ("docket.key", "identifier"),
        ("docket.when", "time"),
        ("celery.hostname", "host"),
        ("k8s.pod.name", "deployment"),
        ("process.pid", "deployment"),
        ("db.user", "deployment"),
        ("db.name", "deployment"),
        ("thread.id", "thread"),
        ("code.function", "code"),
        ("mvc.controller.method", "code"),
        ("telemetry.sdk.version", "telemetry"),
        ("http.user_agent", "user agent"),
        ("http.response_content_length", "size"),
        ("messaging.batch.message_count", "size"),
        ("test.case.name", "test case"),
        ("db.operation.parameter.id", "identifier"),
    ],
)
def test_what_varies_is_hidden_and_says_why(key: str, rule: str) -> None:
    """Identifiers, hosts, ports, processes, threads, code positions and versions are hidden, each by a named rule."""
    one = span(**{key.replace(".", "__"): "x"})
    assert kept_attributes(one) == {}
    assert [(hidden.key, hidden.value, hidden.rule) for hidden in hidden_attributes(one)] == [(key, "x", rule)]


def test_ordinary_attributes_are_kept_and_not_curated() -> None:
    """What no rule knows is kept as text; it does not count like a status."""
    assert kept_attributes(span(celery__task_name="shop.mail", cache__hit=True, tier=2.0, tags=["a", "b"])) == {
        "celery.task_name": "shop.mail",
        "cache.hit": "true",
        "tier": "2",
        "tags": '["a","b"]',
    }
    assert not is_curated("celery.task_name")
    assert is_curated("oxn.req_status_code")


def test_a_user_adds_rules() -> None:
    """Rules of the user hide further keys, keep hidden ones and template further names."""
    rules = Rules(
        hide=(HideRule("tenant", ("app.tenant",)),),
        keep=("server.address",),
        templates=(TextTemplate(r"tenant-\w+", "tenant-{id}"),),
    )
    one = span("call tenant-red", app__tenant="red", server__address="db.internal")
    assert kept_attributes(one, rules) == {"server.address": "db.internal"}
    assert [hidden.rule for hidden in hidden_attributes(one, rules)] == ["tenant"]
    assert operation_name(one, rules) == "call tenant-{id}"
    assert kept_attributes(one) == {"app.tenant": "red"}


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("SELECT shop_ci_7", {"db__name": "shop_ci_7"}, "SELECT"),
        ("select shop", {"db__namespace": "shop"}, "SELECT"),
        ("shop", {"db__name": "shop", "db__statement": b"INSERT INTO items (a) VALUES (1)"}, "INSERT"),
        ("shop", {"db__name": "shop"}, "query"),
        ("SELECT shop.orders", {"db__namespace": "shop"}, "SELECT orders"),
        ("SELECT orders", {"db__namespace": "shop"}, "SELECT orders"),
        ("", {}, "client"),
    ],
)
def test_the_database_is_no_part_of_the_name(name: str, attributes: dict[str, Any], expected: str) -> None:
    """Another database name in another environment does not rename a call."""
    assert operation_name(span(name, **attributes)) == expected
