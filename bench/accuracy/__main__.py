"""`python -m bench.accuracy SET… [--out FILE]`: measure sets of recorded traces; JSON to FILE, a Markdown table beside it.

A set is a folder laid out like `recordings/<application>` (`good/`, and optionally `env/`, `ok/`, `bad/`) or `corpus/<set>`
(`normal/`, and optionally `fault/`). `--quick` measures a subset in about a minute, `--check` compares with stored figures.
"""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from bench.accuracy import corpus, recordings
from bench.accuracy.check import BASELINE, drops, store
from bench.accuracy.figures import SetFigures, markdown
from bench.accuracy.options import QUICK, EmptySet, Options
from bench.accuracy.worst import Example, render
from gate.errors import GateError


def main(arguments: list[str] | None = None) -> int:
    """0 when measured (and, with `--check`, nothing dropped), 1 when a figure dropped, 2 when a set cannot be read."""
    given = _parser().parse_args(arguments)
    if not given.sets:
        print(
            "No sets: give folders laid out like recordings/<application> or corpus/<set> (make bench-accuracy SETS=…).",
            file=sys.stderr,
        )
        return 2
    options = _options(given)
    measured: list[SetFigures] = []
    worst: list[str] = []
    for folder in map(Path, given.sets):
        print(f"measuring {folder.name} …", file=sys.stderr, flush=True)
        try:
            found = _measure(folder, options)
        except (GateError, EmptySet) as error:
            print(error, file=sys.stderr)
            return 2
        except json.JSONDecodeError as error:
            print(f"{folder / 'labels.json'} is no JSON: {error}", file=sys.stderr)
            return 2
        if found is None:
            print(f"{folder} has neither good/ nor normal/: it is no set of traces.", file=sys.stderr)
            return 2
        figures, examples = found
        measured.append(figures)
        worst.append(render(figures.set, examples))
    _write(given, measured, worst)
    if given.store:
        store(measured)
        print(f"stored in {BASELINE}", file=sys.stderr)
    if given.check:
        found = drops(measured)
        print("\n".join(found) or "no figure dropped", file=sys.stderr)
        return 1 if found else 0
    return 0


def _measure(folder: Path, options: Options) -> tuple[SetFigures, list[Example]] | None:
    if recordings.is_recordings(folder):
        return recordings.measure(folder, options)
    return corpus.measure(folder, options) if corpus.is_corpus(folder) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help="folders of recorded traces")
    parser.add_argument("--out", type=Path, help="JSON figures; the Markdown table goes beside it as .md")
    parser.add_argument("--worst", type=Path, help="write what went wrong with the two trees")
    parser.add_argument("--quick", action="store_true", help="a subset, for continuous integration")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when a figure is worse than the stored one (implies --quick)"
    )
    parser.add_argument("--store", action="store_true", help="store the figures for --check (implies --quick)")
    parser.add_argument("--seeds", type=int, nargs="+", help="seeds of the splits (default 11 12)")
    parser.add_argument("--k", type=int, nargs="+", help="numbers of golden traces (default 1 3 5 10 20)")
    parser.add_argument("--split", choices=("all", "tune", "report"), default="all", help="half of a corpus, by flow name")
    parser.add_argument("--no-mutations", action="store_true")
    return parser


def _options(given: argparse.Namespace) -> Options:
    options = QUICK if given.quick or given.check or given.store else Options()
    if given.seeds:
        options = msgspec.structs.replace(options, seeds=tuple(given.seeds))
    if given.k:
        options = msgspec.structs.replace(options, ks=tuple(given.k))
    return msgspec.structs.replace(options, split=given.split, mutations=options.mutations and not given.no_mutations)


def _write(given: argparse.Namespace, measured: list[SetFigures], worst: list[str]) -> None:
    table = markdown(measured)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")
        given.out.with_suffix(".md").write_text(table)
    if given.worst:
        given.worst.write_text("\n".join(worst))
    print(table)


if __name__ == "__main__":
    sys.exit(main())
