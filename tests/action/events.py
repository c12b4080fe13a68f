"""Event payloads with the fields of GitHub's webhook documentation that decide what a run is."""

from typing import Any

MERGE = "aa" * 20
HEAD = "bb" * 20
BASE = "cc" * 20
REPOSITORY = {"id": 100, "full_name": "acme/shop", "default_branch": "main"}


def pull_request(*, fork: bool = False, number: int = 482) -> dict[str, Any]:
    owner = "mallory" if fork else "acme"
    head_repository = {"id": 200 if fork else 100, "full_name": f"{owner}/shop", "fork": fork}
    return {
        "action": "synchronize",
        "number": number,
        "repository": REPOSITORY,
        "pull_request": {
            "number": number,
            "state": "open",
            "head": {"sha": HEAD, "ref": "main" if fork else "faster-quotes", "label": f"{owner}:main", "repo": head_repository},
            "base": {"sha": BASE, "ref": "main", "label": "acme:main", "repo": REPOSITORY},
        },
    }


def push() -> dict[str, Any]:
    return {"ref": "refs/heads/main", "before": BASE, "after": HEAD, "repository": REPOSITORY}


def merge_group() -> dict[str, Any]:
    return {
        "action": "checks_requested",
        "repository": REPOSITORY,
        "merge_group": {
            "head_sha": HEAD,
            "head_ref": f"refs/heads/gh-readonly-queue/release/1.x/pr-482-{BASE}",
            "base_sha": BASE,
            "base_ref": "refs/heads/release/1.x",
        },
    }


def workflow_run() -> dict[str, Any]:
    return {
        "action": "completed",
        "repository": REPOSITORY,
        "workflow_run": {
            "id": 555,
            "event": "pull_request",
            "head_sha": HEAD,
            "head_branch": "main",
            "head_repository": {"id": 200, "full_name": "mallory/shop", "owner": {"login": "mallory"}},
            "run_attempt": 2,
            "html_url": "https://github.com/acme/shop/actions/runs/555",
            "pull_requests": [],
        },
    }
