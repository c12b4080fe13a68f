"""Whether both stores agree: what is wrong is found, said and repaired; what is lost is never silently empty."""

import pytest

from gate.codec.encode import to_batch
from gate.errors import Conflict, NotFound
from gate.model.run import Run
from gate.model.verdict import Conclusion
from gate.service import Disagreement
from gate.usecases.gate import StoreGate
from tests.contract.backends import BACKENDS
from tests.contract.made import DAY, leave, lose, span, span_names, trace_id
from tests.unit.service.conftest import Clock
from tests.unit.service.story import golden, persist_trace, record, verdict_of

pytestmark = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name, indirect=True)


async def test_stores_that_agree(gate: StoreGate, clock: Clock):
    """After recording, promoting, demoting and pruning there is nothing to say."""
    await golden(gate, 1, 2)
    await gate.demote("default", trace_id(2), by="eve")
    clock.move(31 * DAY)
    await record(gate, Run("young", "default"), persist_trace(3))
    await gate.prune("default", now_ns=clock())

    for repair in (False, True):
        found = await gate.examine(repair=repair)
        assert (found.traces, found.disagreements) == (2, ())


async def test_lost_spans_are_never_silently_empty(gate: StoreGate):
    """A record whose spans are gone: reading, comparing, promoting and persisting it are conflicts that say so and change nothing,
    a run with it is inconclusive, and the doctor names it, also after a repair, which leaves it as it is."""
    await record(gate, Run("r1", "default"), persist_trace(1), persist_trace(2))
    await gate.create_run(Run("r2", "default"))
    await gate.receive("default", to_batch(persist_trace(3)), run="r2")
    await lose(gate._stores, 1, "default")
    await lose(gate._stores, 3, "default")

    for call in (
        lambda: gate.trace("default", trace_id(1)),
        lambda: gate.compare("default", trace_id(2), trace_id(1)),
        lambda: gate.promote("default", trace_id(1), by="eve"),
        lambda: gate.persist("default", trace_id(1), by="eve"),
    ):
        with pytest.raises(Conflict, match=f"{trace_id(1)} are missing"):
            await call()
    with pytest.raises(NotFound):
        await gate.persist("default", trace_id(9), by="eve")
    summary = await gate.summary("default", trace_id(1))
    assert (summary.persistent, summary.baseline) == (False, False)
    await gate.finish_run("default", "r2")
    verdict = await verdict_of(gate, "r2")
    assert (verdict.conclusion, "are missing" in verdict.reasons[0]) == (Conclusion.INCONCLUSIVE, True)
    for repair in (False, True, False):
        assert (await gate.examine(repair=repair)).disagreements == (
            Disagreement("default", trace_id(1), "its spans are lost", False),
            Disagreement("default", trace_id(3), "its spans are lost", False),
        )


async def test_marks_are_repaired(gate: StoreGate):
    """The record decides: a mark that is missing is set, one without reason is taken away."""
    await golden(gate, 1)
    await record(gate, Run("r1", "default"), persist_trace(2))
    await gate._stores.spans.mark("default", trace_id(1), persistent=False)
    await gate._stores.spans.mark("default", trace_id(2), persistent=True)

    found = [(one.trace_id, one.problem, one.repaired) for one in (await gate.examine()).disagreements]
    assert found == [
        (trace_id(1), "persistent, but the span store does not know", False),
        (trace_id(2), "marked without reason", False),
    ]
    assert await gate._stores.spans.marked("default") == {trace_id(2)}
    assert [one.repaired for one in (await gate.examine(repair=True)).disagreements] == [True, True]
    assert await gate._stores.spans.marked("default") == {trace_id(1)}
    assert (await gate.examine()).disagreements == ()


async def test_what_changes_while_the_stores_are_read_is_no_disagreement(gate: StoreGate, monkeypatch: pytest.MonkeyPatch):
    """A server promotes one trace and demotes another after their records were read: nothing is said, and no mark is lost."""
    await golden(gate, 1)
    await record(gate, Run("r1", "default"), persist_trace(2))
    look = gate._stores.spans.marked

    async def promote_first(project: str) -> frozenset[str]:
        await gate.promote("default", trace_id(2), by="eve")
        await gate.demote("default", trace_id(1), by="eve")
        return await look(project)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(gate._stores.spans, "marked", promote_first)
        assert (await gate.examine(repair=True)).disagreements == ()
    assert await look("default") == {trace_id(2)}


async def test_spans_without_a_record_are_repaired(gate: StoreGate, clock: Clock):
    """What a stop between the two stores left is deleted, but not what may be on its way, and nothing beside it."""
    await record(gate, Run("r1", "default"), persist_trace(1))
    await leave(gate._stores, span(2), span(3), project="default", now_ns=clock())
    assert (await gate.examine(repair=True)).disagreements == ()
    clock.move(DAY)
    await leave(gate._stores, span(4), project="default", now_ns=clock())

    found = await gate.examine()
    assert [(one.trace_id, one.problem) for one in found.disagreements] == [
        (trace_id(2), "spans without a record"), (trace_id(3), "spans without a record"),
    ]  # fmt: skip
    assert len((await gate.examine(repair=True)).disagreements) == 2
    assert (await gate.examine()).disagreements == ()
    assert len(await span_names(gate._stores, 1, "default")) == 4
    # Delivered again, it is a trace like any other.
    await gate.receive("default", to_batch([span(2)]))
    assert len((await gate.trace("default", trace_id(2))).spans) == 1
