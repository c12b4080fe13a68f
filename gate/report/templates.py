"""The Jinja environments of the reports: Markdown (escaped by its filters) and HTML (escaped always)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import jinja2

from gate.report.clean import cell, clean, code, link, shell, summary_code, word
from gate.report.words import count

_HERE = Path(__file__).resolve().parents[1]
FOLDERS = (_HERE / "templates", _HERE.parent / "templates")
"""In an installed wheel, and in a source tree."""


@cache
def markdown_templates() -> jinja2.Environment:
    """Templates whose every value goes through a filter that escapes it; an undefined name is an error."""
    return _environment(autoescape=False)


@cache
def html_templates() -> jinja2.Environment:
    """Templates that escape every value, and clean it of what HTML escaping leaves (control and bidirectional characters)."""
    environment = _environment(autoescape=True)
    environment.finalize = _cleaned
    return environment


def source(name: str) -> str:
    """A template folder's file as it is: the style sheet and script of the HTML report."""
    loader = jinja2.FileSystemLoader(FOLDERS)
    return loader.get_source(jinja2.Environment(autoescape=True), name)[0]


def _cleaned(value: object) -> object:
    return clean(value) if type(value) is str else value


def _environment(*, autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDERS),
        autoescape=autoescape,  # noqa: S701 - Markdown has filters of its own
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    filters: dict[str, Callable[..., str]] = {
        "code": code,
        "cell": cell,
        "word": word,
        "summary_code": summary_code,
        "clean": clean,
        "link": link,
        "shell": shell,
        "count": count,
    }
    environment.filters.update(filters)
    return environment
