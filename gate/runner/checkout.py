"""Which commit of which branch is tested: from the CI's variables, else from git."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Checkout(msgspec.Struct, frozen=True):
    """What is known about the code under test; empty where nobody says."""

    commit: str = ""
    branch: str = ""
    base_commit: str = ""
    base_branch: str = ""
    pull_request: int = 0
    repository: str = ""
    url: str = ""
    """The CI run's own page."""
    attempt: int = 1


async def checkout(environ: Mapping[str, str]) -> Checkout:
    """GitHub Actions and GitLab CI by their variables, everything else by git."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    return Checkout(
        commit=await _git("rev-parse", "HEAD"), branch=(await _git("rev-parse", "--abbrev-ref", "HEAD")).replace("HEAD", "")
    )


def _github(environ: Mapping[str, str]) -> Checkout:
    get = environ.get
    pull = _event(get("GITHUB_EVENT_PATH", "")).pull_request or _PullRequest()
    server, repository, run = get("GITHUB_SERVER_URL", ""), get("GITHUB_REPOSITORY", ""), get("GITHUB_RUN_ID", "")
    return Checkout(
        commit=pull.head.sha or get("GITHUB_SHA", ""),
        branch=get("GITHUB_HEAD_REF") or get("GITHUB_REF_NAME", ""),
        base_commit=pull.base.sha,
        base_branch=get("GITHUB_BASE_REF", ""),
        pull_request=pull.number,
        repository=repository,
        url=f"{server}/{repository}/actions/runs/{run}" if server and run else "",
        attempt=_number(get("GITHUB_RUN_ATTEMPT", "")) or 1,
    )


def _gitlab(environ: Mapping[str, str]) -> Checkout:
    get = environ.get
    return Checkout(
        commit=get("CI_COMMIT_SHA", ""),
        branch=get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or get("CI_COMMIT_REF_NAME", ""),
        base_commit=get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
        base_branch=get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        pull_request=_number(get("CI_MERGE_REQUEST_IID", "")),
        repository=get("CI_PROJECT_PATH", ""),
        url=get("CI_PIPELINE_URL", ""),
    )


class _Commit(msgspec.Struct, frozen=True):
    sha: str = ""


class _PullRequest(msgspec.Struct, frozen=True):
    number: int = 0
    head: _Commit = _Commit()
    base: _Commit = _Commit()


class _Event(msgspec.Struct, frozen=True):
    """What the file at GITHUB_EVENT_PATH says about a pull request."""

    pull_request: _PullRequest | None = None


def _event(path: str) -> _Event:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=_Event) if path else _Event()
    except (OSError, msgspec.DecodeError):
        return _Event()


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0


async def _git(*arguments: str) -> str:
    try:
        git = await asyncio.create_subprocess_exec(
            "git", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    output, _ = await git.communicate()
    return output.decode("utf-8", "replace").strip() if git.returncode == 0 else ""
