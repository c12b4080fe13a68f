"""What was just read is remembered within a bound."""

from gate.store.elasticsearch.recent import ReadChunk, RecentTraces
from gate.store.values import StoredChunk

CHUNK = StoredChunk(b"d", 1, 1, False)


def read(size: int) -> list[ReadChunk]:
    """Two chunks with bodies of this size together."""
    return [ReadChunk(CHUNK, "b" * (size - 1)), ReadChunk(CHUNK, "b")]


def test_the_oldest_is_forgotten():
    """Bytes count, not traces; the same trace again is younger, and counts once."""
    recent = RecentTraces(limit=100)
    for project, trace_id in (("shop", "1"), ("shop", "2"), ("shop", "1"), ("shop", "3"), ("other", "1"), ("shop", "4")):
        recent.add(project, trace_id, read(25))

    assert recent.take("shop", "2") is None
    assert [recent.take("shop", trace_id) for trace_id in "13"] == [read(25)] * 2


def test_what_is_taken_makes_room():
    """It is not there any more, and pushes nothing out."""
    recent = RecentTraces(limit=100)
    for number in range(4):
        recent.add("shop", str(number), read(25))
    assert recent.take("shop", "3") == read(25)
    assert recent.take("shop", "3") is None
    recent.add("shop", "4", read(25))

    assert all(recent.take("shop", str(number)) for number in (0, 1, 2, 4))


def test_a_large_trace_does_not_push_out_the_others():
    """It is read again when it is needed; what was remembered of it before is forgotten."""
    recent = RecentTraces(limit=100)
    recent.add("shop", "1", read(25))
    recent.add("shop", "2", read(25))
    recent.add("shop", "2", read(26))

    assert (recent.take("shop", "1"), recent.take("shop", "2")) == (read(25), None)
