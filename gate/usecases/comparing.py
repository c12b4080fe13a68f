"""Any two traces beside each other: the second is compared with the first."""

from collections.abc import Sequence

import msgspec

from gate.compare import FIRST_TRACE, compare, learn
from gate.errors import Conflict
from gate.model.flow import Flow, RunFlows
from gate.model.verdict import Comparison


def compare_flows(before: Sequence[Flow], after: Sequence[Flow]) -> Comparison:
    """The largest flow that both have; without a common one the largest of each, whatever their names.

    Raises Conflict when one of them has no flow."""
    if not before or not after:
        raise Conflict("A trace without an entry span cannot be compared.", hint="Its spans may not have arrived yet.")
    golden, candidate = _pair(before, after)
    golden = msgspec.structs.replace(golden, key=candidate.key)
    found = compare(learn([RunFlows("before", (golden,))], FIRST_TRACE), RunFlows("after", (candidate,)))
    return next(comparison for comparison in found if comparison.flow is not None)


def _pair(before: Sequence[Flow], after: Sequence[Flow]) -> tuple[Flow, Flow]:
    common = {flow.key for flow in before} & {flow.key for flow in after}
    candidate = max([flow for flow in after if flow.key in common] or after, key=_size)
    golden = max([flow for flow in before if flow.key == candidate.key] or before, key=_size)
    return golden, candidate


def _size(flow: Flow) -> int:
    return len(flow.operations)
