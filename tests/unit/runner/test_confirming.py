"""What a second run of a failing command contradicts."""

import pytest

from gate.model.change import CallMissing
from gate.model.flow import FlowKey
from gate.model.verdict import Conclusion, Finding, FlowVerdict, Level, Place, Verdict
from gate.runner.confirming import contradicted
from gate.runner.judging import exit_code_without

ORDER, SEARCH = FlowKey("test_order", "shop", "test_order"), FlowKey("test_search", "shop", "test_search")
LOST = Finding(
    fingerprint="sg1:0000000000000001",
    change=CallMissing("shop", "INSERT", "1"),
    level=Level.FAILURE,
    place=Place(("shop: test_order", "shop: INSERT")),
    sentence="shop: INSERT no longer happens",
    flows=(ORDER,),
)


def verdict(*flows: FlowVerdict, findings: tuple[Finding, ...] = ()) -> Verdict:
    return Verdict(Conclusion.FAIL if findings else Conclusion.PASS, findings, flows)


def flow(key: FlowKey, conclusion: Conclusion, *, trace: str = "1" * 32, samples: int = 3) -> FlowVerdict:
    return FlowVerdict(key, conclusion, "", trace_id=trace, samples=samples)


FIRST = verdict(flow(ORDER, Conclusion.FAIL), findings=(LOST,))


def test_a_flow_that_passes_the_second_time_contradicts() -> None:
    """The finding is gone, and with it the failure."""
    gone = contradicted(FIRST, verdict(flow(ORDER, Conclusion.PASS)))
    assert gone == (LOST,)
    assert exit_code_without(FIRST, gone) == 0


@pytest.mark.parametrize(
    "second",
    [
        verdict(flow(ORDER, Conclusion.FAIL), findings=(LOST,)),
        verdict(flow(ORDER, Conclusion.INCONCLUSIVE)),
        verdict(flow(ORDER, Conclusion.PASS, trace="")),
        verdict(flow(SEARCH, Conclusion.PASS)),
    ],
    ids=["seen again", "incomplete", "did not run", "another flow ran"],
)
def test_what_contradicts_nothing(second: Verdict) -> None:
    """Seen again, incomplete, or not run: a second run that could not judge the flow turns no fail into a pass."""
    assert contradicted(FIRST, second) == ()
    assert exit_code_without(FIRST, ()) == 1


def test_what_else_the_first_run_says() -> None:
    """Without its finding a first run may still lack a required baseline (5), or be inconclusive (7)."""
    for other, code in ((flow(SEARCH, Conclusion.FAIL, samples=0), 5), (flow(SEARCH, Conclusion.INCONCLUSIVE), 7)):
        assert exit_code_without(verdict(flow(ORDER, Conclusion.FAIL), other, findings=(LOST,)), (LOST,)) == code
