"""One Mermaid flowchart of what changed in a flow: changed calls, the way to them, and one ring around it.

GitHub renders Mermaid with its own limits (50,000 characters, 500 edges) and its own traps: labels are always quoted,
hold no HTML, no backtick, no `%%`, and never begin like a Markdown list.
"""

import re
from collections.abc import Sequence

from gate.report.clean import clean
from gate.report.row import Row, RowState
from gate.report.words import count

NODES_AT_MOST = 40
EDGES_AT_MOST = 60
CHARACTERS_AT_MOST = 6_000
_LABEL_AT_MOST = 60

_STYLES = (
    "  classDef add fill:#dafbe1,stroke:#1a7f37,color:#0b4a1f,stroke-width:2px",
    "  classDef del fill:#ffebe9,stroke:#cf222e,color:#82071e,stroke-dasharray:4 3",
    "  classDef chg fill:#fff8c5,stroke:#9a6700,color:#4d2d00",
    "  classDef root fill:#cf222e,stroke:#82071e,color:#ffffff,stroke-width:3px",
)


def label(text: str) -> str:
    """A quoted Mermaid label that says the text and can do nothing else."""
    text = re.sub(r"\s+", " ", clean(text, _LABEL_AT_MOST)).replace("#", "#35;").replace("`", "'").replace("\\", "#92;")
    for character, entity in (('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("&", "#amp;"), ("%", "#37;"), ("$", "#36;")):
        text = text.replace(character, entity)
    if not text or re.match(r"(\d+[.)]|[-+*>=])", text) or text.startswith("#35;"):
        text = f"· {text}".strip()
    return f'"{text}"'


def flowchart(rows: Sequence[Row]) -> str:
    """The diagram's source, without a fence; empty when there is nothing to draw or it would be too large.

    Above 40 calls it becomes a graph of services with numbers of calls; above 60 edges or 6,000 characters there is none.
    """
    if not any(row.state in (RowState.MISSING, RowState.ADDED, RowState.CHANGED) for row in rows):
        return ""
    source = _of_calls(rows) or _of_services(rows)
    return source if len(source) <= CHARACTERS_AT_MOST else ""


def _of_calls(rows: Sequence[Row]) -> str:
    above = _parents(rows)
    wanted = {at for at, row in enumerate(rows) if row.state in (RowState.MISSING, RowState.ADDED, RowState.CHANGED)}
    # Below a missing or added call its own calls say nothing new.
    one_sided = (RowState.MISSING, RowState.ADDED)
    wanted = {at for at in wanted if rows[at].marks or above[at] < 0 or rows[above[at]].state not in one_sided}
    path = set(wanted)
    for at in wanted:
        while (at := above[at]) >= 0 and at not in path:
            path.add(at)
    calm = (RowState.SAME, RowState.FOLDED)
    ring = {at for at, row in enumerate(rows) if above[at] in path and at not in path and row.state in calm}
    shown = path | ring if len(path | ring) <= NODES_AT_MOST else path
    if len(shown) > NODES_AT_MOST:
        return ""
    lines = ["flowchart LR"]
    classes: dict[str, list[str]] = {}
    for at in sorted(shown):
        row = rows[at]
        lines.append(f"  n{at}[{_node_label(row)}]")
        parent = above[at]
        while parent >= 0 and parent not in shown:
            parent = above[parent]
        if parent >= 0:
            lines.append(f"  n{parent} {_edge(row)} n{at}")
        style = _style(row)
        if style:
            classes.setdefault(style, []).append(f"n{at}")
    return "\n".join((*lines, *_STYLES, *(f"  class {','.join(names)} {style}" for style, names in sorted(classes.items()))))


def _of_services(rows: Sequence[Row]) -> str:
    above = _parents(rows)
    edges: dict[tuple[str, str], list[int]] = {}
    for at, row in enumerate(rows):
        if above[at] < 0 or row.state == RowState.FOLDED:
            continue
        for side in (0, 1):
            call, caller = (row.before, row.after)[side], (rows[above[at]].before, rows[above[at]].after)[side]
            if call is not None and caller is not None:
                edges.setdefault((caller.service, call.service), [0, 0])[side] += call.times
    changed = {pair: numbers for pair, numbers in edges.items() if numbers[0] != numbers[1]}
    if not changed or len(changed) > EDGES_AT_MOST:
        return ""
    names = {name: at for at, name in enumerate(dict.fromkeys(name for pair in changed for name in pair))}
    if len(names) > NODES_AT_MOST:
        return ""
    lines = ["flowchart LR", *(f"  n{at}[{label(name)}]" for name, at in names.items())]
    for (caller, service), (before, after) in changed.items():
        arrow = f'== "x{after}, was x{before}" ==>' if after else f'-. "x{before}, now none" .->'
        lines.append(f"  n{names[caller]} {arrow} n{names[service]}")
    return "\n".join(lines)


def _node_label(row: Row) -> str:
    if row.state == RowState.FOLDED:
        return label(f"… {count(row.count, 'unchanged call')}")
    call = row.after or row.before
    text = f"{call.service} {call.title}" if call is not None else ""
    fact = next((delta for delta in row.deltas if delta.found), None)
    if fact is not None and row.state == RowState.CHANGED:
        change = f" · {clean(fact.before, 12) or 'none'} → {clean(fact.after, 12) or 'none'}"
        return label(f"{clean(text, _LABEL_AT_MOST - len(change))}{change}")
    return label(text)


def _edge(row: Row) -> str:
    before, after = (call.times if call is not None else 0 for call in (row.before, row.after))
    if row.state == RowState.MISSING:
        return '-. "gone" .->'
    if row.state == RowState.ADDED:
        return '== "new" ==>' if after == 1 else f'== "new, x{after}" ==>'
    if before != after and row.state == RowState.CHANGED:
        return f'== "x{after}, was x{before}" ==>'
    return "-->"


def _style(row: Row) -> str:
    if row.state == RowState.CHANGED:
        return "root" if any(mark.root for mark in row.marks) else "chg"
    return {RowState.MISSING: "del", RowState.ADDED: "add"}.get(row.state, "")


def _parents(rows: Sequence[Row]) -> list[int]:
    """The position of the shown row above each row."""
    parents: list[int] = []
    stack: list[int] = []
    for at, row in enumerate(rows):
        while stack and rows[stack[-1]].depth >= row.depth:
            stack.pop()
        parents.append(stack[-1] if stack else -1)
        if row.state != RowState.FOLDED:
            stack.append(at)
    return parents
