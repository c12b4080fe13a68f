"""What the documents promise about files and settings."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate.app import create_app
from gate.errors import BadRequest
from gate.settings import Settings

ROOT = Path(__file__).parents[3]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("action/*.md"), *ROOT.glob("tests/*/*.md")]
UNWRITTEN = {"docs/comparison.md"}
"""Named in the README already; goes when it is written."""
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    """To a file that exists, and to a heading that it has."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    broken: list[str] = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert set(broken) <= UNWRITTEN


def test_every_route_is_in_the_document() -> None:
    """With its method; parameters have names of their own there."""
    text = (ROOT / "docs/rest.md").read_text()
    cells = [cell for line in text.splitlines() if line.startswith("| `") for cell in line.split("|")[1:2]]
    told: set[tuple[str, str]] = set()
    for cell in cells:
        paths = re.findall(r"(?<!…)(/[\w/{}]+)`", cell)
        told |= {
            (method, re.sub(r"{\w+}", "{}", path))
            for method in re.findall(r"\b(?:GET|POST|PUT|PATCH|DELETE)\b", cell)
            for path in paths
        }
        told |= {("POST", re.sub(r"\w+$", more, re.sub(r"{\w+}", "{}", paths[0]))) for more in re.findall(r"…/(\w+)`", cell)}
    described = {
        (method.upper(), re.sub(r"{\w+}", "{}", path.removeprefix("/api/v1")))
        for path, operations in create_app(Settings()).openapi_schema.to_schema()["paths"].items()
        for method in operations
    }
    assert described - told == set()
    assert {(method, path) for method, path in told if (method, path) not in described} == set()


def test_the_table_of_settings_is_the_settings() -> None:
    """Every variable with its default, in the same order."""
    rows = re.findall(r"^\| `(SPANGATE_\w+)` \| (?:`([^`]*)`)? ?\|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    fields = msgspec.structs.fields(Settings)
    assert rows == [(f"SPANGATE_{field.name.upper()}", _written(field.default)) for field in fields]


def test_every_default_can_be_written_as_a_variable() -> None:
    """The table's defaults, given by the environment, are the defaults."""
    fields = msgspec.structs.fields(Settings)
    assert Settings.from_environ({f"SPANGATE_{field.name.upper()}": _written(field.default) for field in fields}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "99999"), ("PORT", "http"), ("MAX_BODY_BYTES", "0"), ("MAX_BODY_BYTES", "20MB"), ("QUIET_SECONDS", "-1"),
     ("DEADLINE_SECONDS", "nan"), ("RETENTION_DAYS", "-1"), ("TELEMETRY", "perhaps"), ("LOG_FORMAT", "xml")],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(variable: str, value: str) -> None:
    """Not somewhere later with a stack trace."""
    with pytest.raises(BadRequest, match=f"SPANGATE_{variable}"):
        Settings.from_environ({f"SPANGATE_{variable}": value})


def test_flags_win_and_are_checked() -> None:
    """Over the environment; None is no flag."""
    settings = Settings.from_environ({"SPANGATE_PORT": "1", "SPANGATE_HOST": "::1"}, port=2, host=None)
    assert (settings.port, settings.host) == (2, "::1")
    with pytest.raises(BadRequest, match="port"):
        Settings.from_environ({}, port=70_000)


def _written(default: Any) -> str:
    match default:
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def _anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = _HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
