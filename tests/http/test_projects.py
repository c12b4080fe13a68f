"""Projects, policies and tokens over HTTP; and local mode, which has no tokens."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.made import span
from tests.http.served import ADMIN, TIMEOUT, Api, served
from tests.unit.service.story import BAD, persist_trace, trace_id


def test_a_project_from_begin_to_change(api: Api) -> None:
    """Made with what is given and good defaults; changed in parts; listed by name."""
    name = f"{api.project}-new"
    made = api("POST", "/projects", {"name": name, "retention_days": 7, "base_branch": "trunk"})
    assert made.status_code == 201
    project = made.json()
    assert project == {
        "name": name, "retention_days": 7, "base_branch": "trunk", "auto_promote": "if-approved", "created_at": project["created_at"],
    }  # fmt: skip
    assert api.ok("GET", f"/projects/{name}") == project
    changed = api.ok("PATCH", f"/projects/{name}", {"auto_promote": "hold", "retention_days": 0})
    assert changed == {**project, "auto_promote": "hold", "retention_days": 0}
    assert api.ok("PATCH", f"/projects/{name}", {}) == changed
    assert changed in api.ok("GET", "/projects")
    assert api.problem(409, "POST", "/projects", {"name": name})["hint"] is not None
    assert api.ok("GET", f"/projects/{name}") == changed


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "Shop"}, {"name": "a/b"}, {"name": "x" * 64}, {"name": 7}, {"name": "ok", "retention_days": -1},
        {"name": "ok", "base_branch": ""}, {"name": "ok", "unknown": 1},
        {"name": "ok", "retention_days": 10**30},
    ],
)  # fmt: skip
def test_a_wrong_project_is_400(api: Api, body: Any) -> None:
    """And is not made."""
    before = api.ok("GET", "/projects")
    api.problem(400, "POST", "/projects", body)
    assert api.ok("GET", "/projects") == before


@pytest.mark.parametrize("body", [{"retention_days": -1}, {"auto_promote": "maybe"}, {"name": "other"}, {"base_branch": "a\nb"}])
def test_a_wrong_change_is_400(api: Api, body: Any) -> None:
    """The project stays as it was."""
    before = api.ok("GET", f"/projects/{api.project}")
    assert next(iter(body)) in api.problem(400, "PATCH", f"/projects/{api.project}", body)["detail"]
    assert api.ok("GET", f"/projects/{api.project}") == before


def test_a_project_that_nobody_knows_is_404(api: Api) -> None:
    """Also as `?project=`, also for spans, which are stored nowhere; and in the body of a run."""
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {}), ("GET", "/policy", None), ("PUT", "/policy", {}), ("GET", "/tokens", None),
        ("POST", "/tokens", {"name": "t", "scopes": ["read"]}), ("DELETE", "/tokens/abc", None),
    ):  # fmt: skip
        assert "nobody-knows" in api.problem(404, method, f"/projects/nobody-knows{path}", body)["detail"]
    assert "nobody-knows" in api.problem(404, "POST", "/runs", {"project": "nobody-knows"})["detail"]
    elsewhere = Api(api.url, project="nobody-knows")
    before = api.ok("GET", "/stats")
    assert elsewhere.problem(404, "GET", "/runs")["detail"]
    assert elsewhere.send(span()).status_code == 404
    assert api.ok("GET", "/stats") == before


def test_a_policy_decides_verdicts(api: Api) -> None:
    """The empty one at first; a rule that ignores the finding makes the same run pass, and names itself."""
    assert api.ok("GET", f"/projects/{api.project}/policy") == {
        "levels": {}, "rules": [], "required_flows": [], "require_baseline": False, "partial_runs": False,
    }  # fmt: skip
    api.judged(persist_trace(1))
    api.ok("POST", f"/traces/{trace_id(1)}/promote")
    run, verdict = api.judged(persist_trace(2, good=BAD))
    assert verdict["conclusion"] == "fail"
    rule = {"name": "quiet", "flow": "*persist*", "level": "ignored"}
    policy = {
        "levels": {"call-moved": "notice"},
        "rules": [rule],
        "required_flows": [],
        "require_baseline": False,
        "partial_runs": False,
    }
    assert api.ok("PUT", f"/projects/{api.project}/policy", policy) == policy
    assert api.ok("GET", f"/projects/{api.project}/policy") == policy
    verdict = api.ok("GET", f"/runs/{run}/verdict?wait=25")
    assert verdict["conclusion"] == "pass"
    assert {finding["rule"] for finding in verdict["findings"]} == {"quiet"}


@pytest.mark.parametrize(
    "policy",
    [{"levels": {"call-added": "terrible"}}, {"rules": [{"levle": "ignored"}]}, {"rules": {}}, {"unknown": 1}, [], None,
     {"levels": {"no-such-kind": "notice"}}, {"rules": [{"kind": "call-missed", "level": "notice"}]}],
)  # fmt: skip
def test_a_wrong_policy_is_400(api: Api, policy: Any) -> None:
    """A misspelt level, key or kind would otherwise silently do nothing; the old policy stays."""
    before = api.ok("GET", f"/projects/{api.project}/policy")
    assert api.problem(400, "PUT", f"/projects/{api.project}/policy", policy)["detail"]
    assert api.ok("GET", f"/projects/{api.project}/policy") == before


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "t"}, {"name": "t", "scopes": []}, {"name": "t", "scopes": ["root"]}, {"name": " ", "scopes": ["read"]},
     {"name": "x" * 201, "scopes": ["read"]}, {"name": "t", "scopes": "read"}],
)  # fmt: skip
def test_a_wrong_token_is_400(api: Api, body: Any) -> None:
    """And is not made: the server stays in local mode."""
    api.problem(400, "POST", f"/projects/{api.project}/tokens", body)
    assert api.ok("GET", f"/projects/{api.project}/tokens") == []


def test_a_secret_is_shown_once(tmp_path: Path) -> None:
    """In the answer that made it; lists and files have it nowhere; deleted it opens nothing."""
    with served(tmp_path, admin_token=ADMIN) as url:
        admin = Api(url, token=ADMIN)
        made = admin("POST", "/projects/default/tokens", {"name": "ci", "scopes": ["read", "ingest"]})
        assert made.status_code == 201
        secret, token = made.json()["secret"], made.json()["token"]
        assert secret.startswith("sg_")
        assert (token["name"], token["scopes"], token["project"]) == ("ci", ["ingest", "read"], "default")
        tokens = admin("GET", "/projects/default/tokens")
        assert tokens.json() == [token]
        assert secret[3:] not in tokens.text
        user = Api(url, token=secret)
        assert user.ok("GET", "/runs") == {"runs": [], "next": "", "conclusions": {}}
        assert admin("DELETE", f"/projects/default/tokens/{token['id']}").status_code == 204
        user.problem(401, "GET", "/runs")
        admin.problem(404, "DELETE", f"/projects/default/tokens/{token['id']}")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret[3:].encode() not in stored


def test_the_first_token_ends_local_mode(tmp_path: Path) -> None:
    """From then on every request needs one."""
    with served(tmp_path) as url:
        anybody = Api(url)
        made = anybody.ok("POST", "/projects/default/tokens", {"name": "first", "scopes": ["admin"]})
        anybody.problem(401, "GET", "/runs")
        assert anybody.send(span()).status_code == 401
        owner = Api(url, token=made["secret"])
        assert owner.ok("GET", "/runs")["runs"] == []
        owner.ok("DELETE", f"/projects/default/tokens/{made['token']['id']}")


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        ({"origin": "https://evil.example"}, "POST", 403),
        ({"origin": "null"}, "POST", 403),
        ({"sec-fetch-site": "cross-site"}, "POST", 403),
        ({"sec-fetch-site": "same-site"}, "POST", 403),
        ({"host": "evil.example"}, "GET", 403),
        ({"host": "evil.example"}, "POST", 403),
        ({"host": "localhost:1"}, "GET", 200),
        ({"sec-fetch-site": "same-origin"}, "POST", 201),
        ({}, "POST", 201),
    ],
)
def test_local_mode_answers_no_foreign_page(api: Api, headers: dict[str, str], method: str, status: int) -> None:
    """A page of another site cannot post here, nor read under a name that it pointed at this machine."""
    before = len(api.ok("GET", "/runs")["runs"])
    answer = api(method, "/runs", headers=headers)
    assert answer.status_code == status
    assert len(api.ok("GET", "/runs")["runs"]) == before + (status == 201)


def test_a_web_form_is_no_json(api: Api) -> None:
    """What a page can send without asking first is 415."""
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = api("POST", "/runs", content=b'{"id": "x"}', headers={"content-type": media})
        assert answer.status_code == 415
    assert api.ok("GET", "/runs")["runs"] == []
    assert httpx.options(f"{api.url}/api/v1/runs", timeout=TIMEOUT).headers.get("access-control-allow-origin") is None
