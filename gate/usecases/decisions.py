"""What people decide about the findings of a run; the run is judged anew with it."""

from collections.abc import Callable

from gate.errors import BadRequest, Conflict, NotFound
from gate.model.verdict import Verdict
from gate.store.protocols import Stores
from gate.store.values import Decision
from gate.usecases.verdicts import Verdicts


class Decisions:
    """See `approve`, `reject` and `withdraw` of `gate.service.Gate`. `clock` gives nanoseconds since the epoch."""

    def __init__(self, stores: Stores, verdicts: Verdicts, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._verdicts = verdicts
        self._clock = clock

    async def decide(
        self,
        project: str,
        run_id: str,
        decision: Decision,
        fingerprints: tuple[str, ...],
        *,
        by: str,
        reason: str = "",
        replace: bool = False,
    ) -> tuple[str, ...]:
        """Those decided about, in the order given: all undecided ones for an approval of none. Of a withdrawal those that it changed.

        Raises NotFound for a finding that the run does not have, Conflict when somebody decided otherwise; then nothing is written.
        """
        wanted: list[str] = []
        changed: list[str] = []

        async def write(verdict: Verdict) -> bool:
            known = {finding.fingerprint for finding in verdict.findings}
            foreign = [fingerprint for fingerprint in fingerprints if fingerprint not in known]
            if foreign:
                raise NotFound(f"Run {run_id!r} has no finding {foreign[0][:80]!r}.", hint="Its verdict lists the fingerprints.")
            if not fingerprints and decision != "approve":
                raise BadRequest(f"Name the findings to {decision}: only an approval may mean all of them.")
            wanted.extend(dict.fromkeys(fingerprints or [finding.fingerprint for finding in verdict.undecided]))
            changed.extend(
                await self._stores.decisions.decide(
                    project, run_id, decision, wanted, by=by, reason=reason, replace=replace, now_ns=self._clock()
                )
            )
            return bool(changed)

        if await self._verdicts.decide(project, run_id, write) is None:
            raise no_verdict(run_id)
        return tuple(each for each in wanted if each in changed) if decision == "withdraw" else tuple(wanted)


def no_verdict(run_id: str) -> Conflict:
    """The error for a run that cannot be decided about yet."""
    return Conflict(f"Run {run_id!r} has no verdict yet.", hint="Finish it, then wait with GET …/verdict?wait=25.")
