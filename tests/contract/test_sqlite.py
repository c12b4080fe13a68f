"""What only SQLite promises: durability in one file, and a schema that the server itself brings up to date."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gate.errors import Unavailable
from gate.service import Project
from gate.store.migrations import migrate
from gate.store.sql.schema import metadata
from gate.store.sql.sqlite import SqliteDatabase
from gate.store.sql.stores import open_sqlite
from tests.contract.made import DAY, NOW, give, span, span_names, trace_id

_WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from gate.service import Project
from gate.store.sql.stores import open_sqlite
from tests.contract.made import give, span

async def main():
    stores = await open_sqlite(Path(sys.argv[1]))
    await stores.projects.create(Project("shop", 30), now_ns=1)
    numbers = iter(range(1, 10**9))
    async def writer():
        for number in numbers:
            await give(stores, span(number), span(number, 2, 1), run="")
            print(number, flush=True)
    await asyncio.gather(*[writer() for _ in range(8)])

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 40, 300])
async def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path, acknowledged: int):
    """A process killed with SIGKILL in the middle of its load: every answered delivery is there, whole, and nothing half."""
    path = tmp_path / "spangate.db"
    root = Path(__file__).parent.parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(path), str(root), stdout=asyncio.subprocess.PIPE, cwd=root
    )
    assert process.stdout is not None
    answered = [int(await process.stdout.readline()) for _ in range(acknowledged)]
    os.kill(process.pid, signal.SIGKILL)
    answered += [int(line) for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()

    stores = await open_sqlite(path)
    for number in answered:
        assert (await stores.traces.one("shop", trace_id(number))).spans == 2
        assert len(await span_names(stores, number)) == 2
    stats = await stores.stats()
    assert stats.spans == 2 * stats.traces
    await give(stores, span(10**9))
    await stores.close()


def test_migrations_give_the_schema(tmp_path: Path):
    """Migrating an empty file makes the tables and indexes of `schema`, to the letter."""

    def shape(file: str, make: object) -> set[tuple[str, str]]:
        engine = create_engine(f"sqlite:///{tmp_path / file}")
        with engine.begin() as connection:
            make(connection)  # type: ignore[operator]
            rows = connection.execute(text("select name, sql from sqlite_master where name not like 'spangate%'")).all()
        engine.dispose()
        return {(name, "".join((sql or "").lower().replace('"', "").split())) for name, sql in rows if "spangate" not in name}

    def without_order(shape: set[tuple[str, str]]) -> set[tuple[str, tuple[str, ...]]]:
        return {(name, tuple(sorted(sql.replace("(", ",").replace(")", ",").split(",")))) for name, sql in shape}

    assert without_order(shape("a.db", migrate)) == without_order(shape("b.db", metadata.create_all))


async def test_commits_survive_a_power_cut(tmp_path: Path):
    """The file is in WAL mode, and the writer syncs it at each commit."""
    stores = await open_sqlite(tmp_path / "a.db")

    def pragmas(connection: object) -> tuple[object, ...]:
        return tuple(
            connection.exec_driver_sql(f"pragma {name}").scalar()  # type: ignore[attr-defined]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        )

    assert await stores.database.write(pragmas) == ("wal", 2, 1)
    assert (await stores.database.read(pragmas))[2] == 1
    await stores.close()


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path):
    """The message names the file; a file of something else is not touched."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match=r"file/spangate\.db"):
        await open_sqlite(tmp_path / "file" / "spangate.db")
    foreign = tmp_path / "foreign.db"
    foreign.write_bytes(b"this is not a database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        await open_sqlite(foreign)
    assert foreign.read_bytes().startswith(b"this is not")


def _set_immutable(path: Path, sign: str) -> bool:
    """A file that even root cannot write; says whether the file system knows such files."""
    return subprocess.run(["chattr", f"{sign}i", path], capture_output=True, check=False).returncode == 0


async def test_a_read_only_database_is_said(tmp_path: Path):
    """At start, with the setting."""
    path = tmp_path / "a.db"
    await (await open_sqlite(path)).close()
    path.chmod(0o444)
    if not _set_immutable(path, "+") and os.access(path, os.W_OK):
        pytest.skip("root writes everywhere, and this file system has no immutable files")
    try:
        with pytest.raises(Unavailable, match=r"a\.db.*SPANGATE_DATA"):
            await open_sqlite(path)
    finally:
        _set_immutable(path, "-")


async def test_a_failing_write_is_unavailable_and_alone(tmp_path: Path):
    """A database that refuses (here: full) gives Unavailable with its own words; later, with space, writing goes on."""
    stores = await open_sqlite(tmp_path / "a.db")
    await stores.projects.create(Project("shop", 30), now_ns=1)
    database = stores.database
    assert isinstance(database, SqliteDatabase)

    def limit(pages: int) -> object:
        return database.write(lambda connection: connection.exec_driver_sql(f"pragma max_page_count={pages}").scalar())

    await limit(1)
    outcomes = await asyncio.gather(
        *[give(stores, span(number, note=os.urandom(90_000).hex())) for number in range(1, 5)],
        give(stores, span(9), project="none"),
        return_exceptions=True,
    )
    assert {str(type(outcome).__name__) for outcome in outcomes[:4]} == {"Unavailable"}
    assert "full" in str(outcomes[0])
    assert (await stores.stats()).traces == 0
    await limit(1_000_000)
    await give(stores, span(1))
    assert (await stores.stats()).traces == 1
    await stores.close()


async def test_another_process_that_writes_is_waited_for(tmp_path: Path):
    """The CLI may write to the file of a running server: neither fails."""
    stores = await open_sqlite(tmp_path / "a.db")
    await stores.projects.create(Project("shop", 30), now_ns=1)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("begin immediate")
    waiting = asyncio.create_task(give(stores, span(1)))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("commit")
    other.close()

    await waiting
    assert (await stores.stats()).traces == 1
    await stores.close()


async def test_pruning_gives_space_back(tmp_path: Path):
    """After a prune and a tidy the file is smaller."""
    path = tmp_path / "a.db"
    stores = await open_sqlite(path)
    await stores.projects.create(Project("shop", 30), now_ns=1)
    await give(stores, *[span(number, note=os.urandom(20_000).hex()) for number in range(1, 60)], now_ns=1)

    def checkpoint() -> int:
        other = sqlite3.connect(path)
        other.execute("pragma wal_checkpoint(truncate)").fetchall()
        other.close()
        return path.stat().st_size

    before = checkpoint()
    await stores.traces.prune("shop", before_ns=NOW, limit=100)
    await stores.spans.delete("shop", [trace_id(number) for number in range(1, 60)], before_ns=NOW + DAY)
    await stores.tidy()
    assert checkpoint() < before / 2
    await stores.close()
