"""The accuracy harness measures what it says, on sets made here; the recorded sets must not get worse."""

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.accuracy.__main__ import main
from bench.accuracy.check import BASELINE
from bench.accuracy.mutations import KINDS, mutate
from bench.tracegen import again, trace
from gate.codec.encode import encode_json
from gate.model.trace import Span

SHARED = Path(__file__).resolve().parents[3] / "shared"


def write(path: Path, traces: Sequence[Sequence[Span]]) -> None:
    """A file of one OTLP/JSON trace a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(encode_json(list(spans)) + b"\n" for spans in traces), mtime=0))


def measured(folder: Path, out: Path, *arguments: str) -> dict[str, Any]:
    """The figures of one set, through the command line."""
    assert main([str(folder), "--out", str(out), *arguments]) == 0
    (figures,) = json.loads(out.read_text())
    return figures


def lost_call(spans: Sequence[Span], seed: int) -> list[Span]:
    """The trace without the same query."""
    mutation = mutate(spans, "drop_leaf", "1")
    assert mutation is not None
    return again(mutation.spans, seed)


@pytest.fixture
def corpus_set(tmp_path: Path) -> Path:
    """Two flows of 16 fault-free traces, a fault case that loses a call and one that only takes longer."""
    folder = tmp_path / "made"
    for name, seed in (("checkout", 1), ("search", 2)):
        golden = trace(40, seed=seed)
        write(folder / "normal" / f"{name}.jsonl.gz", [again(golden, seed=number) for number in range(16)])
    golden = trace(40, seed=1)
    write(folder / "fault" / "lost-call" / "checkout.jsonl.gz", [lost_call(golden, 100 + number) for number in range(6)])
    write(folder / "fault" / "slow" / "checkout.jsonl.gz", [slow_root(again(golden, 200 + number)) for number in range(6)])
    labels = {
        "lost-call": {"injected_service": "gateway", "structure_expected_to_change": True},
        "slow": {"injected_service": "gateway", "structure_expected_to_change": False},
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def slow_root(spans: list[Span]) -> list[Span]:
    """Only the entry takes longer: overlap and order of the calls stay."""
    return [span if span.parent_span_id else replace(span, end_ns=span.end_ns + 10**9) for span in spans]


def test_a_corpus_is_measured(corpus_set: Path, tmp_path: Path) -> None:
    """Identical traces raise nothing, mutations are found at their place, a fault case is told from a slow one."""
    figures = measured(corpus_set, tmp_path / "out.json", "--k", "1", "10", "--seeds", "3")
    assert figures["kind"] == "corpus"
    assert figures["held_out"] == 12
    assert figures["false_alarms"] == 0
    assert [each["k"] for each in figures["by_k"]] == [1, 10]
    assert set(figures["mutations"]) <= set(KINDS)
    assert figures["mutations"]["drop_leaf"]["n"] >= 4
    assert figures["detection_rate"] > 0.97
    assert figures["regressions"]["lost-call"]["detected"] == 6
    assert figures["regressions"]["lost-call"]["case_detected"] is True
    assert figures["regressions"]["slow"]["case_detected"] is False
    assert "made" in (tmp_path / "out.md").read_text()


def test_recordings_are_measured(tmp_path: Path) -> None:
    """Good runs raise nothing; the regression fails with its root; the refactoring and the other environment pass."""
    folder = tmp_path / "app"
    cases = {f"test_{number}": trace(24, seed=number) for number in range(3)}

    def run(path: str, seed: int, change: str = "") -> None:
        spans: list[Span] = []
        for index, (name, golden) in enumerate(cases.items()):
            made = golden if not change else lost_call(golden, seed) if name == change else golden
            case = again(made, 10 * seed + index)
            spans += [
                span if span.parent_span_id else replace(span, attributes={**span.attributes, "test.case.name": name})
                for span in case
            ]
        random.Random(seed).shuffle(spans)
        write(folder / path / "traces.jsonl.gz", [spans])

    for number in range(1, 9):
        run(f"good/run-{number:02}", number)
    run("bad/lost-call/run-01", 50, "test_1")
    run("ok/same/run-01", 60)
    run("env/other/run-01", 70)
    mutation = mutate(cases["test_1"], "drop_leaf", "1")
    assert mutation is not None
    (service, span), (_, parent) = mutation.sites
    root = {"service": service, "span": span, "parent": parent}
    labels = {"bad": {"lost-call": {"root": root}}, "env": {"other": {"expect": "pass"}}}
    (folder / "labels.json").write_text(json.dumps(labels))
    figures = measured(folder, tmp_path / "out.json", "--no-mutations")
    assert (figures["kind"], figures["k"], figures["held_out"]) == ("recordings", 5, 9)
    assert figures["false_alarms"] == 0
    assert figures["regressions"]["lost-call"] | {"top": ""} == {
        "runs": 1, "detected": 1, "root_correct": 1, "findings": 1.0, "expected": True, "case_detected": True, "top": "",
        "labelled": True,
    }  # fmt: skip
    assert figures["refactorings"] == {"same": {"failing_flows": 0, "verdicts": ["pass"]}}
    assert figures["environments"]["other"]["verdict"] == "pass"


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutation_changes_one_place(kind: str) -> None:
    """Every kind applies to an ordinary trace, changes it, and is the same for the same seed."""
    spans = trace(60, seed=4)
    mutation = mutate(spans, kind, "7")
    assert mutation is not None
    assert mutation.sites
    assert list(mutation.spans) != spans
    assert mutate(spans, kind, "7") == mutation


def test_a_folder_that_is_no_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the folder and what is missing."""
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path} has neither good/ nor normal/" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["good", "normal"])
def test_a_set_without_traces_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str) -> None:
    """The right layout with nothing in it is said in a sentence, not in a traceback."""
    (tmp_path / layout).mkdir()
    assert main([str(tmp_path)]) == 2
    assert "there is nothing to learn from" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["recordings/kinto", "recordings/shop", "corpus/trainticket-scripted", "corpus/onlineboutique"])
def test_recorded_sets_do_not_get_worse(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The quick run's figures are no worse than the stored ones."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the recorded set {name} is third-party data and not here")
    stored = json.loads(BASELINE.read_text())
    assert folder.name in stored
    assert main([str(folder), "--check"]) == 0, capsys.readouterr().err
