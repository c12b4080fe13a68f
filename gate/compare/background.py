"""Work that no test asked for: loops, heartbeats, acknowledgements. How often and on what it works depends on the clock.

Where golden runs name their test cases, a trace without one that begins neither with a request nor with a message is background
work. It is judged by presence at most: what differs there is shown, as a notice, and stops nobody.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gate.compare.learn import Baselines
from gate.model.flow import Flow, FlowKey
from gate.model.policy import Policy, Rule
from gate.model.trace import SpanKind
from gate.model.verdict import Level

RULE = "background work is a notice at most"
_ASKED_FOR = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})


def background(flows: Iterable[Flow], baselines: Baselines) -> Iterator[FlowKey]:
    """The keys of those flows that are work that no test asked for; none where golden runs name no tests."""
    if any(key.test_case for key in baselines.flows):
        for flow in flows:
            if not flow.key.test_case and flow.operations[0].kind not in _ASKED_FOR:
                yield flow.key


def with_background(policy: Policy, keys: Iterable[FlowKey]) -> Policy:
    """The policy, with a rule for each of these flows behind the user's own rules, which win."""
    rules = [Rule(name=RULE, flow=_literal(str(key)), level=Level.NOTICE) for key in dict.fromkeys(keys)]
    return replace(policy, rules=(*policy.rules, *rules)) if rules else policy


def _literal(text: str) -> str:
    """A shell-style pattern that fits just this text."""
    return re.sub(r"([*?[])", r"[\1]", text)
