"""Reviewing: rejecting, withdrawing, judging again, what a policy would change, what is learned, flows that sleep."""

import msgspec
import pytest

from gate.codec.encode import to_batch
from gate.errors import BadRequest, Conflict, NotFound
from gate.model.policy import Policy
from gate.model.run import Run
from gate.model.trace import Resource
from gate.model.verdict import Conclusion, Level
from gate.service import FlowStatus
from gate.spec.spec import SENDER
from gate.usecases.gate import StoreGate
from tests.contract.made import trace_id
from tests.unit.service.story import BAD, golden, persist_trace, record, verdict_of

LENIENT = Policy(levels={"rows-changed": Level.NOTICE, "call-missing": Level.NOTICE})


async def failing(gate: StoreGate) -> tuple[str, ...]:
    """Run `bad` against two golden traces; its fingerprints."""
    await golden(gate, 1, 2)
    verdict = await record(gate, Run("bad", "default"), persist_trace(3, good=BAD))
    assert verdict is not None and verdict.conclusion == Conclusion.FAIL
    return tuple(finding.fingerprint for finding in verdict.findings)


async def test_a_rejection_fails_whatever_the_level(gate: StoreGate):
    """A policy that makes it a notice lets the run pass; a person's no makes it fail, visibly; taking it back lets it pass."""
    (fingerprint,) = await failing(gate)
    await gate.set_policy("default", LENIENT, by="eve")
    assert (await verdict_of(gate, "bad")).conclusion == Conclusion.PASS

    (rejection,) = await gate.reject("default", "bad", (fingerprint,), by="bob", reason="data is lost")
    verdict = await verdict_of(gate, "bad")
    (finding,) = verdict.findings
    assert (verdict.conclusion, finding.level, finding.rejection, finding.rule) == (
        Conclusion.FAIL, Level.FAILURE, rejection, "rejected",
    )  # fmt: skip
    assert verdict.undecided == ()
    report = await gate.report("default", "bad")
    assert report.comparisons[0].findings[0].level == Level.NOTICE

    assert await gate.withdraw("default", "bad", (fingerprint,), by="bob") == (fingerprint,)
    assert (await verdict_of(gate, "bad")).conclusion == Conclusion.PASS
    page = await gate.history("default", run="bad")
    assert [(entry.by, entry.action) for entry in page.entries] == [("bob", "withdraw"), ("bob", "reject")]


async def test_approving_all_leaves_what_was_rejected(gate: StoreGate):
    """`approve` of everything is about what nobody decided; a named one conflicts, and `replace` overrules."""
    (fingerprint,) = await failing(gate)
    await gate.reject("default", "bad", (fingerprint,), by="bob", reason="no")
    assert await gate.approve("default", "bad", (), by="ann", reason="") == ()
    with pytest.raises(Conflict, match="bob has rejected"):
        await gate.approve("default", "bad", (fingerprint,), by="ann", reason="")
    assert (await verdict_of(gate, "bad")).conclusion == Conclusion.FAIL

    (approval,) = await gate.approve("default", "bad", (fingerprint,), by="ann", reason="it is meant so", replace=True)
    assert approval.by == "ann"
    assert (await verdict_of(gate, "bad")).conclusion == Conclusion.PASS


async def test_what_cannot_be_decided(gate: StoreGate):
    """A finding of nobody, nothing named, no verdict yet, no run."""
    await failing(gate)
    with pytest.raises(NotFound):
        await gate.reject("default", "bad", ("sg1:0000000000000000",), by="bob", reason="")
    with pytest.raises(BadRequest):
        await gate.reject("default", "bad", (), by="bob", reason="")
    await gate.create_run(Run("open", "default"))
    for call in (gate.reject("default", "open", ("x",), by="", reason=""), gate.judge_again("default", "open", by="")):
        with pytest.raises(Conflict):
            await call
    with pytest.raises(NotFound):
        await gate.withdraw("default", "nobody", ("x",), by="")


async def test_judging_again_sees_new_baselines(gate: StoreGate):
    """A run judged as new is compared when there is a golden trace later and somebody asks; the history says who asked."""
    verdict = await record(gate, Run("early", "default"), persist_trace(3, good=BAD))
    assert verdict is not None and verdict.conclusion == Conclusion.NEW
    await golden(gate, 1)
    assert (await verdict_of(gate, "early")).conclusion == Conclusion.NEW

    await gate.judge_again("default", "early", by="eve")
    assert (await verdict_of(gate, "early")).conclusion == Conclusion.FAIL
    (entry,) = (await gate.history("default", run="early")).entries
    assert (entry.by, entry.action) == ("eve", "judge again")


async def test_a_preview_writes_nothing(gate: StoreGate):
    """It says of each run what would change, newest first; the policy and the verdicts stay."""
    (fingerprint,) = await failing(gate)
    effects = await gate.preview_policy("default", LENIENT)

    assert [(effect.run.id, effect.before, effect.after) for effect in effects] == [
        ("bad", Conclusion.FAIL, Conclusion.PASS), ("golden-2", Conclusion.PASS, Conclusion.PASS),
        ("golden-1", Conclusion.PASS, Conclusion.PASS),
    ]  # fmt: skip
    (change,) = effects[0].changes
    assert (change.fingerprint, change.before, change.after) == (fingerprint, Level.FAILURE, Level.NOTICE)
    assert effects[1].changes == ()
    assert await gate.policy("default") == Policy()
    assert (await verdict_of(gate, "bad")).conclusion == Conclusion.FAIL
    with pytest.raises(BadRequest, match="no change kind"):
        await gate.preview_policy("default", Policy(levels={"rows-chnged": Level.NOTICE}))


async def test_what_is_learned_is_said_in_words(gate: StoreGate):
    """Calls that always happen, that are optional, what varies, and how far it can be trusted."""
    await golden(gate, 1)
    (baseline,) = await gate.baselines("default")
    learned = await gate.learned("default", baseline.id)
    assert (learned.samples, learned.operations) == (1, 4)
    assert learned.stability == "1 sample: what varies is not known yet, record 2 more"
    assert any(sentence.startswith("api: SELECT traces") and "once" in sentence for sentence in learned.always)

    await record(gate, Run("other", "default"), persist_trace(5, good=BAD))
    await gate.promote("default", trace_id(5), by="eve")
    learned = await gate.learned("default", baseline.id)
    assert learned.samples == 2
    assert any("UPDATE traces" in sentence and "optional" in sentence for sentence in learned.varying)
    assert any("returned_rows is" in sentence for sentence in learned.variable)
    assert "record" in learned.stability
    with pytest.raises(NotFound):
        await gate.learned("default", "nobody")


async def test_flows_that_sleep_and_flows_without_baseline(gate: StoreGate):
    """A baseline that none of the newest runs exercises is told from one that the last run did, and from a flow without any."""
    await golden(gate, 1)
    for number in range(101, 122):
        await record(gate, Run("", "default"), persist_trace(number, case="another"))
    overview = await gate.flows("default")

    def named(case: str) -> FlowStatus:
        return next(each for each in overview.flows if each.key.test_case == case)

    assert overview.runs == 20
    assert (named("persist a trace").last_run, named("persist a trace").baseline is not None) == ("", True)
    assert named("another").baseline is None
    assert named("another").last_trace == trace_id(121)


async def test_flows_that_only_plain_traces_and_open_runs_have(gate: StoreGate):
    """Without a judged run an endpoint is seen as well, once, by its newest trace: in a plain trace and in a run that was never
    finished. What has a baseline, or was judged, is not listed again; a spec's own request is no endpoint."""
    await golden(gate, 1)
    await record(gate, Run("judged", "default"), persist_trace(2, case="judged"))
    await record(gate, Run("open", "default", environment="staging"), persist_trace(3, case="open"), finish=False)
    for number in (4, 5):
        await gate.receive("default", to_batch(persist_trace(number, case="plain")))
    await gate.receive("default", to_batch(persist_trace(6)))
    sent = [
        msgspec.structs.replace(span, resource=Resource({"service.name": SENDER}, SENDER))
        for span in persist_trace(7, case="sent")
    ]
    await gate.receive("default", to_batch(sent))
    overview = await gate.flows("default")
    seen = [
        (each.key.test_case, each.environment, each.last_run, each.last_trace) for each in overview.flows if not each.baseline
    ]
    assert seen == [
        ("judged", "ci", "judged", trace_id(2)), ("open", "staging", "open", trace_id(3)), ("plain", "ci", "", trace_id(5)),
    ]  # fmt: skip
    assert (overview.runs, overview.traces) == (2, 4)
    assert [each.last_run for each in overview.flows if each.baseline] == ["golden-1"]
    done = await gate.promote("default", trace_id(5), by="eve")
    assert "plain" in done.flows[0]
    assert [each.key.test_case for each in (await gate.flows("default")).flows if each.baseline] == ["persist a trace", "plain"]


async def test_a_spec_is_kept_changed_and_checked(gate: StoreGate):
    """Generated from a baseline, it holds on a good trace and fails on the bad one; the last result of each environment stays."""
    await failing(gate)
    (baseline,) = await gate.baselines("default")
    made = await gate.generate_spec("default", baseline_id=baseline.id, by="eve")
    assert made.name == "persist a trace"
    good = await gate.check_spec("default", made.id, trace_id=trace_id(1), by="eve")
    newest = await gate.check_spec("default", made.id, environment="ci", by="eve")
    assert (good.ok, newest.ok, newest.trace_id) == (True, False, trace_id(3))
    assert [(result.environment, result.ok) for result in (await gate.spec("default", made.id)).results] == [("ci", False)]

    changed = await gate.change_spec("default", made.id, version=1, text=made.text, environments={"staging": {}}, by="eve")
    assert (changed.version, changed.environments) == (2, {"staging": {}})
    with pytest.raises(Conflict, match="eve saved this spec"):
        await gate.change_spec("default", made.id, version=1, text=made.text, environments={}, by="bob")
    with pytest.raises(BadRequest, match="spec:3: unknown field 'nmae'"):
        await gate.change_spec("default", made.id, version=2, text="name: a\nentry: {}\nnmae: b\n", environments={}, by="eve")
    with pytest.raises(BadRequest, match="no parameter 'bas_url'"):
        await gate.change_spec("default", made.id, version=2, text=made.text, environments={"x": {"bas_url": "y"}}, by="eve")
    with pytest.raises(NotFound, match="environment 'production'"):
        await gate.check_spec("default", made.id, environment="production", by="eve")
    assert (await gate.spec("default", made.id)).version == 2
