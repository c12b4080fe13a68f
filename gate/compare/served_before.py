"""Processes that served before the run began: what golden processes do once, they did already.

That a process is not fresh shows: it makes hardly any of the calls that every golden process of its service makes when it starts to
work (settings of a connection, the server's version, lists that are loaded once). One vanished call may be a change of the code; most
that a fresh process does are not. A service that does nothing of the kind is taken for what the others of the run are.
"""

from collections import Counter
from collections.abc import Mapping

from gate.compare.runs import GoldenRuns, calls_by_process
from gate.compare.shape import Label

FEWEST_STARTING = 2
"""Calls of a fresh process whose absence, with that of most others, shows that it served before."""


class ServedBefore:
    """The processes of a run beside those of the golden runs. `calls`: of the run, see `calls_by_process`."""

    __slots__ = ("_calls", "_golden", "_starting")

    def __init__(self, golden: GoldenRuns, calls: Mapping[tuple[str, str], Counter[Label]]) -> None:
        self._calls = calls
        self._golden = [process for _, shapes in golden.all() for process in calls_by_process(shapes).items()]
        self._starting: dict[str, set[Label]] = {}
        """By service, the calls that each of its golden processes makes on first use."""
        for label in golden.first_use:
            if all(counted[label] for (service, _), counted in self._golden if service == label[0]):
                self._starting.setdefault(label[0], set()).add(label)

    def has(self, service: str, process: str) -> bool:
        """Whether this process of the service served before the run."""
        if service in self._starting:
            return self._is_started(service, process)
        others = [(name, one) for name, one in self._calls if one and len(self._starting.get(name, ())) >= FEWEST_STARTING]
        return bool(others) and all(self._is_started(name, one) for name, one in others)

    def is_once(self, label: Label) -> bool:
        """Whether every golden process of the service makes the call, and only once."""
        return all(counted[label] == 1 for (service, _), counted in self._golden if service == label[0])

    def _is_started(self, service: str, process: str) -> bool:
        starting, calls = self._starting[service], self._calls.get((service, process), Counter[Label]())
        absent = sum(not calls[label] for label in starting)
        return absent >= FEWEST_STARTING and 2 * absent > len(starting)
