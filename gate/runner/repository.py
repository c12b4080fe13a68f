"""The folder `.spangate` of a repository: golden traces, policy, approvals, and the last run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from gate.codec.encode import encode_json
from gate.codec.written_yaml import decode_yaml
from gate.compare import check_policy
from gate.errors import BadRequest, NotFound
from gate.model.policy import Policy
from gate.model.run import Report
from gate.model.trace import Span
from gate.model.verdict import Approval
from gate.runner.files import read_text, write_whole
from gate.runner.goldens import GoldenFiles
from gate.runner.judging import Baseline

DIRECTORY = ".spangate"
_FINGERPRINT = re.compile(r"sg1:[0-9a-f]{16}")


class LastRun(msgspec.Struct, frozen=True):
    """What is remembered of the last run, so that its findings can be approved."""

    run: str
    undecided: dict[str, str]
    """Fingerprint → sentence."""


class Repository:
    """Reads and writes the folder; what is absent is empty."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.goldens = GoldenFiles(directory)
        self.last_traces = directory / "last" / "traces.jsonl"
        self.approvals_file = directory / "approvals.json"
        self._last = directory / "last" / "findings.json"

    def baseline(self) -> Baseline:
        """Golden samples, policy and approvals. Raises BadRequest naming the file and what is wrong with it."""
        return Baseline(self.goldens.read(), self.policy(), self.approvals())

    def policy(self) -> Policy:
        """`policy.yaml`, else the defaults."""
        path = self.directory / "policy.yaml"
        if not path.exists():
            return Policy()
        return check_policy(decode_yaml(read_text(path), Policy, source=str(path)), source=str(path))

    def approvals(self) -> dict[str, Approval]:
        """`approvals.json` by fingerprint."""
        if not self.approvals_file.exists():
            return {}
        approvals = _decode(self.approvals_file, tuple[Approval, ...])
        return {approval.fingerprint: approval for approval in approvals}

    def approve(self, approvals: dict[str, Approval]) -> None:
        """Add to `approvals.json`; in order of fingerprints, one a block, so that branches merge."""
        self._keep({**self.approvals(), **approvals})

    def withdraw(self, fingerprints: Sequence[str]) -> tuple[str, ...]:
        """Take from `approvals.json`; those that were in it."""
        given = self.approvals()
        gone = tuple(fingerprint for fingerprint in dict.fromkeys(fingerprints) if given.pop(fingerprint, None))
        if gone:
            self._keep(given)
        return gone

    def remember(self, report: Report, spans: tuple[Span, ...]) -> None:
        """Keep the last run, outside of version control."""
        write_whole(self.directory / ".gitignore", b"last/\n")
        write_whole(self.last_traces, encode_json(spans) + b"\n")
        last = LastRun(report.run.id, {finding.fingerprint: finding.sentence for finding in report.verdict.undecided})
        write_whole(self._last, msgspec.json.format(msgspec.json.encode(last), indent=2) + b"\n")

    def last(self) -> LastRun:
        """Raises NotFound when nothing ran here yet."""
        if not self._last.exists():
            raise NotFound(f"There is no last run in {self.directory}.", hint="Run `spangate exec` or `spangate check` first.")
        return _decode(self._last, LastRun)

    def _keep(self, approvals: dict[str, Approval]) -> None:
        ordered = [approvals[fingerprint] for fingerprint in sorted(approvals)]
        write_whole(self.approvals_file, msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")


def is_fingerprint(text: str) -> bool:
    """Whether the text looks like the fingerprint of a finding."""
    return _FINGERPRINT.fullmatch(text) is not None


T = TypeVar("T")


def _decode(path: Path, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(read_text(path).encode(), type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"{path}: {error}.", hint="Correct it by hand or take it from version control.") from None
