"""`Containerfile` and `compose.yaml`, as far as they can be tried without a container engine.

The container file's own lines are executed in an empty folder: what it copies, its commands, its environment, its start, its health
check, as another user where the tests run as root and that user can run Python. Not tried are the base images, the network and the volumes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from gate.settings import Settings
from gate.store.elasticsearch.cluster import MAJOR
from tests.acceptance.cli import ROOT, environ
from tests.parts import require
from tests.ports import free_port
from tests.servers.elasticsearch import VERSION

NOBODY = 65534


class Line(NamedTuple):
    """One instruction."""

    name: str
    text: str


def lines() -> list[Line]:
    """The instructions of the container file; continued lines are one."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    return [Line(*line.split(maxsplit=1)) for line in text.splitlines() if line and not line.startswith("#")]


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


class Image(NamedTuple):
    """What the container file makes, in a folder instead of `/`."""

    folder: Path
    environment: dict[str, str]
    start: list[str]
    health: list[str]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    folder = Path(tempfile.mkdtemp(prefix="spangate-image-"))
    folder.chmod(0o755)  # another user starts it
    try:
        yield _build(folder)
    finally:
        shutil.rmtree(folder)


def _build(folder: Path) -> Image:
    found: dict[str, Any] = {"ENV": {}}
    stage, where = "", folder
    for line in lines():
        match line.name:
            case "FROM":
                stage = line.text.rpartition(" AS ")[2] if " AS " in line.text else "final"
            case "WORKDIR":
                where = folder / line.text.lstrip("/")
                where.mkdir(parents=True)
            case "COPY" if stage == "build":
                *sources, into = line.text.split()
                for source in sources:
                    _copy(ROOT / source, where / into)
            case "RUN" if stage == "build":
                _run(_inside(line.text, folder).replace("--no-cache-dir", "").replace("--no-cache", ""), where)
            case "ENV":
                found["ENV"] |= dict(part.split("=", 1) for part in _inside(line.text, folder).split())
            case "HEALTHCHECK":
                found["HEALTHCHECK"] = json.loads(line.text[line.text.index("CMD") + 3 :])
            case "CMD":
                found["CMD"] = json.loads(line.text)
    return Image(folder, found["ENV"], found["CMD"], found["HEALTHCHECK"])


def _inside(text: str, folder: Path) -> str:
    return re.sub(r"(?<![\w.])/(opt|data)\b", lambda match: f"{folder}/{match[1]}", text)


def _copy(source: Path, into: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, into, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, into)


def _run(command: str, where: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-ec", command], cwd=where, env=environ(PATH=path, PYTHONPATH=""), capture_output=True, text=True, timeout=240, check=False
    )  # fmt: skip
    if done.returncode != 0:
        if "error sending request" in done.stderr or "NewConnectionError" in done.stderr:
            require("a package index", done.stderr.strip()[-400:])
        pytest.fail(f"{command}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")


def _other_user(image: Image) -> dict[str, Any]:
    """Options of a process without rights; none where the tests have none themselves, or only root may run this Python."""
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    if os.geteuid() != 0:
        return {}
    try:
        subprocess.run([image.folder / "opt/spangate/bin/python", "-c", ""], cwd="/", check=True, **nobody)
    except (PermissionError, subprocess.CalledProcessError):
        return {}
    return nobody


@pytest.mark.skipif(sys.platform != "linux", reason="it becomes a Linux image")
def test_the_image_starts_and_is_healthy(image: Image) -> None:
    """Built from what is copied alone, with the locked versions; its start command serves from its data folder
    alone, and its health check says yes; SIGTERM ends it with 0."""
    data, port = Path(image.environment["SPANGATE_DATA"]), str(free_port())
    data.mkdir()
    other = _other_user(image)
    if other:
        os.chown(data, NOBODY, NOBODY)
    variables = {
        **image.environment, "PATH": image.environment["PATH"].replace("$PATH", os.environ["PATH"]), "HOME": str(data),
        "SPANGATE_ADMIN_TOKEN": "long-and-random-0123456789abcdef", "SPANGATE_PORT": port,
    }  # fmt: skip
    settings: dict[str, Any] = {
        "cwd": "/",
        "env": variables,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }
    program = shutil.which(image.start[0], path=variables["PATH"])
    assert program == str(image.folder / "opt/spangate/bin/spangate")
    checked = [part.replace(":4318/", f":{port}/") for part in image.health]
    with subprocess.Popen([program, *image.start[1:]], **settings, **other) as child:
        try:
            deadline = time.monotonic() + 60
            while child.poll() is None and time.monotonic() < deadline:
                if healthy := subprocess.run(checked, **settings, **other, check=False).returncode == 0:
                    break
            assert child.poll() is None, child.communicate()[0]
            assert healthy
            assert (data / "spangate.db").stat().st_uid == (NOBODY if other else os.geteuid())
        finally:
            child.terminate()
        output, _ = child.communicate(timeout=30)
    assert child.returncode == 0, output
    # After the three lines for a person, every line is JSON, uvicorn's own too.
    assert all(json.loads(line) for line in output.splitlines()[3:]), output


def test_a_changed_package_is_refused(image: Image) -> None:
    """What the image installs must have a hash of the lock file."""
    (command,) = [line.text for line in lines() if line.name == "RUN" and "--constraint" in line.text]
    locked = image.folder / "src/requirements/demo.txt"
    changed = image.folder / "changed.txt"
    changed.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", locked.read_text()))
    again = command.replace("requirements/demo.txt", str(changed)).replace(
        "pip install", f"pip install --target {image.folder}/again"
    )
    done = subprocess.run(
        ["/bin/sh", "-ec", _inside(again, image.folder).replace("--no-cache", "")], cwd=image.folder / "src", capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode != 0
    assert "Hash mismatch" in done.stderr


def test_the_ports_and_folders_are_those_of_the_settings() -> None:
    """The exposed port is the default one, the volume is the data folder, the last user is not root."""
    said = {line.name: line.text for line in lines()}
    assert said["EXPOSE"] == str(Settings().port)
    assert f"SPANGATE_DATA={said['VOLUME']}" in said["ENV"].split()
    assert "SPANGATE_HOST=0.0.0.0" in said["ENV"].split()
    assert said["USER"] == "spangate"
    assert f":{Settings().port}/health" in said["HEALTHCHECK"]


def test_compose_is_valid() -> None:
    """By the schema of the Compose Specification."""
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_names_what_there_is() -> None:
    """Settings that exist, services that it defines, volumes that it declares, the versions that the tests run on, a health check
    for each service that another one waits for."""
    services = compose()["services"]
    spangate = services["spangate"]
    known = {f"SPANGATE_{name.upper()}" for name in Settings.__struct_fields__}
    assert set(spangate["environment"]) <= known
    for name in spangate["depends_on"]:
        assert "healthcheck" in services[name], name
    addresses = [spangate["environment"]["SPANGATE_DATABASE_URL"], spangate["environment"]["SPANGATE_ELASTICSEARCH_URL"]]
    assert [re.split(r"[@/:]", address.rpartition("//")[2].rpartition("@")[2])[0] for address in addresses] == [
        "postgres",
        "elasticsearch",
    ]
    used = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert used == set(compose()["volumes"])
    assert services["elasticsearch"]["image"] == f"elasticsearch:{VERSION}"
    assert VERSION.startswith(f"{MAJOR}.")
    assert (ROOT / spangate["build"]["dockerfile"]).is_file()
    assert all(published.startswith("127.0.0.1:") for published in spangate["ports"])
