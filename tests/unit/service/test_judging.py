"""From finish to verdict."""

import asyncio

import pytest

from gate.codec.encode import to_batch
from gate.errors import Conflict, NotFound
from gate.model.change import kind_of
from gate.model.policy import Policy
from gate.model.run import Run
from gate.model.verdict import Conclusion, Level
from gate.store.values import StoredVerdict
from gate.usecases.gate import StoreGate
from tests.contract.backends import BACKENDS
from tests.contract.made import NOW, trace_id
from tests.unit.service.conftest import Clock, Open
from tests.unit.service.story import BAD, golden, persist_trace, record, verdict_of


async def test_a_run_without_baseline_is_new(gate: StoreGate):
    """Nothing to compare with is neither pass nor fail."""
    verdict = await record(gate, Run("r1", "default"), persist_trace(1))

    assert verdict.conclusion == Conclusion.NEW
    assert [flow.conclusion for flow in verdict.flows] == [Conclusion.NEW]


async def test_only_the_first_run_is_called_first(gate: StoreGate):
    """Of two runs that nothing could be compared with, the second knows that there was another; a run of another gate does not."""
    for run in (Run("r1", "default"), Run("r2", "default"), Run("r3", "default", gate="web")):
        await record(gate, run, persist_trace(int(run.id[1:])))

    assert [(await gate.report("default", run)).first for run in ("r1", "r2", "r3")] == [True, False, True]


async def test_an_equal_run_passes(gate: StoreGate):
    """The same flow again, with other ids and times, passes, and says what it was compared with."""
    await golden(gate, 1, 2)
    verdict = await record(gate, Run("r1", "default"), persist_trace(3))

    assert verdict.conclusion == Conclusion.PASS
    (flow,) = verdict.flows
    assert (flow.samples, flow.baseline, flow.trace_id) == (2, "pinned", trace_id(3))
    assert flow.sample_trace_id in (trace_id(1), trace_id(2))


async def test_the_story_fails(gate: StoreGate):
    """The fetch that came back empty is the cause, the two updates that no longer happen are its consequences."""
    await golden(gate, 1, 2)
    verdict = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))

    assert verdict.conclusion == Conclusion.FAIL
    (finding,) = verdict.undecided
    assert kind_of(finding.change) == "rows-changed"
    assert len(finding.consequences) == 2
    report = await gate.report("default", "r1")
    assert report.verdict == verdict
    assert report.server_url == "http://here"
    (comparison,) = report.comparisons
    assert comparison.flow is not None and comparison.sample is not None
    assert len(comparison.flow.operations) == 2 and len(comparison.sample.operations) == 4
    assert {kind_of(one.change) for one in comparison.findings} == {"rows-changed"}


async def test_a_run_without_traces_is_inconclusive(gate: StoreGate):
    """An empty run is never green, also when there are baselines."""
    await golden(gate, 1)
    verdict = await record(gate, Run("r1", "default"))

    assert verdict.conclusion == Conclusion.INCONCLUSIVE
    assert "no traces arrived" in verdict.reasons


async def test_lost_spans_are_inconclusive(gate: StoreGate):
    """Spans that name a parent which never arrives: something is missing, not proven gone."""
    await golden(gate, 1)
    verdict = await record(gate, Run("r1", "default"), persist_trace(2, broken=True))

    assert verdict.conclusion == Conclusion.INCONCLUSIVE
    assert any("never arrived" in reason for reason in verdict.reasons)


async def test_fewer_traces_than_promised_is_inconclusive(gate: StoreGate):
    """`expect_traces` is waited for until the deadline; then the verdict says how many are missing."""
    await golden(gate, 1)
    verdict = await record(gate, Run("r1", "default"), persist_trace(2), expect=3)

    assert verdict.conclusion == Conclusion.INCONCLUSIVE
    assert "1 of 3 expected traces arrived" in verdict.reasons


async def test_spans_after_finish_are_waited_for(gate: StoreGate, clock: Clock):
    """Finish comes before the last export: the verdict counts what arrives while the run is not complete."""
    await golden(gate, 1)
    run = await gate.create_run(Run("r1", "default"))
    spans = persist_trace(2)
    clock.stop()
    await gate.receive("default", to_batch(spans[2:]), run=run.id)
    await gate.finish_run("default", run.id)
    assert await gate.verdict("default", run.id) is None
    await gate.receive("default", to_batch(spans[:2]), run=run.id)

    assert (await verdict_of(gate, run.id)).conclusion == Conclusion.PASS


async def test_late_spans_judge_again_visibly(gate: StoreGate):
    """A span after the verdict changes it, and the verdict says `late data`."""
    await golden(gate, 1)
    first = await record(gate, Run("r1", "default"), persist_trace(2), persist_trace(3, case="other"))
    assert first.conclusion == Conclusion.PASS
    await gate.receive("default", to_batch(persist_trace(4, good=BAD)), run="r1")
    verdict = await verdict_of(gate, "r1")

    assert verdict.conclusion == Conclusion.FAIL
    assert any(reason.startswith("late data: 2 spans") for reason in verdict.reasons)
    await gate.receive("default", to_batch(persist_trace(4, good=BAD)), run="r1")
    assert await verdict_of(gate, "r1") == verdict


async def test_an_open_run_has_no_verdict(gate: StoreGate):
    """None, however long one waits; the report is a conflict; an unknown run is NotFound."""
    await record(gate, Run("r1", "default"), persist_trace(1), finish=False)

    assert await gate.verdict("default", "r1", wait=0.1) is None
    with pytest.raises(Conflict, match="no verdict"):
        await gate.report("default", "r1")
    with pytest.raises(NotFound):
        await gate.verdict("default", "r9")


async def test_finishing_twice_is_once(gate: StoreGate):
    """Two finishes at once, and a third later: one run, judged once, one verdict."""
    await golden(gate, 1)
    await record(gate, Run("r1", "default"), persist_trace(2), finish=False)
    saved: list[str] = []
    save = gate._stores.runs.save_verdict

    async def counting(project: str, run_id: str, *arguments: object, **named: object) -> None:
        saved.append(run_id)
        await save(project, run_id, *arguments, **named)

    gate._stores.runs.save_verdict = counting
    first, second = await asyncio.gather(gate.finish_run("default", "r1"), gate.finish_run("default", "r1"))
    verdict = await verdict_of(gate, "r1")
    third = await gate.finish_run("default", "r1")

    assert first == second == third
    assert await verdict_of(gate, "r1") == verdict
    assert saved == ["r1"]


async def test_who_asks_while_a_verdict_is_stored_does_not_make_another(gate: StoreGate):
    """A question that found no verdict, and goes on when there is one, is no reason to judge again: what was promoted since would change a
    verdict that nobody asked to change."""
    await record(gate, Run("r1", "default"), persist_trace(1), finish=False)
    runs, verdict = gate._stores.runs, gate._stores.runs.verdict
    asked, stored = asyncio.Event(), asyncio.Event()

    async def slow(project: str, run_id: str) -> StoredVerdict | None:
        found = await verdict(project, run_id)
        if asyncio.current_task() is asking:
            asked.set()
            await stored.wait()
        return found

    runs.verdict = slow
    await runs.finish("default", "r1", expect_traces=0, now_ns=NOW)
    asking = asyncio.create_task(gate.verdict("default", "r1"))
    await asked.wait()
    gate._verdicts.watch("default", "r1")
    first = await verdict_of(gate, "r1")
    await golden(gate, 2)
    stored.set()
    await asking
    while gate._verdicts._watches:
        await asyncio.gather(*gate._verdicts._watches.values())

    assert await verdict_of(gate, "r1") == first


async def test_a_policy_that_comes_while_a_run_is_judged_counts(gate: StoreGate):
    """The verdict that was being made is made again under the policy."""
    await golden(gate, 1, 2)
    save = gate._stores.runs.save_verdict
    lenient = Policy(levels={"rows-changed": Level.NOTICE, "call-missing": Level.NOTICE})

    async def meanwhile(*arguments: object, **named: object) -> None:
        await gate.set_policy("default", lenient, by="eve")
        await save(*arguments, **named)

    gate._stores.runs.save_verdict = meanwhile
    verdict = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))

    assert verdict.conclusion == Conclusion.PASS
    assert {finding.level for finding in verdict.findings} == {Level.NOTICE}


@pytest.mark.parametrize("backend", BACKENDS[:2], ids=lambda backend: backend.name, indirect=True)
async def test_what_is_decided_on_one_server_while_another_judges_counts(gate: StoreGate, reopen: Open):
    """The other server's verdict, which is saved last, knows nothing of the approval: it does not stand."""
    await golden(gate, 1, 2)
    await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))
    other = await reopen()
    save = other._stores.runs.save_verdict
    judged, decided = asyncio.Event(), asyncio.Event()

    async def late(*arguments: object, **named: object) -> None:
        judged.set()
        await decided.wait()
        await save(*arguments, **named)

    other._stores.runs.save_verdict = late
    await other.judge_again("default", "r1", by="bob")
    await judged.wait()
    await gate.approve("default", "r1", (), by="eve", reason="meant")
    decided.set()

    for server in (other, gate):
        verdict = await verdict_of(server, "r1")
        assert (verdict.conclusion, [finding.approval is None for finding in verdict.findings]) == (Conclusion.PASS, [False])


async def test_a_decision_under_an_old_policy_does_not_stand(gate: StoreGate):
    """It is judged on the comparison that is there; the policy that came before it makes another one."""
    await golden(gate, 1, 2)
    failed = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))
    decide = gate._stores.decisions.decide

    async def meanwhile(*arguments: object, **named: object) -> tuple[str, ...]:
        await gate.set_policy("default", Policy(levels={"call-missing": Level.NOTICE}), by="bob")
        return await decide(*arguments, **named)

    gate._stores.decisions.decide = meanwhile
    await gate.reject("default", "r1", (failed.undecided[0].fingerprint,), by="eve", reason="no")
    stored = await gate._stores.runs.verdict("default", "r1")

    assert stored is not None
    assert stored.activity.revision < (await gate._stores.runs.activity("default", "r1")).revision
    verdict = await verdict_of(gate, "r1")
    assert verdict.findings[0].rejection is not None


async def test_waiters_all_get_the_verdict(gate: StoreGate):
    """Ten long polls end with the same verdict as soon as it is there."""
    await golden(gate, 1)
    await record(gate, Run("r1", "default"), persist_trace(2), finish=False)
    waiting = [asyncio.create_task(gate.verdict("default", "r1", wait=30)) for _ in range(10)]
    await gate.finish_run("default", "r1")

    assert {verdict.conclusion for verdict in await asyncio.gather(*waiting) if verdict} == {Conclusion.PASS}


async def test_an_approval_makes_it_pass(gate: StoreGate):
    """The finding stays visible with who and why; the same change in a later run is approved already."""
    await golden(gate, 1, 2)
    failed = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))
    (approval,) = await gate.approve("default", "r1", (), by="eve", reason="the trace is gone on purpose")
    passed = await verdict_of(gate, "r1")
    later = await record(gate, Run("r2", "default", commit="other"), persist_trace(4, good=BAD))

    assert approval.fingerprint == failed.undecided[0].fingerprint
    assert (passed.conclusion, later.conclusion) == (Conclusion.PASS, Conclusion.PASS)
    assert passed.findings[0].approval is not None
    assert passed.findings[0].approval.reason == "the trace is gone on purpose"
    assert (await gate.report("default", "r1")).verdict == passed


async def test_approving_what_the_run_does_not_have(gate: StoreGate):
    """A foreign fingerprint is refused and nothing is approved; a run without verdict is a conflict."""
    await golden(gate, 1)
    failed = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))
    with pytest.raises(NotFound):
        await gate.approve("default", "r1", (failed.undecided[0].fingerprint, "sg1:0123456789abcdef"), by="eve", reason="")
    await gate.create_run(Run("open", "default"))
    with pytest.raises(Conflict):
        await gate.approve("default", "open", (), by="eve", reason="")

    assert (await verdict_of(gate, "r1")).conclusion == Conclusion.FAIL


async def test_a_changed_policy_judges_again(gate: StoreGate):
    """The next question gets the verdict under the new policy."""
    await golden(gate, 1, 2)
    failed = await record(gate, Run("r1", "default"), persist_trace(3, good=BAD))
    (finding,) = failed.undecided
    kinds = {kind_of(finding.change), *(kind_of(consequence.change) for consequence in finding.consequences)}
    await gate.set_policy("default", Policy(levels=dict.fromkeys(kinds, Level.NOTICE)), by="eve")

    assert (await verdict_of(gate, "r1")).conclusion == Conclusion.PASS


async def test_a_restarted_server_judges_what_was_finished(gate: StoreGate, reopen: Open):
    """A server that stops between finish and verdict leaves nothing behind: the next one judges."""
    await golden(gate, 1)
    await record(gate, Run("r1", "default"), persist_trace(2)[1:], finish=False)
    await gate.finish_run("default", "r1", expect_traces=2)
    await gate.close()
    again = await reopen()
    await again.receive("default", to_batch(persist_trace(2)[:1]), run="r1")
    await again.receive("default", to_batch(persist_trace(3)), run="r1")

    assert (await verdict_of(again, "r1")).conclusion == Conclusion.PASS


async def test_missing_golden_spans_are_said(gate: StoreGate):
    """A golden trace whose spans the span store has lost: inconclusive, naming the trace, never an empty comparison."""
    await golden(gate, 1)
    await gate._stores.spans.mark("default", trace_id(1), persistent=False)
    await gate._stores.spans.delete("default", [trace_id(1)], before_ns=2**62)
    verdict = await record(gate, Run("r1", "default"), persist_trace(2))

    assert verdict.conclusion == Conclusion.INCONCLUSIVE
    assert trace_id(1) in verdict.reasons[0] and "missing in the span store" in verdict.reasons[0]
    for call in (gate.trace("default", trace_id(1)), gate.promote("default", trace_id(1), by="eve")):
        with pytest.raises(Conflict, match="missing in the span store"):
            await call


async def test_another_environment_is_said(gate: StoreGate):
    """Without golden traces of its own environment a run is compared with those of another, and says so."""
    await golden(gate, 1)
    verdict = await record(gate, Run("r1", "default", environment="staging"), persist_trace(2))

    assert [flow.baseline for flow in verdict.flows] == ["pinned, of environment ci"]
