"""What a policy's types cannot say: that the kinds of change it names exist."""

from fnmatch import fnmatchcase

from gate.compare.levels import DEFAULT_LEVELS
from gate.errors import BadRequest
from gate.model.policy import Policy


def check_policy(policy: Policy, *, source: str = "the policy") -> Policy:
    """The policy itself. Raises BadRequest for a kind that no change has: the level or rule would silently do nothing."""
    named = [("levels", kind) for kind in policy.levels if kind not in DEFAULT_LEVELS]
    named += [
        (f"rules[{index}].kind", rule.kind)
        for index, rule in enumerate(policy.rules)
        if not any(fnmatchcase(kind, rule.kind) for kind in DEFAULT_LEVELS)
    ]
    for place, kind in named:
        raise BadRequest(
            f"{source}: {place}: there is no change kind {kind[:80]!r}.", hint=f"There are {', '.join(sorted(DEFAULT_LEVELS))}."
        )
    return policy
