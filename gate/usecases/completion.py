"""When a finished run is complete: there is no end-of-trace signal, so a rule decides. Pure; `watch` asks it again and again."""

import msgspec

from gate.store.values import Activity


class Patience(msgspec.Struct, frozen=True):
    """How long to wait for spans, in nanoseconds."""

    quiet_ns: int
    """Without new spans for so long, what is there is judged."""
    deadline_ns: int
    """After finish, judged in any case."""


class Moment(msgspec.Struct, frozen=True):
    """What the rule looks at."""

    now_ns: int
    finished_ns: int
    activity: Activity
    expected_traces: int = 0
    late: bool = False
    """A verdict exists; more has arrived since."""


def wait_ns(moment: Moment, unsettled: str, patience: Patience) -> int:
    """0: judge now. Otherwise ask again after so many nanoseconds, or when spans arrive.

    A run is complete when every flow is closed and everything mandatory is there (`unsettled` is empty), or when nothing came for
    `quiet_ns`; the promised number of traces is waited for until the deadline. Late data is judged when it is quiet again.
    """
    quiet_left = max(moment.activity.last_ns, moment.finished_ns) + patience.quiet_ns - moment.now_ns
    if moment.late:
        return max(quiet_left, 0)
    deadline_left = max(moment.finished_ns + patience.deadline_ns - moment.now_ns, 0)
    if moment.activity.traces < moment.expected_traces:
        return deadline_left
    if not unsettled:
        return 0
    return max(min(quiet_left, deadline_left), 0)
