"""The traces of one flow in a corpus: read, split into goldens and held-out ones, learned from, judged."""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.accuracy.product import Judged, flow_of, judge_run, learned
from gate.codec.otlp_json import decode_spans
from gate.compare import Baselines
from gate.model.flow import Flow, RunFlows
from gate.model.trace import Span


class Recorded(msgspec.Struct, frozen=True):
    """One trace of the set: its spans (for mutations) and its flow."""

    spans: tuple[Span, ...]
    flow: Flow


class CorpusFlow(msgspec.Struct, frozen=True):
    """The fault-free traces of one flow."""

    name: str
    traces: tuple[Recorded, ...]


def read_traces(path: Path, name: str, limit: int) -> tuple[Recorded, ...]:
    """At most `limit` traces of a file, filed under `name`."""
    recorded: list[Recorded] = []
    with gzip.open(path, "rb") as lines:
        for line in lines:
            if len(recorded) >= limit:
                break
            if line.strip():
                spans = tuple(decode_spans(line))
                recorded.append(Recorded(spans, flow_of(spans, name)))
    return tuple(recorded)


def split_traces(flow: CorpusFlow, k: int, seed: int, held_out: int) -> tuple[list[int], list[int]]:
    """Golden and held-out traces by index, disjoint; nothing when there are too few."""
    order = list(range(len(flow.traces)))
    random.Random(f"{seed}/{flow.name}").shuffle(order)
    if len(order) < k + 2:
        return [], []
    return order[:k], order[k : k + held_out]


def learn_from(flow: CorpusFlow, goldens: Sequence[int]) -> Baselines:
    """What these traces teach, each a run of its own."""
    return learned([RunFlows(f"golden-{number}", (flow.traces[number].flow,)) for number in goldens])


def judge_flow(baselines: Baselines, flow: Flow, run: str) -> Judged:
    """One flow as a run of its own."""
    return judge_run(baselines, RunFlows(run, (flow,)))
