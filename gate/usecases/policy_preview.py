"""What a policy would change in runs that were judged already."""

from gate.compare import check_policy
from gate.errors import GateError
from gate.model.policy import Policy
from gate.model.run import Run
from gate.model.verdict import Conclusion, Finding, Level, Verdict
from gate.service import LevelChange, PolicyEffect
from gate.store.protocols import Stores
from gate.usecases.judging import Judge
from gate.usecases.overview import newest_verdicts

_SPANS = 50_000
"""Of one run; a larger one is skipped, and said to be, so that a preview answers in seconds."""


async def preview(stores: Stores, judge: Judge, project: str, policy: Policy, runs: int) -> tuple[PolicyEffect, ...]:
    """See `Gate.preview_policy`. Each run is judged twice from what is stored now, under the present policy and under this one, so
    that what differs is the policy's doing alone."""
    check_policy(policy)
    return tuple(
        [await _effect(stores, judge, run, verdict, policy) for run, verdict in await newest_verdicts(stores, project, runs)]
    )


async def _effect(stores: Stores, judge: Judge, run: Run, known: Verdict, policy: Policy) -> PolicyEffect:
    try:
        if (await stores.runs.activity(run.project, run.id)).spans > _SPANS:
            return _skipped(run, known.conclusion, f"it has more than {_SPANS:,} spans")
        evidence = await judge.gather(run, {})
        expected, _ = await stores.runs.expected(run.project, run.id)
        before, _ = await judge.judge(evidence, expected=expected, notes=())
        after, _ = await judge.judge(evidence, expected=expected, notes=(), policy=policy)
    except GateError as error:
        return _skipped(run, known.conclusion, error.detail)
    return PolicyEffect(run, before.conclusion, after.conclusion, _changes(before, after))


def _skipped(run: Run, conclusion: Conclusion, why: str) -> PolicyEffect:
    return PolicyEffect(run, conclusion, conclusion, skipped=why)


def _changes(before: Verdict, after: Verdict) -> tuple[LevelChange, ...]:
    old = {finding.fingerprint: finding for finding in before.findings}
    new = {finding.fingerprint: finding for finding in after.findings}
    return tuple(
        _change(old.get(fingerprint), new.get(fingerprint), new.get(fingerprint) or old[fingerprint])
        for fingerprint in dict.fromkeys((*new, *old))
        if _level(old.get(fingerprint)) != _level(new.get(fingerprint))
    )


def _change(before: Finding | None, after: Finding | None, either: Finding) -> LevelChange:
    flow = str(either.flows[0]) if either.flows else ""
    rule = after.rule if after else ""
    return LevelChange(either.fingerprint, either.sentence, flow, _level(before), _level(after), rule)


def _level(finding: Finding | None) -> Level | None:
    return finding.level if finding else None
