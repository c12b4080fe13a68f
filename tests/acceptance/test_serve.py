"""`spangate serve`, and the commands that work on its store: `token` and `prune`."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.cli import environ, execute, process, server, spangate
from tests.ports import free_port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_clean(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and a supervisor's SIGTERM end the server with code 0 and no stack trace, though a client waits for a verdict."""
    port = free_port()
    command = [sys.executable, "-m", "gate.cli", "serve", "--port", str(port), "--data", "data"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            wait_for(client)
            run = client.post("/api/v1/runs", json={}).raise_for_status().json()["id"]
            with pytest.raises(httpx.TimeoutException):
                client.get(f"/api/v1/runs/{run}/verdict", params={"wait": 25}, timeout=1)
            child.send_signal(number)
            output, _ = child.communicate(timeout=30)
    assert child.returncode == 0, output
    assert f"Spangate listens on {address}, data in data" in output
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={address}" in output
    assert "Traceback" not in output


def wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.get("/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_free_port(tmp_path: Path, host: str) -> None:
    """With port 0 the address that is printed is the one that answers, of IPv6 too."""
    command = (sys.executable, "-m", "gate.cli", "serve", "--host", host, "--port", "0", "--data", "data")
    with process(*command, cwd=tmp_path) as child:
        assert child.stdout is not None
        address = child.stdout.readline().removeprefix("Spangate listens on ").partition(",")[0]
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            wait_for(client)
            assert client.get("/health").json()["status"] == "ok"


def test_a_port_in_use(tmp_path: Path) -> None:
    """A port that somebody has is exit 2 and one line with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = spangate("serve", "--port", str(port), cwd=tmp_path)
    assert result.returncode == 2
    assert (
        result.stderr
        == f"spangate: Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port or --host.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (("--host", "0.0.0.0"), {}, "Refusing to listen on 0.0.0.0 without a token"),
        (("--host", "256.1.1.1"), {"SPANGATE_ADMIN_TOKEN": "secret"}, "Cannot listen on 256.1.1.1"),
        (("--port", "70000"), {}, "70000 is not in the range"),
        ((), {"SPANGATE_PORT": "many"}, "SPANGATE_PORT='many'"),
        ((), {"SPANGATE_PORT": "70000"}, "SPANGATE_PORT='70000'"),
    ],
)
def test_wrong_settings_are_explained(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    """A wrong flag or variable is exit 2 and named; there is no stack trace."""
    result = spangate("serve", *arguments, cwd=tmp_path, **variables)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr
    assert "Traceback" not in result.stderr


def test_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    """A data directory that cannot be made is exit 3 and one line with the reason, for the server and for what works on its store."""
    (tmp_path / "file").touch()
    for command in (("serve", "--port", "0"), ("prune",)):
        result = spangate(*command, "--data", str(tmp_path / "file" / "data"), cwd=tmp_path)
        assert (result.returncode, "file/data/spangate.db cannot be used" in result.stderr) == (3, True), result.stderr
        assert (result.stdout, len(result.stderr.splitlines())) == ("", 1), result.stderr


def test_tokens_and_pruning(tmp_path: Path) -> None:
    """`token create` ends local mode of a server that runs, `list` shows no secret, a deleted token is refused; `prune` deletes what
    is older than the retention, says so beforehand with --dry-run, and leaves what is golden."""
    data = ("--data", str(tmp_path / "data"))
    with server(tmp_path, SPANGATE_QUIET_SECONDS="0.5") as address:

        def status(secret: str = "") -> int:
            headers = {"authorization": f"Bearer {secret}"} if secret else {}
            return httpx.get(f"{address}/api/v1/runs", headers=headers, trust_env=False, timeout=60).status_code

        def becomes_401(secret: str = "") -> bool:
            """What another process did is known after some seconds at most."""
            for _ in range(150):
                if status(secret) == 401:
                    return True
                time.sleep(0.2)
            return False

        recorded = execute("--update", "--server", address, cwd=tmp_path)
        assert (recorded.returncode, status()) == (0, 200), recorded.stderr
        secret = spangate("token", "create", "ci", *data, cwd=tmp_path).stdout.strip()
        assert secret.startswith("sg_")
        assert (becomes_401(), status(secret)) == (True, 200)
        judged = execute("--server", address, "--token", secret, cwd=tmp_path)
        assert judged.returncode == 0, judged.stderr
        listed = spangate("token", "list", *data, cwd=tmp_path).stdout
        assert secret not in listed
        identity, name, scopes, _ = listed.split()
        assert (name, scopes) == ("ci", "ingest,read")
        unknown = spangate("token", "delete", "nothing", *data, cwd=tmp_path)
        assert (unknown.returncode, "nothing" in unknown.stderr) == (2, True), unknown.stderr
        assert spangate("token", "delete", identity, *data, cwd=tmp_path).returncode == 0
        assert becomes_401(secret)
    make_older(tmp_path / "data", days=31)
    planned = spangate("prune", "--dry-run", *data, cwd=tmp_path)
    assert planned.stdout == "would delete 1 trace (4 spans) and 1 run; kept 1 persistent\n", planned.stderr
    done = spangate("prune", *data, cwd=tmp_path)
    assert done.stdout == "deleted 1 trace (4 spans) and 1 run; kept 1 persistent\n"
    assert spangate("prune", "--project", "nobody", *data, cwd=tmp_path).returncode == 2


def make_older(data: Path, *, days: int) -> None:
    """Move every arrival in the database back, as if the time had passed."""
    (file,) = data.glob("*.db")
    nanoseconds = days * 24 * 60 * 60 * 10**9
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE traces SET received_ns = received_ns - ?", (nanoseconds,))
        connection.execute("UPDATE runs SET created_ns = created_ns - ?1, finished_ns = finished_ns - ?1", (nanoseconds,))
    connection.close()
