"""When a finished run is judged, as a pure function."""

import pytest

from gate.store.values import Activity
from gate.usecases.completion import Moment, Patience, wait_ns

PATIENCE = Patience(quiet_ns=3, deadline_ns=60)


@pytest.mark.parametrize(
    ("now", "last", "traces", "expected", "late", "unsettled", "wait"),
    [
        (100, 90, 5, 0, False, "", 0),
        (100, 99, 5, 0, False, "2 flows wait for spans", 3),
        (102, 100, 5, 0, False, "2 flows wait for spans", 1),
        (103, 100, 5, 0, False, "2 flows wait for spans", 0),
        (101, 50, 0, 0, False, "no spans arrived yet", 2),
        (159, 158, 5, 0, False, "2 flows wait for spans", 1),
        (160, 159, 5, 0, False, "2 flows wait for spans", 0),
        (120, 100, 4, 5, False, "", 40),
        (120, 100, 5, 5, False, "", 0),
        (160, 159, 4, 5, False, "", 0),
        (200, 199, 5, 0, True, "", 2),
        (202, 199, 5, 0, True, "", 0),
    ],
    ids=[
        "settled: at once", "unsettled: quiet since finish", "unsettled: nearly quiet", "unsettled: quiet", "no spans: quiet",
        "never quiet: the deadline is near", "never quiet: the deadline", "promised traces: until the deadline",
        "promised traces are there", "promised traces: the deadline", "late: not quiet", "late: quiet",
    ],
)  # fmt: skip
def test_how_long_to_wait(now: int, last: int, traces: int, expected: int, late: bool, unsettled: str, wait: int):
    """Finished at 100; quiet is 3, the deadline 60."""
    moment = Moment(now, 100, Activity(traces, traces, last), expected, late)

    assert wait_ns(moment, unsettled, PATIENCE) == wait
