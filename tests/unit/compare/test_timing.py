"""What two intervals say about the order of their calls."""

from gate.compare.timing import relation


def test_an_order_that_only_a_coarse_clock_allows_is_no_sure_one():
    """Spans that begin at whole milliseconds may have followed each other where they seem to overlap by less than one; where the
    calls are known to overlap, that says nothing."""
    first, then = (1_000_000, 6_443_279), (6_000_000, 11_891_674)
    assert relation(first, then, 2) == 0
    assert relation(first, then, 2, sure=True) is None


def test_a_sure_order_and_a_sure_overlap_say_the_same_either_way():
    """What the clock can tell does not depend on what is known."""
    first, after, beside = (1_000_000, 6_443_279), (8_000_000, 11_891_674), (2_000_000, 7_891_674)
    assert [relation(first, after, 2, sure=sure) for sure in (False, True)] == [0, 0]
    assert [relation(first, beside, 2, sure=sure) for sure in (False, True)] == [2, 2]
