"""Comment and status on GitHub: every request conforms to GitHub's own description, and nothing there turns a verdict."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.action import events
from tests.action.actions_runner import Job, Step
from tests.action.events import HEAD, MERGE
from tests.action.github_double import GitHubDouble
from tests.action.spangate_double import FINDING, SpangateDouble
from tests.action.test_post_server import export

Jobs = Callable[..., Job]
MARKER = "<!-- spangate /default/ci -->"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
MALLORY = {"login": "mallory", "type": "User"}
READ_ONLY = (403, "Resource not accessible by integration")


@pytest.fixture
def judged(job: Jobs, github: GitHubDouble, spangate: SpangateDouble) -> Callable[..., Step]:
    """One whole job on a pull request that exports once; `conclusion` is the server's."""

    def run(conclusion: str = "pass", *, event: tuple[str, dict[str, Any]] | None = None, **inputs: str) -> Step:
        spangate.conclusion = conclusion
        name, payload = event or ("pull_request", events.pull_request())
        it = job(name, payload, **github.environment)
        given = {"server": spangate.url, **inputs}
        export(it.main(**given))
        return it.post(**given)

    return run


def test_the_first_failure_makes_one_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """A failing verdict is commented on the pull request, with the hidden marker first, and sets the head's status."""
    step = judged("fail")
    assert [c["body"] for c in github.comments] == [f"{MARKER}\n### ❌ Merging this changes 1 of 1 traced flows\n"]
    [status] = github.statuses
    assert status["sha"] == HEAD
    assert (status["state"], status["context"]) == ("failure", "spangate")
    assert status["target_url"] == step.outputs["run-url"]
    assert "created" in step.log


def test_the_comment_is_edited_not_repeated(judged: Callable[..., Step], github: GitHubDouble, spangate: SpangateDouble) -> None:
    """Later runs edit the one comment; a run that has the same to say does not touch it."""
    judged("fail")
    writes = len(github.writes)
    assert "unchanged" in judged("fail").log
    assert [path for _, path in github.writes[writes:] if "comments" in path] == []
    spangate.reports["md"] = "### ✅ No unexpected trace changes"
    assert "updated" in judged("pass").log
    assert [c["body"] for c in github.comments] == [f"{MARKER}\n### ✅ No unexpected trace changes\n"]


def test_nothing_to_say_is_no_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """A pull request that passes from the start gets a green status and no comment."""
    assert "not needed" in judged("pass").log
    assert github.comments == []
    assert [s["state"] for s in github.statuses] == ["success"]


@pytest.mark.parametrize(("level", "comments"), [("warning", 1), ("notice", 0), ("ignored", 0)])
def test_a_pass_with_warnings_is_worth_a_comment(
    judged: Callable[..., Step], github: GitHubDouble, spangate: SpangateDouble, level: str, comments: int
) -> None:
    """Warnings make a comment even when the run passes; notices and ignored findings do not."""
    spangate.findings = [{**FINDING, "level": level}]
    judged("pass")
    assert len(github.comments) == comments


@pytest.mark.parametrize(
    ("policy", "conclusion", "comments"), [("always", "pass", 1), ("never", "fail", 0), ("on-change", "new", 1)]
)
def test_the_comment_policy(
    judged: Callable[..., Step], github: GitHubDouble, policy: str, conclusion: str, comments: int
) -> None:
    """`always` comments on a pass too, `never` not on a failure; a first run without baseline says so once."""
    judged(conclusion, comment=policy)
    assert len(github.comments) == comments


def test_only_our_own_comment_is_edited(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """A person who copies the marker does not get their comment overwritten, nor does another bot."""
    github.comments += [
        {"id": 1, "body": f"{MARKER}\nquoted", "user": MALLORY},
        {"id": 2, "body": f"{MARKER}\nmine too", "user": {"login": "renovate[bot]", "type": "Bot"}},
        {"id": 3, "body": f"see {MARKER}", "user": BOT},
    ]
    judged("fail")
    assert [c["body"] for c in github.comments[:3]] == [f"{MARKER}\nquoted", f"{MARKER}\nmine too", f"see {MARKER}"]
    assert len(github.comments) == 4


def test_our_comment_is_found_behind_many(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """The comment is found on a later page of a long conversation."""
    github.comments += [{"id": n, "body": "talk", "user": MALLORY} for n in range(250)]
    github.comments += [{"id": 900, "body": f"{MARKER}\nold", "user": BOT}, {"id": 901, "body": "more talk", "user": MALLORY}]
    judged("fail")
    assert len(github.comments) == 252
    assert "Merging this changes" in github.comments[250]["body"]


def test_another_token_has_its_own_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """With the token of a person or an app the author is asked for, not assumed."""
    github.login = "acme-reporter[bot]"
    judged("fail")
    assert "unchanged" in judged("fail").log
    assert [c["user"]["login"] for c in github.comments] == ["acme-reporter[bot]"]


def test_gates_and_environments_do_not_share_a_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """Two gates on one pull request have a comment and a status context each."""
    judged("fail")
    judged("fail", gate="e2e --> x", environment="staging")
    assert len(github.comments) == 2
    assert github.comments[1]["body"].splitlines()[0] == "<!-- spangate /e2e%20%2D%2D%3E%20x/staging -->"
    assert [s["context"] for s in github.statuses] == ["spangate", "spangate/e2e --> x (staging)"]


def test_a_fork_has_a_read_only_token(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """On a fork's pull request the refused comment is a notice that says why; summary, verdict and exit code stand."""
    github.refusals = {("POST", "/comments"): READ_ONLY, ("POST", "/statuses"): READ_ONLY}
    step = judged("fail", event=("pull_request", events.pull_request(fork=True)))
    assert step.code == 1
    assert step.outputs["verdict"] == "fail"
    assert "from a fork is read-only" in step.texts("notice")
    assert step.summary.startswith("## Spangate summary")


@pytest.mark.parametrize(
    ("actor", "fork", "said"), [("mallory", True, "second workflow"), ("dependabot[bot]", False, "Dependabot's secrets")]
)
def test_a_pull_request_without_secrets(job: Jobs, spangate: SpangateDouble, actor: str, fork: bool, said: str) -> None:
    """Where GitHub hands out no secrets, a refused upload says what to set up; it fails the job and is never a verdict."""
    spangate.trouble = {"POST /api/v1/runs": deque([(401, {}, b'{"detail": "No token."}')])}
    it = job("pull_request", events.pull_request(fork=fork), GITHUB_ACTOR=actor)
    export(it.main(server=spangate.url))
    step = it.post(server=spangate.url, github_token="")
    assert (step.code, step.outputs["verdict"]) == (1, "error")
    assert said in step.texts("error")


def test_a_missing_permission_is_named(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """In the own repository the notice names the permission to add; the status, which is optional, only goes to the log."""
    github.refusals = {("POST", "/comments"): READ_ONLY, ("POST", "/statuses"): READ_ONLY}
    step = judged("pass", comment="always")
    assert step.code == 0
    assert "pull-requests: write" in step.texts("notice")
    assert "statuses: write" in step.log
    assert "statuses" not in step.texts("notice") + step.texts("warning") + step.texts("error")


@pytest.mark.parametrize("answer", [(500, "oops"), (502, ""), (422, "No commit found for SHA")])
def test_github_never_turns_a_verdict(judged: Callable[..., Step], github: GitHubDouble, answer: tuple[int, str]) -> None:
    """Whatever GitHub answers, a pass stays a pass and a fail a fail; a comment is not sent twice."""
    github.refusals = {("POST", "/comments"): answer, ("POST", "/statuses"): answer}
    assert judged("pass", comment="always").code == 0
    assert github.writes.count(("POST", "/repos/acme/shop/issues/482/comments")) == 1
    assert judged("fail").outputs["verdict"] == "fail"


def test_an_unreachable_github(job: Jobs, spangate: SpangateDouble, closed_port: int) -> None:
    """Without GitHub's API the job still has its verdict, and says what is missing."""
    api = f"http://127.0.0.1:{closed_port}"
    it = job(GITHUB_API_URL=api, GITHUB_GRAPHQL_URL=f"{api}/graphql")
    spangate.conclusion = "fail"
    export(it.main(server=spangate.url))
    step = it.post(server=spangate.url)
    assert (step.code, step.outputs["verdict"]) == (1, "fail")
    assert "No comment was written" in step.texts("notice")


def test_an_outdated_run_does_not_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """When the pull request has a newer commit, or is closed, an older run leaves its comment alone."""
    github.head = "ff" * 20
    assert "outdated" in judged("fail").log
    github.head, github.state = HEAD, "closed"
    assert "outdated" in judged("fail").log
    assert github.comments == []


def test_an_error_updates_but_never_starts_a_comment(
    judged: Callable[..., Step], github: GitHubDouble, spangate: SpangateDouble
) -> None:
    """A tool error brings an old comment up to date, so that nobody reads a stale verdict; it starts none."""
    spangate.trouble = {"POST /api/v1/runs": deque([(500, {}, b"oops")] * 2)}
    judged("pass")
    assert github.comments == []
    github.comments.append({"id": 5, "body": f"{MARKER}\nold verdict", "user": BOT})
    judged("pass")
    assert "could not decide" in github.comments[0]["body"]
    assert [s["state"] for s in github.statuses] == ["error", "error"]


def test_could_not_decide_is_never_green(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """An inconclusive run that the job is allowed to ignore still has an error status."""
    assert judged("inconclusive", fail_on="fail").code == 0
    assert [s["state"] for s in github.statuses] == ["error"]


def test_report_only(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """With `fail-on: never` a failing verdict neither fails the job nor blocks, and its status says that it would."""
    assert judged("fail", fail_on="never").code == 0
    assert github.statuses[0]["state"] == "success"
    assert github.statuses[0]["description"].startswith("Report only: Merging this PR changes")


def test_a_push_has_a_status_and_no_comment(judged: Callable[..., Step], github: GitHubDouble) -> None:
    """A push is no pull request: only the status of the runner's GITHUB_SHA is set."""
    judged("fail", event=("push", events.push()))
    assert [s["sha"] for s in github.statuses] == [MERGE]
    assert all("comments" not in r.path for r in github.requests)


def test_a_merge_queue_has_a_status_and_no_comment(
    judged: Callable[..., Step], github: GitHubDouble, spangate: SpangateDouble
) -> None:
    """The queue's commit gets the status; the pull request is only recorded with the run."""
    judged("fail", event=("merge_group", events.merge_group()))
    assert all("comments" not in r.path for r in github.requests)
    assert (spangate.runs[0]["pull_request"], spangate.runs[0]["base_branch"]) == (482, "release/1.x")


def test_reporting_for_a_fork_afterwards(job: Jobs, github: GitHubDouble, spangate: SpangateDouble) -> None:
    """In a `workflow_run` traces are judged as those of the fork's branch; the pull request is found by its head."""
    spangate.conclusion = "fail"
    it = job("workflow_run", events.workflow_run(), **github.environment)
    (it.workspace / "traces.json").write_text('{"resourceSpans": []}')
    it.main(server=spangate.url, traces="traces.json")
    [run] = spangate.runs
    assert (run["commit"], run["branch"], run["attempt"]) == (HEAD, "mallory:main", 2)
    [found] = [r for r in github.requests if r.path == "/repos/acme/shop/pulls"]
    assert found.query["head"] == "mallory:main"
    assert len(github.comments) == 1
    assert [s["sha"] for s in github.statuses] == [HEAD]


def test_pull_request_target_is_refused(job: Jobs) -> None:
    """The base branch's commit would be judged as the pull request's, so the action says what to use instead."""
    step = job("pull_request_target", events.pull_request()).main(server="http://127.0.0.1:1")
    assert step.code == 1
    assert "Use pull_request" in step.texts("error")
