"""A CI run (or attempt) of one commit in one environment, and the report made of it."""

from enum import StrEnum

import msgspec

from gate.model.verdict import Comparison, Verdict

RUN_ID = r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,199}"
"""What a run may be called (a regular expression)."""


class RunState(StrEnum):
    """`open` takes spans; `finished` is judged."""

    OPEN = "open"
    FINISHED = "finished"


class Run(msgspec.Struct, frozen=True, gc=False):
    """One run. Times are RFC 3339 UTC text; empty means unknown."""

    id: str
    project: str
    environment: str = "ci"
    gate: str = "default"
    commit: str = ""
    branch: str = ""
    base_commit: str = ""
    base_branch: str = ""
    pull_request: int = 0
    repository: str = ""
    url: str = ""
    """The CI run's own page."""
    attempt: int = 1
    state: RunState = RunState.OPEN
    created_at: str = ""
    finished_at: str = ""


class Report(msgspec.Struct, frozen=True):
    """All that a renderer needs, and nothing that it must fetch."""

    run: Run
    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    server_url: str = ""
    """Empty without a server: then the report gives commands instead of links."""
    version: str = ""
    first: bool = False
    """Whether its gate is known to have no earlier run."""
