"""The heart: golden runs are learned, a run is compared with them, the differences are explained and judged."""

from gate.compare.compare import compare
from gate.compare.completeness import settled
from gate.compare.fingerprint import fingerprint
from gate.compare.judge import judge
from gate.compare.learn import Baselines, learn
from gate.compare.levels import DEFAULT_LEVELS
from gate.compare.policy_check import check_policy
from gate.compare.standard import FIRST_TRACE, FIRST_TRACES

__all__ = [
    "DEFAULT_LEVELS",
    "FIRST_TRACE",
    "FIRST_TRACES",
    "Baselines",
    "check_policy",
    "compare",
    "fingerprint",
    "judge",
    "learn",
    "settled",
]
