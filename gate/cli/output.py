"""Reports go to stdout, everything else to stderr."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gate.model.run import Report
from gate.report import render
from gate.report.clean import clean
from gate.report.terminal import tree
from gate.runner.client import ServerClient
from gate.runner.files import write_whole

FILES = {"report.html": "html", "comment.md": "md", "summary.md": "summary", "junit.xml": "junit", "report.json": "json"}


def say(text: str) -> None:
    """One or more lines for the person at the terminal; span content in it is made harmless."""
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip(" "))]
        click.echo(f"spangate: {indent}{clean(line)}", err=True)


def print_text(text: str) -> None:
    """Text for stdout as it is; what stdout cannot encode is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding), nl=not text.endswith("\n"))


def print_report(report: Report, format: str, out: Path | None) -> None:
    """The report on stdout (a tree in colour where a terminal shows it), and every form of it in `out`."""
    if format == "text" and sys.stdout.isatty():
        Console(highlight=False).print(tree(report), soft_wrap=True)
    else:
        print_text(render(report, format))
    if out is not None:
        write_reports(out, {name: render(report, kind) for name, kind in FILES.items()})


async def print_server_report(client: ServerClient, run: str, format: str, out: Path | None) -> None:
    """Likewise for a run of a server."""
    text = await client.report(run, format)
    if format == "text" and sys.stdout.isatty():
        Console(highlight=False).print(Text(text), soft_wrap=True)
    else:
        print_text(text)
    if out is not None:
        write_reports(out, {name: await client.report(run, kind) for name, kind in FILES.items()})


def write_reports(out: Path, texts: Mapping[str, str]) -> None:
    """The files of a report, each whole or not at all."""
    for name, text in texts.items():
        write_whole(out / name, text.encode("utf-8", "replace"))
    say(f"reports are in {out}: {', '.join(texts)}")
