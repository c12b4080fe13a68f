"""Golden traces as files of the repository: `golden/<flow>.jsonl`, one OTLP/JSON `TracesData` a line, reviewed like snapshots;
`<flow>.jsonl.zst` where the folder is compressed.

Beside each stands `<flow>.txt`, the normalised tree for the eyes of a reviewer; it is written, never read.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from gate.codec.assemble import build_traces
from gate.codec.encode import encode_json
from gate.codec.files import MAX_INFLATED_BYTES, read_spans
from gate.codec.inflate import detected_encoding, inflate
from gate.errors import BadRequest, UnreadableTraces
from gate.model.flow import Flow, FlowKey, RunFlows
from gate.model.trace import ProblemKind, Resource, Span, Trace
from gate.normalize import normalize
from gate.runner.files import write_whole
from gate.runner.outline import outline

RUN = "spangate.run"
PLAIN, COMPRESSED = ".jsonl", ".jsonl.zst"
SAMPLES_AT_MOST = 200
"""Golden lines of one flow; a loop that runs a thousand times teaches nothing new after that."""


class Sample(msgspec.Struct, frozen=True):
    """One golden flow with the spans it was made of."""

    run: str
    flow: Flow
    spans: tuple[Span, ...]


class GoldenFiles:
    """The folder `.spangate` (or what it is called). Reading an absent folder gives nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.folder = directory / "golden"

    def read(self) -> tuple[Sample, ...]:
        """Every golden sample, file by file. Raises UnreadableTraces with file, line and reason."""
        samples: list[Sample] = []
        for path in sorted((*self.folder.glob(f"*{PLAIN}"), *self.folder.glob(f"*{COMPRESSED}"))):
            for number, line in enumerate(_plain(path).splitlines(), start=1):
                if line.strip():
                    try:
                        spans = read_spans(line, source=str(path))
                    except UnreadableTraces as error:
                        raise UnreadableTraces(
                            error.reason, source=str(path), line=number, hint="Record it again with --update, or delete it."
                        ) from None
                    samples += [sample for trace in build_traces(spans) for sample in samples_of(trace)]
        return tuple(samples)

    def write(self, samples: Iterable[Sample], *, add: bool = False, compress: bool | None = None) -> tuple[Path, ...]:
        """Replace the golden samples of the flows that `samples` are of (or add to them); other flows stay. Returns the files.
        `compress` None: as the folder has it."""
        if compress is None:
            compress = any(self.folder.glob(f"*{COMPRESSED}"))
        by_key = _by_key(samples)
        if add:
            known = _by_key(self.read())
            by_key = {key: [*known.get(key, ()), *new] for key, new in by_key.items()}
        written: list[Path] = []
        for key, of_flow in by_key.items():
            kept = list({(sample.run, sample.flow.trace_id): sample for sample in of_flow}.values())[-SAMPLES_AT_MOST:]
            lines = b"".join(encode_json(_stamped(sample)) + b"\n" for sample in kept)
            path, other = self._file(key, PLAIN), self._file(key, COMPRESSED)
            if compress:
                path, other = other, path
            write_whole(path, _compressor.compress(lines) if compress else lines)
            write_whole(self._file(key, ".txt"), outline(kept[0].flow, len(kept)).encode("utf-8", "replace"))
            other.unlink(missing_ok=True)
            written.append(path)
        return tuple(written)

    def path(self, key: FlowKey) -> Path:
        """The file of a flow, compressed or not."""
        compressed = self._file(key, COMPRESSED)
        return compressed if compressed.exists() else self._file(key, PLAIN)

    def _file(self, key: FlowKey, suffix: str) -> Path:
        """Its name: readable, and distinct by a hash of the key."""
        text = f"{key.test_case or key.service} {'' if key.test_case else key.operation}"
        words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].rstrip("-")
        digest = hashlib.sha256("\0".join((key.test_case, key.service, key.operation)).encode("utf-8", "replace"))
        return self.folder / f"{words or 'flow'}-{digest.hexdigest()[:8]}{suffix}"


def samples_of(trace: Trace, run: str = "") -> tuple[Sample, ...]:
    """Each flow of a trace with its own spans; `run` empty: the one that the spans' resource names, else the trace's id."""
    spans = {span.span_id: span for span in trace.spans}
    below: dict[str, list[Span]] = {}
    tops: list[str] = []
    for span, parent in zip(trace.spans, trace.parents, strict=True):
        tops.append(span.span_id if parent < 0 else tops[parent])
        below.setdefault(tops[-1], []).append(span)
    samples: list[Sample] = []
    for flow, members in zip(normalize(trace), below.values(), strict=True):
        resource: Mapping[str, Any] = spans[members[0].span_id].resource.attributes
        samples.append(Sample(run or str(resource.get(RUN) or trace.trace_id), flow, tuple(members)))
    return tuple(samples)


def runs_of(samples: Iterable[Sample]) -> tuple[RunFlows, ...]:
    """What the comparison learns from: flows by run."""
    runs: dict[str, list[Flow]] = {}
    for sample in samples:
        runs.setdefault(sample.run, []).append(sample.flow)
    return tuple(RunFlows(run, tuple(flows)) for run, flows in runs.items())


def is_closed(sample: Sample) -> bool:
    """Whether no span of it names a parent that never arrived: only such a flow may be golden."""
    return not any(problem.kind == ProblemKind.ORPHAN for problem in sample.flow.problems)


def _by_key(samples: Iterable[Sample]) -> dict[FlowKey, list[Sample]]:
    grouped: dict[FlowKey, list[Sample]] = {}
    for sample in samples:
        grouped.setdefault(sample.flow.key, []).append(sample)
    return grouped


def _stamped(sample: Sample) -> list[Span]:
    """The spans with the run in their resource; one resource object for those that shared one."""
    resources: dict[int, Resource] = {}
    stamped: list[Span] = []
    for span in sample.spans:
        resource = resources.get(id(span.resource))
        if resource is None:
            attributes = {**span.resource.attributes, RUN: sample.run}
            resource = resources[id(span.resource)] = msgspec.structs.replace(span.resource, attributes=attributes)
        stamped.append(msgspec.structs.replace(span, resource=resource))
    return stamped


_compressor = zstandard.ZstdCompressor(level=19)
"""Slow and small: golden traces are written seldom and stay in the repository's history."""


def _plain(path: Path) -> bytes:
    data = _bytes(path)
    try:
        return inflate(data, detected_encoding(data), limit=MAX_INFLATED_BYTES)
    except UnreadableTraces as error:
        raise UnreadableTraces(error.reason, source=str(path), hint="Record it again with --update, or delete it.") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRequest(f"Cannot read {path}: {error.strerror}.") from None


def read_traces_of(paths: Sequence[Path]) -> tuple[Trace, ...]:
    """The traces of files in any format; spans of one trace may be spread over files. Raises UnreadableTraces."""
    return build_traces([span for path in paths for span in read_spans(_bytes(path), source=str(path))])
