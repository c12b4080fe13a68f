"""Kept specs over HTTP: what runs of them report."""

import pytest

from tests.contract.made import span, trace_id
from tests.http.served import Api
from tests.unit.service.story import BAD, persist_trace


def kept(api: Api) -> str:
    """The id of a spec made of a golden trace."""
    api.judged(persist_trace(1))
    return api.ok("POST", "/specs", {"trace": trace_id(1)})["id"]


def test_a_reported_run_is_the_last_result(api: Api) -> None:
    """The server checks the trace itself; the newest report of an environment stands, another environment's stays."""
    spec = kept(api)
    api.send(*persist_trace(2))
    api.send(*persist_trace(3, good=BAD))
    for environment, number, ok in (("staging", 2, True), ("staging", 3, False), ("prod", 2, True)):
        outcome = api.ok("POST", f"/specs/{spec}/results", {"trace": trace_id(number).upper(), "environment": environment})
        assert (outcome["environment"], outcome["trace_id"]) == (environment, trace_id(number))
        assert all(check["ok"] for check in outcome["checks"]) is ok
    results = api.ok("GET", f"/specs/{spec}")["results"]
    assert [(result["environment"], result["trace_id"]) for result in results] == [
        ("prod", trace_id(2)),
        ("staging", trace_id(3)),
    ]
    assert api.ok("POST", f"/specs/{spec}/results", {"trace": trace_id(2)})["environment"] == "ci"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {}), (400, {"trace": ""}), (400, {"trace": "xyz"}), (400, {"trace": trace_id(1), "environment": "a\nb"}),
        (400, {"trace": trace_id(1), "environment": "x" * 251}), (400, {"trace": trace_id(1), "ok": True}), (400, []),
        (404, {"trace": trace_id(99), "environment": "staging"}),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_is_a_problem(api: Api, status: int, body: object) -> None:
    """A body of another shape, or a trace that is not there: nothing is kept."""
    spec = kept(api)
    api.problem(status, "POST", f"/specs/{spec}/results", body)
    assert api.ok("GET", f"/specs/{spec}")["results"] == []
    api.problem(404, "POST", "/specs/0123456789ab/results", {"trace": trace_id(1)})


def test_another_projects_spec_and_trace_do_not_exist(api: Api, address: str) -> None:
    """Neither a spec nor a trace of another project can be reported about."""
    spec = kept(api)
    name = f"{api.project}-other"
    Api(address).ok("POST", "/projects", {"name": name})
    other = Api(address, project=name)
    other.send(span(7))
    other.problem(404, "POST", f"/specs/{spec}/results", {"trace": trace_id(7)})
    api.problem(404, "POST", f"/specs/{spec}/results", {"trace": trace_id(7)})
