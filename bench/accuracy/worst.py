"""What went wrong, readable: the verdict's findings beside the two trees."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from bench.accuracy.product import Judged
from gate.model.flow import Flow
from gate.model.verdict import Comparison

MAX_OF_A_KIND = 12
MAX_ROWS = 120


class Example(msgspec.Struct, frozen=True):
    """One case to look at."""

    kind: str
    name: str
    judged: Judged
    flow: str = ""
    """The key of the flow to show; the flows of the first findings when empty."""


def render(set_name: str, examples: Sequence[Example], *, of_a_kind: int = MAX_OF_A_KIND) -> str:
    """The examples of one set as Markdown: counts first, then a few of each kind with findings and trees."""
    counts = Counter(example.kind for example in examples)
    lines = [f"# {set_name}", "", *(f"- {kind}: {count}" for kind, count in counts.most_common()), ""]
    shown: Counter[str] = Counter()
    for example in examples:
        shown[example.kind] += 1
        if shown[example.kind] <= of_a_kind:
            lines += _example(example)
    return "\n".join(lines) + "\n"


def _example(example: Example) -> list[str]:
    verdict = example.judged.verdict
    lines = [f"## {example.kind}: {example.name}", "", f"verdict {verdict.conclusion.value} {'; '.join(verdict.reasons)}", ""]
    for finding in verdict.findings[:12]:
        change = msgspec.json.encode(finding.change).decode()
        lines.append(f"- **{finding.level.value}** {finding.sentence}")
        lines.append(f"  - at {' > '.join(finding.place.path)}")
        lines.append(f"  - {change[:400]}")
        lines.append(f"  - flows {len(finding.flows)}: {', '.join(str(key) for key in finding.flows[:3])}")
        lines += [f"  - consequence: {each.sentence}" for each in finding.consequences[:6]]
    lines.append("")
    keys = {key for finding in verdict.findings[:2] for key in finding.flows[:1]} or {
        comparison.key for comparison in example.judged.comparisons[:1]
    }
    for comparison in example.judged.comparisons:
        if str(comparison.key) == example.flow or (not example.flow and comparison.key in keys):
            lines += ["```", str(comparison.key), *comparison.notes, *_trees(comparison), "```", ""]
    return lines


def _trees(comparison: Comparison) -> list[str]:
    sample, flow = comparison.sample, comparison.flow
    lines: list[str] = []
    for before, after in comparison.pairs[:MAX_ROWS]:
        left = _row(sample, before) if sample is not None and before >= 0 else None
        right = _row(flow, after) if flow is not None and after >= 0 else None
        if left == right and left is not None:
            lines.append(f"  {left}")
        else:
            lines += [f"- {left}"] if left is not None else []
            lines += [f"+ {right}"] if right is not None else []
    return lines


def _row(flow: Flow, index: int) -> str:
    depth, at = 0, index
    while flow.operations[at].parent >= 0:
        depth, at = depth + 1, flow.operations[at].parent
    operation = flow.operations[index]
    attributes = " ".join(f"{key}={value[:70]}" for key, value in operation.attributes.items())
    return f"{'  ' * depth}{operation.service}: {operation.name} {'ERROR ' if operation.error else ''}{attributes}"
