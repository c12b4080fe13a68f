"""How much each kind of change weighs when no policy says otherwise, and which rule of a policy applies to a change."""

from fnmatch import fnmatchcase

from gate.model.change import Change, kind_of
from gate.model.flow import FlowKey
from gate.model.policy import Policy, Rule
from gate.model.verdict import Level
from gate.normalize.attributes import is_curated

DEFAULT_LEVELS: dict[str, Level] = {
    "call-missing": Level.FAILURE,
    "call-added": Level.FAILURE,
    "count-changed": Level.FAILURE,
    "retry-added": Level.FAILURE,
    "call-moved": Level.FAILURE,
    "wrapped": Level.FAILURE,
    "unwrapped": Level.FAILURE,
    "renamed": Level.FAILURE,
    "order-changed": Level.FAILURE,
    "concurrency-changed": Level.FAILURE,
    "error-appeared": Level.FAILURE,
    "error-swallowed": Level.FAILURE,
    "attribute-changed": Level.FAILURE,
    "rows-changed": Level.FAILURE,
    "body-changed": Level.FAILURE,
    "parent-became-link": Level.FAILURE,
    "telemetry-gap": Level.WARNING,
    "instrumentation-changed": Level.NOTICE,
    "new-variant": Level.FAILURE,
    "flow-missing": Level.WARNING,
}
"""By change kind. An attribute that is not curated is a warning: it says that something differs, not that something broke."""

ORDINARY_ATTRIBUTE = Level.WARNING

_SEVERITY = {Level.FAILURE: 0, Level.WARNING: 1, Level.NOTICE: 2, Level.IGNORED: 3}


def severity(level: Level) -> int:
    """0 for the worst, for sorting."""
    return _SEVERITY[level]


def level_of(change: Change, flow: FlowKey, policy: Policy) -> tuple[Level, str]:
    """The level of a change in a flow, and the rule that set it (empty for a default). The first matching rule wins."""
    for rule in policy.rules:
        level = Level.IGNORED if rule.allow and rule.level is None else rule.level
        if level is not None and matches(rule, change, flow):
            return level, rule_name(rule)
    kind = kind_of(change)
    if kind in policy.levels:
        return policy.levels[kind], ""
    key = getattr(change, "key", "")
    if kind == "attribute-changed" and key and not is_curated(key):
        return ORDINARY_ATTRIBUTE, ""
    if kind == "flow-missing" and any(fnmatchcase(str(flow), pattern) for pattern in policy.required_flows):
        return Level.FAILURE, "required flow"
    return DEFAULT_LEVELS[kind], ""


def matches(rule: Rule, change: Change, flow: FlowKey) -> bool:
    """Whether every field of a rule fits. An `allow` rule fits calls that appear, vanish or change number."""
    kind = kind_of(change)
    if rule.allow and kind not in {"call-missing", "call-added", "count-changed", "retry-added", "telemetry-gap"}:
        return False
    if rule.before or rule.after:
        return False
    service = getattr(change, "service", "")
    operations = [str(getattr(change, name, "")) for name in ("operation", "statement", "first", "then")]
    if kind == "renamed":
        operations = [getattr(change, "before", ""), getattr(change, "after", "")]
    return (
        fnmatchcase(kind, rule.kind)
        and fnmatchcase(str(flow), rule.flow)
        and fnmatchcase(service, rule.service)
        and (rule.operation == "*" or any(fnmatchcase(operation, rule.operation) for operation in operations))
        and (rule.attribute == "*" or fnmatchcase(getattr(change, "key", ""), rule.attribute))
    )


def rule_name(rule: Rule) -> str:
    """How reports name a rule: its name, else its fields."""
    if rule.name:
        return rule.name
    said = [
        f"{field}: {value}"
        for field, value in (
            ("flow", rule.flow),
            ("service", rule.service),
            ("operation", rule.operation),
            ("kind", rule.kind),
            ("attribute", rule.attribute),
        )
        if value != "*"
    ]
    if rule.before or rule.after:
        said.append(f"{rule.before} before {rule.after}")
    action = "allow" if rule.allow else str(rule.level) if rule.level else "pin"
    return f"{action} {', '.join(said) or 'everything'}"
