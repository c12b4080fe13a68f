"""A flow as an indented tree of text: what a reviewer of a golden file reads."""

from gate.model.flow import Flow, Operation
from gate.normalize.statement import statement_of
from gate.report.clean import clean

_LINE = 200


def outline(flow: Flow, samples: int) -> str:
    """The first sample's operations, equal neighbours as one line with `× n`; ends with a line feed."""
    lines = [f"{clean(str(flow.key))}", f"{samples} golden {'trace' if samples == 1 else 'traces'}", ""]
    return "\n".join([*lines, *operation_lines(flow)]) + "\n"


def operation_lines(flow: Flow) -> list[str]:
    """One line an operation, indented by depth; the lines of equal neighbouring subtrees once, with their number."""
    children: list[list[int]] = [[] for _ in flow.operations]
    for index, operation in enumerate(flow.operations):
        if operation.parent >= 0:
            children[operation.parent].append(index)
    texts = [_text(operation) for operation in flow.operations]
    blocks: list[tuple[str, ...]] = [()] * len(texts)
    for index in reversed(range(len(texts))):
        blocks[index] = (texts[index], *(f"  {line}" for line in _merged([blocks[child] for child in children[index]])))
    return list(blocks[0])


def _merged(blocks: list[tuple[str, ...]]) -> list[str]:
    lines: list[str] = []
    position = 0
    while position < len(blocks):
        block, end = blocks[position], position
        while end < len(blocks) and blocks[end] == block:
            end += 1
        count = end - position
        lines += [f"{block[0]}  × {count}" if count > 1 else block[0], *block[1:]]
        position = end
    return lines


def _text(operation: Operation) -> str:
    statement = statement_of(operation)
    name = f"{operation.service}: {operation.name}" if operation.service else operation.name
    parts = [f"{name} ({statement})" if statement and statement not in operation.name else name]
    for key in ("http.response.status_code", "rpc.response.status_code", "db.response.returned_rows"):
        if value := operation.attributes.get(key):
            parts.append(f"{value} rows" if key.endswith("rows") else f"→ {value}")
    if operation.error:
        parts.append("ERROR")
    return clean(" ".join(parts), _LINE)
