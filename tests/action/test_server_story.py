"""With a server, end to end: a really instrumented program, the action, a real `spangate serve`, GitHub's double."""

import hashlib
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.acceptance import cli
from tests.action import events
from tests.action.actions_runner import Job, Step
from tests.action.events import HEAD
from tests.action.github_double import GitHubDouble
from tests.action.test_post_server import export
from tests.unit.report.markdown import read

ADMIN = "action-story-admin"
pytestmark = pytest.mark.xdist_group("action-server")

Jobs = Callable[..., Job]
Traced = Callable[..., None]


@dataclass
class Server:
    """A running server and its tokens."""

    url: str
    ingest: str
    review: str

    def promote(self, run_id: str) -> None:
        headers = {"authorization": f"Bearer {self.review}"}
        httpx.post(f"{self.url}/api/v1/runs/{run_id}/promote", headers=headers, json={}, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`spangate serve` on SQLite, one for the file: a start costs seconds."""
    with cli.server(tmp_path_factory.mktemp("server"), SPANGATE_ADMIN_TOKEN=ADMIN, SPANGATE_QUIET_SECONDS="0.5") as address:
        yield address


@pytest.fixture
def server(running: str, request: pytest.FixtureRequest) -> Server:
    """A project of the test's own, with a token that may upload and read, and one that may also review."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    with httpx.Client(base_url=f"{running}/api/v1", headers={"authorization": f"Bearer {ADMIN}"}, timeout=60) as admin:
        admin.post("/projects", json={"name": name}).raise_for_status()

        def token(*scopes: str) -> str:
            made = admin.post(f"/projects/{name}/tokens", json={"name": "test", "scopes": scopes})
            return made.raise_for_status().json()["secret"]

        return Server(running, token("ingest", "read"), token("ingest", "read", "review"))


def run_job(
    it: Job, traced: Traced, server: Server, *, protocol: str = "http", quotes: int = 1, count: int = 1, **inputs: str
) -> Step:
    given = {"server": server.url, "token": server.ingest, **inputs}
    it.main(**given)
    traced(it, protocol, count, quotes)
    return it.post(**given)


def test_the_gate_on_a_server(job: Jobs, traced: Traced, server: Server, github: GitHubDouble) -> None:
    """A first run is new; promoted, the same program passes; with twelve calls instead of one it fails and says where;
    the fix edits the one comment."""
    first = run_job(job(**github.environment), traced, server)
    assert (first.outputs["verdict"], first.code) == ("new", 0), first.log
    server.promote(first.outputs["run-id"])
    same = run_job(job(**github.environment), traced, server)
    assert (same.outputs["verdict"], same.code) == ("pass", 0), same.log
    changed = run_job(job(OTEL_EXPORTER_OTLP_COMPRESSION="gzip", **github.environment), traced, server, quotes=12)
    assert (changed.outputs["verdict"], changed.code) == ("fail", 1), changed.log
    assert "quote" in changed.texts("error")
    assert "12" in changed.summary
    assert "quote" in github.comments[0]["body"]
    fixed = run_job(job(**github.environment), traced, server)
    assert fixed.code == 0
    assert len(github.comments) == 1
    assert "quote" not in github.comments[0]["body"]
    assert [status["state"] for status in github.statuses] == ["success", "success", "failure", "success"]
    assert {status["sha"] for status in github.statuses} == {HEAD}


def test_a_run_knows_where_it_comes_from(job: Jobs, traced: Traced, server: Server, github: GitHubDouble) -> None:
    """The server's record of the run has the tested commit, the base, the pull request and the job's page; a fork's branch has its owner."""
    step = run_job(job("pull_request", events.pull_request(fork=True), **github.environment), traced, server, gate="e2e")
    headers = {"authorization": f"Bearer {server.ingest}"}
    run = httpx.get(f"{server.url}/api/v1/runs/{step.outputs['run-id']}", headers=headers, timeout=60).raise_for_status().json()
    assert (run["commit"], run["base_commit"], run["base_branch"]) == (events.MERGE, events.BASE, "main")
    assert (run["branch"], run["pull_request"], run["gate"]) == ("mallory:main", 482, "e2e")
    assert run["url"] == "https://github.com/acme/shop/actions/runs/9876543210/attempts/1"
    page = page_of(step.outputs["run-url"], server)
    assert "<h1>Run gha-9876543210-1-" in page
    assert (
        github.statuses[-1]["target_url"] == step.outputs["run-url"] == f"{server.url}/projects/{run['project']}/runs/{run['id']}"
    )


def page_of(address: str, server: Server) -> str:
    """A page as a signed-in person gets it."""
    cookies = {"cookie": f"spangate_session={server.review}", "accept": "text/html"}
    return httpx.get(address, headers=cookies, timeout=60).raise_for_status().text


def test_the_page_shows_the_comment_that_was_posted(job: Jobs, traced: Traced, server: Server, github: GitHubDouble) -> None:
    """Byte for byte: the comment on the pull request is the Markdown on the run's page, below the line by which the action finds its
    comment again; and every link in it leads to a place that is there."""
    first = run_job(job(**github.environment), traced, server)
    server.promote(first.outputs["run-id"])
    changed = run_job(job(**github.environment), traced, server, quotes=12)
    [comment] = github.comments
    marker, _, posted = comment["body"].partition("\n")
    assert marker == "<!-- spangate /default/ci -->"
    page = page_of(changed.outputs["run-url"], server)
    shown = re.search(r'aria-label="The comment in Markdown"><code>(.*?)</code></pre>', page, re.DOTALL)
    assert shown is not None
    assert (html.unescape(shown[1]) + "\n").encode() == posted.encode()
    assert "```diff" in posted and "\n+   " in posted  # a tree, whose columns mean something
    links = read(posted).links
    assert {link.partition("#")[0] for link in links} == {changed.outputs["run-url"]}
    places = {link.partition("#")[2] for link in links} - {""}
    assert places
    assert all(f' id="{place}"' in page for place in places)


def test_every_span_arrives_over_grpc_too(job: Jobs, traced: Traced, server: Server) -> None:
    """What an SDK exports by gRPC to the receiver is on the server, span by span."""
    it = job(OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    before = httpx.get(f"{server.url}/api/v1/stats", headers={"authorization": f"Bearer {server.ingest}"}, timeout=60).json()
    step = run_job(it, traced, server, protocol="grpc", count=300, quotes=2, github_token="")
    assert step.outputs["verdict"] == "new", step.log
    after = httpx.get(f"{server.url}/api/v1/stats", headers={"authorization": f"Bearer {server.ingest}"}, timeout=60).json()
    assert (after["spans"] - before["spans"], after["traces"] - before["traces"]) == (900, 300)


def test_files_of_an_earlier_step(job: Jobs, server: Server) -> None:
    """OTLP files, one document or lines, are judged on the server at once."""
    it = job()
    (it.workspace / "traces.jsonl").write_text("\n".join(document(number) for number in range(3)))
    step = it.main(server=server.url, token=server.ingest, github_token="", traces="*.jsonl")
    assert (step.outputs["verdict"], step.code) == ("new", 0), step.log


def document(number: int) -> str:
    span = f'{{"traceId":"{number:032x}","spanId":"{number:016x}","name":"GET /a","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"2"}}'
    span = span.replace(f"{number:032x}", f"{number + 1:032x}").replace(f"{number:016x}", f"{number + 1:016x}")
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'


@pytest.mark.parametrize(("token", "said"), [("", "token"), ("sg_wrong", "token")])
def test_a_wrong_token(job: Jobs, server: Server, token: str, said: str) -> None:
    """The server's own words about a missing or unknown token reach the annotation; nothing is judged."""
    it = job()
    export(it.main(server=server.url, token=token))
    step = it.post(server=server.url, token=token, github_token="")
    assert (step.outputs["verdict"], step.code) == ("error", 1)
    assert "401" in step.texts("error")
    assert said in step.texts("error")


def test_bodies_that_are_no_traces(job: Jobs, server: Server) -> None:
    """A body that the server cannot read names its place in the spool and the server's reason."""
    it = job()
    main = it.main(server=server.url, token=server.ingest)
    headers = {"content-type": "application/json"}
    httpx.post(f"{main.outputs['endpoint-http']}/v1/traces", content=b"{broken", headers=headers, timeout=60).raise_for_status()
    step = it.post(server=server.url, token=server.ingest, github_token="")
    assert (step.outputs["verdict"], step.code) == ("error", 1)
    assert "000001.json was not uploaded" in step.texts("error")
    assert "400" in step.texts("error")


def test_exports_without_a_span(job: Jobs, server: Server) -> None:
    """Requests without a single span are no green run."""
    it = job()
    export(it.main(server=server.url, token=server.ingest))
    step = it.post(server=server.url, token=server.ingest, github_token="")
    assert step.code == 1, step.log
    assert step.outputs["verdict"] in ("error", "inconclusive")
