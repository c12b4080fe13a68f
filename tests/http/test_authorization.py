"""Who may do what: every operation of the API × every scope, no token, a wrong one, and one of another project."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.made import span, trace_id
from tests.http.served import ADMIN, TIMEOUT, Api, served
from tests.unit.service.story import persist_trace

SCOPES = ("ingest", "read", "review", "admin")
NEEDS = {
    "GET /projects": "read", "POST /projects": "admin", "GET /projects/{name}": "read", "PATCH /projects/{name}": "admin",
    "GET /projects/{name}/policy": "read", "PUT /projects/{name}/policy": "admin", "GET /projects/{name}/tokens": "admin",
    "POST /projects/{name}/tokens": "admin", "DELETE /projects/{name}/tokens/{token_id}": "admin",
    "GET /runs": "read", "POST /runs": "ingest", "GET /runs/{run_id}": "read", "POST /runs/{run_id}/finish": "ingest",
    "GET /runs/{run_id}/verdict": "read", "GET /runs/{run_id}/report": "read", "POST /runs/{run_id}/approvals": "review",
    "POST /runs/{run_id}/promote": "review",
    "GET /traces": "read", "GET /traces/{trace_id}": "read", "GET /traces/{trace_id}/spec": "read",
    "POST /traces/{trace_id}/promote": "review", "POST /traces/{trace_id}/demote": "review",
    "POST /traces/{trace_id}/persist": "review", "POST /traces/{trace_id}/unpersist": "review", "GET /compare": "read",
    "GET /baselines": "read", "GET /baselines/{baseline_id}": "read", "GET /baselines/{baseline_id}/spec": "read",
    "GET /stats": "read", "POST /prune": "admin",
    "POST /runs/{run_id}/rejections": "review", "POST /runs/{run_id}/withdrawals": "review", "POST /runs/{run_id}/judge": "review",
    "GET /runs/{run_id}/history": "read", "GET /projects/{name}/history": "admin",
    "POST /projects/{name}/policy/preview": "admin", "GET /flows": "read", "GET /baselines/{baseline_id}/learned": "read",
    "GET /traces/facets/{facet}": "read", "GET /traces/{trace_id}/baseline": "read", "GET /traces/{trace_id}/spec/checks": "read",
    "GET /specs": "read", "POST /specs": "review", "GET /specs/{spec_id}": "read", "PUT /specs/{spec_id}": "review",
    "DELETE /specs/{spec_id}": "review", "GET /specs/{spec_id}/file": "read", "POST /specs/{spec_id}/checks": "review",
    "POST /specs/{spec_id}/results": "ingest",
}  # fmt: skip
"""Operation → the scope it needs; `admin` includes the others."""
BODIES: dict[str, Any] = {
    "POST /projects": {"name": "new"}, "PATCH /projects/{name}": {}, "PUT /projects/{name}/policy": {},
    "POST /projects/{name}/tokens": {"name": "t", "scopes": ["read"]}, "POST /projects/{name}/policy/preview": {},
    "POST /runs/{run_id}/rejections": {"fingerprints": ["sg1:0"]}, "POST /runs/{run_id}/withdrawals": {"fingerprints": ["sg1:0"]},
    "POST /specs": {"text": "name: a\nentry: {}\n"}, "PUT /specs/{spec_id}": {"version": 1, "text": "name: a\nentry: {}\n"},
    "POST /specs/{spec_id}/results": {"trace": trace_id(1)},
}  # fmt: skip


class Place:
    """A server with an admin token and two projects; `mine` has a run, a golden trace and tokens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.admin = Api(url, token=ADMIN)
        self.secrets: dict[str, str] = {}
        for project in ("mine", "other"):
            self.admin.ok("POST", "/projects", {"name": project})
            for scope in SCOPES:
                made = self.admin.ok("POST", f"/projects/{project}/tokens", {"name": scope, "scopes": [scope]})
                self.secrets[f"{project} {scope}"] = made["secret"]
                self.token_id = made["token"]["id"]
        mine = Api(url, token=self.secrets["mine admin"])
        self.run, _ = mine.judged(persist_trace(1))
        mine.ok("POST", f"/traces/{trace_id(1)}/promote")
        (baseline,) = mine.ok("GET", "/baselines")
        self.baseline = baseline["id"]

    def path(self, operation: str) -> str:
        """The path of an operation on what `mine` has."""
        path = operation.partition(" ")[2].format(
            name="mine",
            token_id="0" * 12,
            spec_id="0" * 12,
            run_id=self.run,
            trace_id=trace_id(1),
            baseline_id=self.baseline,
            facet="service",
        )
        if path.endswith("/spec/checks"):
            return f"{path}?against={trace_id(1)}"
        return f"{path}?before={trace_id(1)}&after={trace_id(1)}" if path == "/compare" else path

    def call(self, operation: str, token: str, **headers: str) -> httpx.Response:
        """The operation as the owner of a token (`mine read`, or the secret itself) asks for it."""
        api = Api(self.url, token=self.secrets.get(token, token))
        return api(operation.partition(" ")[0], self.path(operation), BODIES.get(operation), headers=headers)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(Path(tmp_path_factory.mktemp("guarded")), admin_token=ADMIN) as url:
        yield Place(url)


def test_the_matrix_is_complete(place: Place) -> None:
    """Every operation that the description has is in `NEEDS`; a new one must say its scope here."""
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in place.admin.ok("GET", "//schema").get("paths").items()
        for method in operations
        if path.startswith("/api/v1")
    }
    assert described == set(NEEDS)


@pytest.mark.parametrize("operation", NEEDS)
def test_without_a_known_token_401(place: Place, operation: str) -> None:
    """None, one that nobody knows, another scheme, nothing after the scheme; before anything else is looked at."""
    for authorization in (None, "Bearer sg_unknown", "Basic YWRtaW46YWRtaW4=", "Bearer", "sg_naked"):
        headers = {"authorization": authorization} if authorization is not None else {}
        answer = place.call(operation, "", **headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["hint"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("operation", NEEDS)
def test_a_token_does_what_its_scope_allows(place: Place, operation: str, scope: str) -> None:
    """403 names the scope that is needed; with it the operation gets through to its own answer."""
    answer = place.call(operation, f"mine {scope}")
    if scope in (NEEDS[operation], "admin"):
        if operation == "POST /projects":
            assert (answer.status_code, "make projects" in answer.text) == (403, True)
        elif "{token_id}" in operation or "{spec_id}" in operation or operation.endswith(("/rejections", "/withdrawals")):
            assert answer.status_code == 404  # there is no such token, spec or finding
        elif operation.endswith("/unpersist"):
            assert answer.status_code in (200, 409)  # golden, or demoted by now
        elif operation == "GET /traces/{trace_id}/baseline":
            assert answer.status_code == 409  # the only golden trace is no baseline of itself
        elif "/baselines/{baseline_id}" in operation:
            assert answer.status_code in (200, 404)
        else:
            assert answer.is_success, answer.text
    else:
        assert answer.status_code == 403
        assert f"this needs {NEEDS[operation]}" in answer.json()["detail"]
        assert f"--scope {NEEDS[operation]}" in answer.json()["hint"]


@pytest.mark.parametrize("operation", NEEDS)
def test_what_belongs_to_another_project_does_not_exist(place: Place, operation: str) -> None:
    """404, not 403, with every scope of the other project; lists have nothing of it."""
    answer = place.call(operation, "other admin")
    if operation == "GET /traces/facets/{facet}":
        assert answer.json() == []
    elif "{" in operation or operation == "GET /compare":
        assert answer.status_code == 404
    elif operation == "POST /projects":
        assert answer.status_code == 403
    elif operation not in ("GET /stats", "POST /prune"):
        for secret in (place.run, trace_id(1), place.baseline, "mine"):
            assert secret not in answer.text


@pytest.mark.parametrize("operation", NEEDS)
def test_a_token_decides_the_project(place: Place, operation: str) -> None:
    """`?project=` of another project, or of none, is 404 for a project's token."""
    method, path = operation.partition(" ")[0], place.path(operation)
    for project in ("other", "nobody-knows"):
        api = Api(place.url, token=place.secrets["mine admin"], project=project)
        assert api(method, path, BODIES.get(operation)).status_code == 404


def test_the_admin_token_may_name_any_project(place: Place) -> None:
    """And only one that exists."""
    admin = Api(place.url, token=ADMIN, project="mine")
    assert admin.ok("GET", f"/runs/{place.run}")["project"] == "mine"
    admin.project = "nobody-knows"
    assert "nobody-knows" in admin.problem(404, "GET", "/runs")["detail"]
    assert {project["name"] for project in place.admin.ok("GET", "/projects")} >= {"default", "mine", "other"}
    mine = Api(place.url, token=place.secrets["mine read"])
    assert [project["name"] for project in mine.ok("GET", "/projects")] == ["mine"]


@pytest.mark.parametrize("token", ["", "sg_unknown", "mine read", "mine review"])
def test_exporting_needs_ingest(place: Place, token: str) -> None:
    """401 or 403 as OTLP says it, and nothing is stored."""
    api = Api(place.url, token=place.secrets.get(token, token))
    before = place.admin.ok("GET", "/stats")
    answer = api.send(span(77), content_type="application/json", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == ((403, 7) if token.startswith("mine") else (401, 16))
    assert place.admin.ok("GET", "/stats") == before


def test_exporting_with_ingest_stores_in_the_tokens_project(place: Place) -> None:
    """Whatever the spans say."""
    api = Api(place.url, token=place.secrets["other ingest"])
    assert api.send(span(99)).status_code == 200
    other, mine = (Api(place.url, token=place.secrets[f"{project} read"]) for project in ("other", "mine"))
    assert other.ok("GET", f"/traces/{trace_id(99)}")["summary"]["project"] == "other"
    mine.problem(404, "GET", f"/traces/{trace_id(99)}")


def test_health_and_the_description_need_no_token(place: Place) -> None:
    """What a load balancer and a code generator ask."""
    for path in ("/health", "/schema", "/schema/openapi.json", "/schema/openapi.yaml"):
        assert httpx.get(place.url + path, timeout=TIMEOUT).status_code == 200


def test_refused_requests_are_refused_before_their_body(place: Place) -> None:
    """Who may not is told so, whatever they sent."""
    api = Api(place.url, token=place.secrets["mine read"])
    assert api("POST", "/runs", content=b"{noise", headers={"content-type": "text/plain"}).status_code == 403
