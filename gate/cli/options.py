"""Options that several commands share, so that they are called and explained alike everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gate.errors import BadRequest
from gate.runner.client import ServerClient
from gate.runner.repository import DIRECTORY, Repository

F = TypeVar("F", bound=Callable[..., Any])

REPORT_FORMATS = ("text", "md", "html", "json", "junit")


def server_options(function: F) -> F:
    """`--server`, `--token`, `--project`."""
    for option in (
        click.option(
            "--project", default="", envvar="SPANGATE_PROJECT", show_envvar=True, help="Project, where no token decides it."
        ),
        click.option("--token", default="", envvar="SPANGATE_TOKEN", show_envvar=True, help="Token of the server (sg_…)."),
        click.option(
            "--server",
            default="",
            metavar="URL",
            envvar="SPANGATE_SERVER",
            show_envvar=True,
            help="Spangate server to work with.",
        ),
    ):
        function = option(function)
    return function


def golden_option(function: F) -> F:
    """`--golden-dir`."""
    return click.option(
        "--golden-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=DIRECTORY,
        show_default=True,
        help="Folder of golden traces, policy and approvals, where no server is named.",
    )(function)


def compress_option(function: F) -> F:
    """`--compress`."""
    return click.option(
        "--compress/--no-compress",
        default=None,
        help="Write golden files with zstd, a tenth of the size. Default: as the folder has them.",
    )(function)


def report_options(function: F) -> F:
    """`--format` and `--out`."""
    function = click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        help="Also write report.html, comment.md, summary.md, junit.xml and report.json there.",
    )(function)
    return click.option(
        "--format", "format_", type=click.Choice(REPORT_FORMATS), default="text", show_default=True, help="Report on stdout."
    )(function)


def client_of(server: str, token: str, project: str) -> ServerClient:
    """The client of a named server. Raises BadRequest when none is named."""
    if not server:
        raise BadRequest("No server is named.", hint="Give --server URL or set SPANGATE_SERVER.")
    return ServerClient(server, token=token, project=project)


def repository_of(golden_dir: Path) -> Repository:
    """The folder of golden traces."""
    return Repository(golden_dir)
