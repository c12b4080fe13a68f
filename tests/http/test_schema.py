"""The OpenAPI description is true: schemathesis calls every operation with data made from it, right and wrong, and checks each
answer: no 5xx; status, media type and body as described; wrong data refused, right data not.

`SPANGATE_TEST_EXAMPLES=500` looks further than a test run has time for.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import allow_header_conformance, negative_data_rejection, positive_data_acceptance

from gate.api.openapi import completed
from gate.app import create_app
from gate.settings import Settings
from tests.contract.made import trace_id
from tests.http.served import ADMIN, Api, served
from tests.unit.service.story import BAD, persist_trace

EXAMPLES = int(os.environ.get("SPANGATE_TEST_EXAMPLES", "12"))
HEADERS = {"authorization": f"Bearer {ADMIN}"}

schema = schemathesis.openapi.from_dict(completed(create_app(Settings()).openapi_schema.to_schema()))
bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,  # the same examples every time: a test that fails now and then helps nobody
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server with something to find: `url`, and path parameters that exist."""
    with served(Path(tmp_path_factory.mktemp("fuzzed")), admin_token=ADMIN) as url:
        api = Api(url, token=ADMIN)
        api.judged(persist_trace(1))
        api.ok("POST", f"/traces/{trace_id(1)}/promote")
        run, _ = api.judged(persist_trace(2, good=BAD))
        (baseline,) = api.ok("GET", "/baselines")
        yield {"url": url, "run_id": run, "trace_id": trace_id(1), "baseline_id": baseline["id"], "name": "default"}


@schema.parametrize()
@bounded
def test_every_answer_is_as_described(case: Any, known: dict[str, str]) -> None:
    """Whatever is sent."""
    _check(case, known)


@schema.include(path_regex="{|compare").parametrize()
@bounded
def test_what_exists_is_answered_as_described(case: Any, known: dict[str, str]) -> None:
    """The same with ids that exist, so that the answers have something in them."""
    case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
    if case.path.endswith("/compare"):
        case.query = {**case.query, "before": trace_id(1), "after": trace_id(2)}
    _check(case, known, but=[negative_data_rejection])


def _check(case: Any, known: dict[str, str], but: Sequence[Any] = ()) -> None:
    excluded = [allow_header_conformance, *but]  # Litestar's answer to OPTIONS names the methods of one handler only
    # What a description cannot say: which projects there are, what a cursor is, which patterns name a kind of change.
    unsaid = {"project"} if case.path.endswith("/compare") else {"project", "after"}
    if unsaid & set(case.query or ()):
        case.query = {name: value for name, value in case.query.items() if name not in unsaid}
        excluded.append(negative_data_rejection)
    if not case.query and case.body is NOT_SET:  # nothing is left that could be wrong
        excluded.append(negative_data_rejection)
    if "/policy" in case.path or "/spec" in case.path:  # a pattern, a spec's text, a form that needs a request to send
        excluded.append(positive_data_acceptance)
    case.body = _as_integers(case.body)
    case.call_and_validate(base_url=known["url"], headers=HEADERS, timeout=40, excluded_checks=excluded)


def _as_integers(value: Any) -> Any:
    """`7.0` is an integer for JSON Schema, and a mistake for us."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _as_integers(each) for name, each in value.items()}
        case list():
            return [_as_integers(each) for each in value]
        case _:
            return value
