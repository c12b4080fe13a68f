"""What is measured and how much of it."""

import msgspec


class Options(msgspec.Struct, frozen=True):
    """The full run by default; `QUICK` is the subset for continuous integration."""

    ks: tuple[int, ...] = (1, 3, 5, 10, 20)
    seeds: tuple[int, ...] = (11, 12)
    held_out: int = 40
    """Held-out traces a flow and seed (corpus)."""
    per_kind: int = 3
    """Mutations of each kind a flow and seed."""
    corpus_k: int = 10
    fault_k: int = 20
    recording_goldens: int = 5
    max_traces: int = 400
    mutations: bool = True
    faults: bool = True
    split: str = "all"
    """`tune` and `report` are halves of a corpus by flow name; recordings are split by application."""


QUICK = Options(ks=(1, 10), seeds=(11,), held_out=8, per_kind=1, max_traces=40, faults=False)


class EmptySet(Exception):
    """A folder is laid out like a set and has no traces."""
