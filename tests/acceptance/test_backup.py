"""Back-up and restore as `docs/deployment.md` says it: its own lines, on real servers, while Spangate runs and clients deliver."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.cli import ROOT
from tests.faults.client import Client
from tests.faults.servers import Elasticsearch, Postgresql, elasticsearch_server, postgresql_server
from tests.faults.spangate import Spangate, spangate
from tests.faults.workload import Workload
from tests.parts import require

pytestmark = [pytest.mark.xdist_group("backup"), pytest.mark.timeout(600)]


def commands() -> list[str]:
    """Of the section on back-up, in its order: SQLite, the repository, the database, the snapshot, and their restores."""
    section = (ROOT / "docs" / "deployment.md").read_text().partition("\n## Back-up\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


SQLITE, REPOSITORY, DUMP, SNAPSHOT, RESTORE_DUMP, RESTORE_SNAPSHOT, DOCTOR = commands()


def run(command: str, variables: dict[str, str]) -> str:
    """As somebody types it in a shell with these variables; what it prints."""
    needed = command.split()[0]
    if shutil.which(needed, path=variables.get("PATH")) is None:
        require(needed, "a documented command needs it")
    done = subprocess.run(
        ["sh", "-ec", command], env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class Place(NamedTuple):
    """Two servers, and where what is saved of them lies."""

    postgresql: Postgresql
    elasticsearch: Elasticsearch
    folder: Path

    def settings(self) -> dict[str, str]:
        """Of Spangate on them."""
        return {"SPANGATE_DATABASE_URL": self.postgresql.url, "SPANGATE_ELASTICSEARCH_URL": self.elasticsearch.url}

    def run(self, command: str, name: str) -> None:
        """As somebody types it."""
        variables = {"NAME": name, "BACKUP": str(self.folder), "REPOSITORY": str(self.folder / "snapshots"), **self.settings()}
        said = run(command, variables | {"PATH": f"{self.postgresql.programs}{os.pathsep}{os.environ['PATH']}"})
        assert '"failed":0' in said or "_snapshot/spangate/" not in command, said


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    """Fresh servers."""
    async with postgresql_server() as postgresql, elasticsearch_server(f"path.repo={folder / 'snapshots'}") as elasticsearch:
        yield Place(postgresql, elasticsearch, folder)


class Traces(NamedTuple):
    """By what became of each."""

    early: str
    """There before all, promoted after the first snapshot."""
    middle: str
    """Came after the first snapshot, promoted after the dump."""
    late: str
    """Came after the dump."""


async def save(where: Place, folder: Path) -> Traces:
    """A snapshot, the dump, another snapshot, each with something in between."""
    async with spangate(folder, **where.settings()) as server, Client(server.url, "saved") as client:
        server.day = -2
        await server.start()
        work = Workload(client, server)
        await work.begin()
        early = await work.keep()
        where.run(REPOSITORY, "")
        where.run(SNAPSHOT, "before")
        middle = await work.keep()
        await work.promote(early)
        await work.settled()  # else the dump has what the span store had still to follow, and the doctor says so
        where.run(DUMP, "both")
        late = await work.keep()
        await work.promote(middle)
        where.run(SNAPSHOT, "both")
        await work.check()
    return Traces(early, middle, late)


async def test_sqlite(tmp_path: Path):
    """The copy of the database that is being written is whole."""
    async with spangate(tmp_path) as server, Client(server.url, "saved") as client:
        await server.start()
        work = Workload(client, server)
        await work.begin()
        trace = await work.keep()
        (tmp_path / "copy").mkdir()
        run(SQLITE, {"SPANGATE_DATA": str(tmp_path / "data"), "BACKUP": str(tmp_path / "copy")})
    (tmp_path / "restored").mkdir()
    (tmp_path / "copy").rename(tmp_path / "restored" / "data")
    async with spangate(tmp_path / "restored") as server, Client(server.url, "saved") as client:
        await server.start()
        assert await is_whole(client, trace)
        assert await server.doctor() == (0, [])


async def test_both_orders(tmp_path: Path):
    """Restored from the database first and the snapshot after it, everything that the records name is there, and the doctor takes away what
    is more. The other way round what came in between is lost, and said to be; what can be repaired is, for good."""
    async with place(tmp_path) as where:
        traces = await save(where, tmp_path)
    async with place(tmp_path) as where:
        where.run(REPOSITORY, "")
        where.run(RESTORE_DUMP, "both")
        where.run(RESTORE_SNAPSHOT, "both")
        await records_first(where, tmp_path / "first", traces)
        await forget(where)
        where.run(RESTORE_DUMP, "both")
        where.run(RESTORE_SNAPSHOT, "before")
        await spans_first(where, tmp_path / "second", traces)


async def records_first(where: Place, folder: Path, traces: Traces) -> None:
    """The documented order."""
    async with opened(where, folder) as server, Client(server.url, "saved") as client:
        assert await server.doctor() == (1, [f"saved  {traces.late}  spans without a record"])
        assert (await server.doctor("--repair"))[0] == 0
        assert await server.doctor() == (0, [])
        await server.start()
        for trace in (traces.early, traces.middle):
            assert await is_whole(client, trace)
        assert (await client.once("GET", f"/api/v1/traces/{traces.late}")).status_code == 404
        assert await persistent(client) == {traces.early}
        await Workload(client, server).keep()


async def spans_first(where: Place, folder: Path, traces: Traces) -> None:
    """The wrong order."""
    async with opened(where, folder) as server, Client(server.url, "saved") as client:
        lost = f"saved  {traces.middle}  its spans are lost"
        code, found = await server.doctor()
        assert (code, set(found)) == (1, {lost, f"saved  {traces.early}  persistent, but the span store does not know"})
        assert (await server.doctor("--repair"))[0] == 1
        server.day = 40
        await server.start()
        await client.api("POST", "/prune", json={})
        assert (await client.once("GET", f"/api/v1/traces/{traces.middle}")).status_code == 404
        assert await is_whole(client, traces.early)
    assert await server.doctor() == (0, [])


@asynccontextmanager
async def opened(where: Place, folder: Path) -> AsyncIterator[Spangate]:
    """Not started."""
    await asyncio.to_thread(folder.mkdir)
    async with spangate(folder, **where.settings()) as server:
        yield server


async def is_whole(client: Client, trace: str) -> bool:
    """Whether all spans of a trace are there."""
    row = await client.api("GET", f"/traces/{trace}")
    whole = (await client.api("GET", f"/traces/{trace}?format=otlp"))["resourceSpans"]
    return sum(len(scope["spans"]) for resource in whole for scope in resource["scopeSpans"]) == row["summary"]["spans"] > 1


async def persistent(client: Client) -> set[str]:
    """That are not golden from the beginning."""
    rows = (await client.api("GET", "/traces?persistent=true&limit=100"))["traces"]
    return {row["trace_id"] for row in rows if row["run"] != "golden"}


async def forget(where: Place) -> None:
    """Nothing is in the servers."""
    await where.postgresql.execute("drop schema public cascade")
    await where.postgresql.execute("create schema public")
    for index in await where.elasticsearch.ask("GET", "/_all/_settings"):
        await where.elasticsearch.ask("DELETE", f"/{index}")
