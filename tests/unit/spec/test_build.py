"""Golden traces → spec."""

import pytest

from gate.errors import BadRequest
from gate.spec import Spec, build_spec, check_spec, matching
from gate.spec.spec import AttributeIs, Happens, NoErrors, Rows
from tests.unit.spec.drawn import drawn

ORDER = """
shop: POST /orders
  shop: load
    shop: SELECT items
  shop: INSERT orders
"""
ATTRIBUTES = {
    "POST /orders": {
        "http.request.method": "POST",
        "http.route": "/orders",
        "url.path": "/orders",
        "http.response.status_code": 201,
    },
    "SELECT items": {"db.system.name": "postgresql", "db.query.text": "SELECT * FROM items", "db.response.returned_rows": 3},
    "INSERT orders": {"db.system.name": "postgresql", "db.query.text": "INSERT INTO orders VALUES (1)"},
}


def sentences(spec: Spec) -> list[str]:
    return [validation.name for validation in spec.validations]


def test_what_a_spec_validates_in_order() -> None:
    """The answer's status comes first, then writes, other calls, rows and errors; internal work is not validated."""
    spec = build_spec([drawn(ORDER, ATTRIBUTES)])
    assert sentences(spec) == [
        "shop: POST /orders answers 201",
        "shop: INSERT INTO orders VALUES (?) happens exactly once",
        "shop: SELECT * FROM items happens exactly once",
        "shop: SELECT * FROM items returns rows",
        "no call fails",
    ]
    assert [type(validation) for validation in spec.validations] == [AttributeIs, Happens, Happens, Rows, NoErrors]


def test_what_varied_is_not_validated() -> None:
    """A count that differs between samples becomes `at least`, a status or row count that differs is not mentioned."""
    twice = ORDER.replace("    shop: SELECT items\n", "    shop: SELECT items\n    shop: SELECT items\n")
    other = {**ATTRIBUTES, "POST /orders": {**ATTRIBUTES["POST /orders"], "http.response.status_code": 200}}
    other["SELECT items"] = {**ATTRIBUTES["SELECT items"], "db.response.returned_rows": 0}
    spec = build_spec([drawn(ORDER, ATTRIBUTES), drawn(twice, other)])
    assert sentences(spec) == [
        "shop: INSERT INTO orders VALUES (?) happens exactly once",
        "shop: SELECT * FROM items happens at least once",
        "no call fails",
    ]


def test_a_call_that_some_samples_lack_is_not_validated() -> None:
    """Only what happened in every sample must happen."""
    without = ORDER.replace("  shop: INSERT orders\n", "")
    spec = build_spec([drawn(ORDER, ATTRIBUTES), drawn(without, ATTRIBUTES)])
    assert not any("INSERT" in sentence for sentence in sentences(spec))


def test_a_known_error_stays_allowed() -> None:
    """A call that failed in a golden trace may fail; any other may not."""
    failing = drawn(ORDER.replace("SELECT items", "SELECT items!"), ATTRIBUTES)
    spec = build_spec([failing])
    assert sentences(spec)[-1] == "no call fails, except those that fail in the golden traces too"
    assert check_spec(spec, failing).ok
    other = drawn(ORDER.replace("INSERT orders", "INSERT orders!"), ATTRIBUTES)
    assert [check.seen for check in check_spec(spec, other).failed] == ["failed: shop: INSERT orders"]


def test_the_entry_is_the_request_and_not_the_test() -> None:
    """The spec of a test case looks at the service's request below it, so that it holds for any client."""
    text = "tests: test_order\n" + "".join(f"  {line}\n" for line in ORDER.strip().splitlines())
    trace = drawn(text, ATTRIBUTES, test_case="test_order")
    requests_only = drawn(ORDER, ATTRIBUTES)
    spec = build_spec([trace])
    assert (spec.name, spec.test_case) == ("test_order", "test_order")
    assert spec.entry.service == "shop"
    assert check_spec(spec, requests_only).ok


def test_a_request_inside_the_process_of_the_test() -> None:
    """A test client needs no network: instrumentations call the request INTERNAL below the test's span. It is the entry all the same,
    and the spec says what it cannot know; answered by a running service, the spec holds."""
    attributes = {**ATTRIBUTES, "order": {**ATTRIBUTES["POST /orders"], "http.scheme": "http", "http.host": "testserver"}}
    spec = build_spec([drawn("shop: test_order\n  shop: order\n    shop: INSERT orders\n", attributes, test_case="test_order")])
    assert (spec.entry.operation, spec.name, spec.parameters["base_url"]) == ("order", "test_order", "http://testserver")
    assert any("inside the test's process" in note for note in spec.notes)
    assert check_spec(spec, drawn("shop: order\n  shop: INSERT orders\n", attributes)).ok
    assert not check_spec(spec, drawn("shop: order\n", attributes)).ok


def test_several_requests() -> None:
    """Of several requests the largest is tested; another can be named; the others are mentioned."""
    text = """
    web: load
      shop: POST /orders
        shop: INSERT orders
      stock: GET /stock
    """
    trace = drawn(text.replace("web: load", "shop: Client"), ATTRIBUTES)
    del trace
    two = drawn("shop: POST /orders\n  shop: INSERT orders\n", ATTRIBUTES)
    assert build_spec([two]).entry.operation == "POST /orders"
    with pytest.raises(BadRequest, match=r"no request 'GET /stock'.*They have shop: POST /orders"):
        build_spec([two], entry="GET /stock")


def test_samples_without_a_common_request() -> None:
    """Traces of different flows are refused with a reason."""
    with pytest.raises(BadRequest, match="no request in common"):
        build_spec([drawn(ORDER, ATTRIBUTES), drawn("stock: GET /stock", {})])
    with pytest.raises(BadRequest, match="at least one golden trace"):
        build_spec([])


def test_the_story() -> None:
    """On the trace whose fetch came back empty both missing updates are named, and the rows."""
    good = """
    api: POST /traces/{id}/persist
      api: fetch
      api: UPDATE traces
      api: Update
    """
    attributes = {
        "POST /traces/{id}/persist": {"http.response.status_code": 202},
        "fetch": {"db.response.returned_rows": 1},
        "UPDATE traces": {"db.system.name": "sqlite", "db.query.text": "UPDATE traces SET persistent = 1"},
        "Update": {"db.system.name": "elasticsearch", "http.request.method": "POST", "url.path": "/traces/_update/4711"},
    }
    spec = build_spec([drawn(good, attributes) for _ in range(3)])
    bad = drawn("api: POST /traces/{id}/persist\n  api: fetch\n", {**attributes, "fetch": {"db.response.returned_rows": 0}})
    assert [(check.sentence, check.seen) for check in check_spec(spec, bad).failed] == [
        ("api: UPDATE traces SET persistent = ? happens exactly once", "it never happened"),
        ("api: elasticsearch Update (POST /traces/_update/{id}) happens exactly once", "it never happened"),
        ("api: fetch returns rows", "it returned 0 rows"),
    ]


def test_a_call_whose_callee_is_seen_is_told_once() -> None:
    """A client span in front of the callee's own span is not validated a second time."""
    text = """
    shop: POST /orders
      shop: GET
        stock: GET /stock
    """
    spec = build_spec([drawn(text, {"GET": {"http.request.method": "GET"}})])
    assert [sentence for sentence in sentences(spec) if "happens" in sentence] == ["stock: GET /stock happens exactly once"]


def test_connection_set_up_is_not_validated() -> None:
    """Connecting moves to whichever request comes first; it says nothing about this one."""
    spec = build_spec([drawn(ORDER + "  shop: Connect\n", {**ATTRIBUTES, "Connect": {"db.system.name": "postgresql"}})])
    assert not any("Connect" in sentence for sentence in sentences(spec))


def test_the_request_never_arrives() -> None:
    """Without the entry no validation holds, and the first check says why."""
    spec = build_spec([drawn(ORDER, ATTRIBUTES)])
    result = check_spec(spec, drawn("stock: GET /stock", {}))
    assert not any(check.ok for check in result.checks)
    assert result.checks[0].seen == "no span of it is in the trace"


def test_every_request_must_hold() -> None:
    """A trace with the request twice fails when one of the two is wrong, and says which."""
    spec = build_spec([drawn(ORDER, ATTRIBUTES)])
    both = "tests: run\n" + "".join(f"  {line}\n" for line in ORDER.strip().splitlines()) + "  shop: POST /orders\n"
    trace = drawn(both, ATTRIBUTES)
    assert "it never happened (request 2 of 2)" in [check.seen for check in check_spec(spec, trace).failed]


def test_matching_prefers_the_test_case() -> None:
    """Other test cases that call the same endpoint are not judged by this one's spec."""
    own, other = drawn(ORDER, ATTRIBUTES, test_case="a"), drawn(ORDER, ATTRIBUTES, test_case="b")
    entry = build_spec([own]).entry
    assert matching(entry, "a", [own, other]) == (own,)
    assert matching(entry, "c", [own, other]) == (own, other)
