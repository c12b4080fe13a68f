"""The action's sources: their syntax, their independence, and their pure parts under Node's own test runner."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.action.actions_runner import ACTION, NODE

SOURCES = sorted(ACTION.rglob("*.js"))


def test_the_pure_parts() -> None:
    """Every unit test in units.test.mjs passes, and there are some."""
    result = subprocess.run(
        [NODE, "--test", Path(__file__).with_name("units.test.mjs")], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout
    ran = re.search(r"^(?:# |ℹ )pass (\d+)$", result.stdout, re.MULTILINE)
    assert ran and int(ran[1]) > 10, result.stdout


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ACTION)))
def test_nothing_is_imported_but_node_and_itself(source: Path) -> None:
    """Each file parses, and imports only Node's own modules and files of the action: nothing is installed at run time."""
    subprocess.run([NODE, "--check", source], check=True, timeout=60)
    imported = re.findall(r"(?:from|import)\s*\(?'([^']+)'\)?", re.sub(r"/\*\*.*?\*/", "", source.read_text(), flags=re.DOTALL))
    assert [name for name in imported if not name.startswith(("node:", "./", "../"))] == []
    assert all((source.parent / name).is_file() for name in imported if name.startswith("."))


def test_the_manifest_and_the_code_agree() -> None:
    """Every input that action.yml declares is read, every input that is read is declared, and outputs likewise."""
    manifest = yaml.safe_load((ACTION / "action.yml").read_text())
    code = "\n".join(source.read_text() for source in SOURCES)
    assert set(re.findall(r"\binput\('([a-z-]+)'\)", code)) == manifest["inputs"].keys()
    written = set(re.findall(r"\bsetOutput\('([a-z-]+)'", code)) | set(
        re.findall(r"\['([a-z-]+)', '[a-z]+\.(?:md|html|xml)'\]", code)
    )
    assert written == manifest["outputs"].keys()
    assert manifest["runs"] == {"using": "node24", "main": "main.js", "post": "post.js"}
