"""Many rows written at once, the same way by both databases."""

from typing import Any

from sqlalchemy import Connection, select

from gate.store.protocols import Stores
from gate.store.sql.lookup import project_key
from gate.store.sql.schema import audit, manifest, marks, samples
from gate.store.sql.stores import SqlStores
from gate.store.sql.writes import Write, flagged, missing, raised, write_all

IDENTITY = ("project", "baseline_id", "trace_id")


def ids(*numbers: int) -> list[bytes]:
    """Of traces."""
    return [bytes([number]) * 16 for number in numbers]


def sample(project: int, trace_id: bytes, *, pinned: bool, reason: str) -> dict[str, Any]:
    """A row, with a text that is hostile in SQL."""
    texts = dict.fromkeys(
        ("gate", "environment", "test_case", "service", "operation", "run", "commit", "promoted_by"), "'; -- $1 ?"
    )
    return {
        "project": project,
        "baseline_id": "b",
        "trace_id": trace_id,
        "pinned": pinned,
        "promoted_ns": 1,
        "reason": reason,
        **texts,
    }


async def test_several_tables_at_once(stores: Stores):
    """What is there stays or is raised, what is not is inserted, a flag is set of what matches only, and no rows are no harm."""
    assert isinstance(stores, SqlStores)
    one, two, three = ids(1, 2, 3)

    def work(connection: Connection) -> list[Any]:
        project = project_key(connection, "shop")
        chunks = [
            {"project": project, "trace_id": of, "digest": digest, "received_ns": 1, "size": 1, "kept": False}
            for of in (one, two)
            for digest in (b"d", b"e")
        ]
        write_all(connection)
        write_all(connection, missing(marks, []), flagged(manifest, [], "kept"))
        write_all(connection, Write(manifest, chunks), missing(marks, [{"project": project, "trace_id": one}]))
        first = [sample(project, one, pinned=False, reason="first"), sample(project, two, pinned=True, reason="first")]
        write_all(connection, raised(samples, first, "pinned", IDENTITY))
        again = [sample(project, of, pinned=of == one, reason="again") for of in (one, two, three)]
        write_all(
            connection,
            missing(marks, [{"project": project, "trace_id": of} for of in (one, three)]),
            flagged(manifest, [{"project": project, "trace_id": of, "digest": b"d"} for of in (one, three)], "kept"),
            raised(samples, again, "pinned", IDENTITY),
        )
        return [
            sorted(connection.scalars(select(marks.c.trace_id))),
            sorted(map(tuple, connection.execute(select(manifest.c.trace_id, manifest.c.digest).where(manifest.c.kept)))),
            sorted(map(tuple, connection.execute(select(samples.c.trace_id, samples.c.pinned, samples.c.reason)))),
            connection.scalars(select(samples.c.commit).distinct()).all(),
        ]

    marked, kept, golden, texts = await stores.database.write(work)
    assert marked == [one, three]
    assert kept == [(one, b"d")]
    assert golden == [(one, True, "first"), (two, True, "first"), (three, False, "again")]
    assert texts == ["'; -- $1 ?"]


async def test_many_rows(stores: Stores):
    """More than a statement may have parameters."""
    assert isinstance(stores, SqlStores)

    def work(connection: Connection) -> int:
        project = project_key(connection, "shop")
        same = {"project": project, "at_ns": 1, "by": "", "action": "", "detail": "", "run": ""}
        write_all(connection, Write(audit, [{**same, "subject": str(number)} for number in range(40_000)]))
        return len(connection.scalars(select(audit.c.subject).where(audit.c.subject != "")).all())

    assert await stores.database.write(work) == 40_000
