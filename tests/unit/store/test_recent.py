"""What was just read is remembered within a bound."""

from gate.store.elasticsearch.recent import RecentBodies


def test_the_oldest_is_forgotten():
    """Bytes count, not bodies; the same body again is younger, and counts once."""
    recent = RecentBodies(limit=100)
    one, two, three = (("shop", f"{number:032x}", b"d") for number in (1, 2, 3))
    for name in (one, two, one):
        recent.add(name, "b" * 25)
    for name in (three, ("other", "", b"d"), ("shop", "", b"e")):
        recent.add(name, "b" * 25)

    assert recent.get(two) is None
    assert [recent.get(name) for name in (one, three)] == ["b" * 25] * 2


def test_a_large_body_does_not_push_out_the_others():
    """It is read again when it is needed."""
    recent = RecentBodies(limit=100)
    recent.add(("shop", "1", b"d"), "b" * 25)
    recent.add(("shop", "2", b"d"), "b" * 26)

    assert (recent.get(("shop", "1", b"d")), recent.get(("shop", "2", b"d"))) == ("b" * 25, None)
