"""What `pip install` gives: the wheel alone, without this checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli import ROOT, environ, server
from tests.acceptance.trace_formats import order, written
from tests.parts import require


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel and what it depends on, in the locked versions; the folder of its programs."""
    folder = tmp_path_factory.mktemp("package")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        require("uv", "it is neither beside Python nor on PATH")
    venv = folder / "venv"
    for command in (
        ("build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)),
        ("venv", "--quiet", "--python", sys.executable, str(venv)),
    ):
        _do(uv, *command)
    (wheel,) = folder.glob("spangate-*.whl")
    _do(uv, "pip", "install", "--quiet", "--python", str(venv), "--constraint", str(ROOT / "requirements/dev.txt"), str(wheel))
    return venv / "bin"


def _do(uv: str, *arguments: str) -> None:
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        require("a package index", f"uv {arguments[0]} failed: {done.stderr.strip()[-600:]}")


def run(installed: Path, cwd: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`spangate ARGUMENTS` of the empty environment; the checkout is not on its path."""
    variables = environ(PYTHONPATH="", **more)
    return subprocess.run(
        [installed / "spangate", *arguments], cwd=cwd, env=variables, capture_output=True, text=True, timeout=120, check=False
    )


def test_reports_and_specs(installed: Path, tmp_path: Path) -> None:
    """Every report and a spec are made from the templates in the wheel."""
    for name, spans in (("good", order()), ("bad", order(insert=False))):
        (tmp_path / f"{name}.json").write_bytes(written(spans)["otlp.json"])
    promoted = run(installed, tmp_path, "promote", "good.json")
    assert promoted.returncode == 0, promoted.stderr
    checked = run(installed, tmp_path, "check", "bad.json", "--out", "reports")
    assert (checked.returncode, "INSERT" in checked.stdout) == (1, True), checked.stderr
    assert "<!doctype html>" in (tmp_path / "reports" / "report.html").read_text().lower()
    made = run(installed, tmp_path, "spec", "new", "good.json", "--out", "-", "--pytest", "generated.py")
    assert (made.returncode, "check: happens" in made.stdout) == (0, True), made.stderr


def test_the_server(installed: Path, tmp_path: Path) -> None:
    """`serve` makes its store by the migrations in the wheel, and judges what `check` sends."""
    (tmp_path / "good.json").write_bytes(written(order())["otlp.json"])
    with server(tmp_path, program=(str(installed / "spangate"),), PYTHONPATH="", SPANGATE_QUIET_SECONDS="0.5") as address:
        checked = run(installed, tmp_path, "check", "good.json", "--server", address)
    assert (checked.returncode, "NEW" in checked.stdout) == (0, True), checked.stdout + checked.stderr


def test_exec(installed: Path, tmp_path: Path) -> None:
    """`exec` runs a command of another environment under its receiver; without spans it is exit 4."""
    result = run(installed, tmp_path, "exec", "--quiet", "0.5", "--", sys.executable, "-c", "print('ran')")
    assert (result.returncode, result.stdout) == (4, "ran\n"), result.stderr


def test_nothing_else_is_installed(installed: Path) -> None:
    """The packages of the wheel are `gate` alone: no tests, no benchmarks."""
    (site,) = (installed.parent / "lib").glob("python*/site-packages")
    (info,) = site.glob("spangate-*.dist-info")
    assert {line.split("/")[0] for line in (info / "RECORD").read_text().splitlines()} <= {"gate", info.name, ".."}
    assert (info / "licenses" / "LICENSE").exists()
    assert not (site / "tests").exists()
