"""A flow's rows as lines of a `diff` block: works in e-mail, on small screens and wherever Markdown is shown."""

from collections.abc import Sequence

from gate.model.verdict import Level
from gate.report.clean import clean
from gate.report.row import Call, Row, RowState
from gate.report.words import count

_NAME_AT_MOST = 120
_VALUE_AT_MOST = 160
_INDENT_AT_MOST = 16


def diff_lines(rows: Sequence[Row], limit: int = 0) -> list[str]:
    """Cleaned lines, each beginning with `-`, `+`, `!` or a space.

    With `limit` > 0, at most so many: changed calls and the way to them stay, then whole rows are left out and counted.
    """
    blocks = [_lines(row) for row in rows]
    total = sum(map(len, blocks))
    if not limit or total <= limit:
        return [line for block in blocks for line in block]
    kept = _most_important(rows, blocks, limit - 1)
    lines = [line for at, block in enumerate(blocks) if at in kept for line in block]
    return [*lines, f"  … {count(total - len(lines), 'more line')}"]


def _most_important(rows: Sequence[Row], blocks: list[list[str]], limit: int) -> set[int]:
    above: list[int] = []
    stack: list[int] = []
    for at, row in enumerate(rows):
        while stack and rows[stack[-1]].depth >= row.depth:
            stack.pop()
        above.append(stack[-1] if stack else -1)
        stack.append(at)
    kept: set[int] = set()
    room = limit
    for at in sorted(range(len(rows)), key=lambda at: (_importance(rows[at]), at)):
        needed: list[int] = []
        step = at
        while step >= 0 and step not in kept:
            needed.append(step)
            step = above[step]
        cost = sum(len(blocks[each]) for each in needed)
        if cost > room:
            break
        room -= cost
        kept.update(needed)
    return kept


def _importance(row: Row) -> int:
    if any(mark.root for mark in row.marks):
        return 0
    if row.marks:
        return 1
    return 2 if row.state in (RowState.CHANGED, RowState.MISSING, RowState.ADDED) else 3


def _lines(row: Row) -> list[str]:
    indent = "  " * min(row.depth, _INDENT_AT_MOST)
    if row.state == RowState.FOLDED:
        return [f"  {indent}… {count(row.count, 'unchanged call')}"]
    before, after = row.before, row.after
    began = "   ◀ began here" if any(mark.root and mark.level != Level.IGNORED for mark in row.marks) else ""
    if before is None or after is None:
        call = after or before
        sign = {RowState.MISSING: "-", RowState.ADDED: "+"}.get(row.state, " ")
        text = _call(call) if call is not None else ""
        times = f"  ×{call.times}" if call is not None and call.times > 1 else ""
        only = ("   (only golden)" if after is None else "   (only this run)") if row.state == RowState.VARIES else ""
        return [f"{sign} {indent}{text}{times}{only}{began}"]
    lines: list[str] = []
    if (before.service, before.name) != (after.service, after.name):
        lines += [f"- {indent}{_call(before)}", f"+ {indent}{_call(after)}{began}"]
    elif before.times != after.times:
        sign = ("+" if after.times > before.times else "-") if row.state == RowState.CHANGED else " "
        lines.append(f"{sign} {indent}{_call(after)}  ×{after.times} (was ×{before.times}){began}")
    else:
        lines.append(f"{'!' if row.state == RowState.CHANGED else ' '} {indent}{_call(after)}{began}")
    if row.state == RowState.CHANGED:
        if before.error != after.error:
            lines.append(f"! {indent}  {'error → ok' if before.error else 'ok → error'}")
        for delta in row.deltas:
            if delta.found:
                values = (clean(value, _VALUE_AT_MOST) or "(none)" for value in (delta.before, delta.after))
                lines.append(f"! {indent}  {clean(delta.key, _NAME_AT_MOST)}: {' → '.join(values)}")
    return lines


def _call(call: Call) -> str:
    text = f"{clean(call.service, _NAME_AT_MOST)}  {clean(call.title, _NAME_AT_MOST)}".strip()
    return text or "(unnamed)"
