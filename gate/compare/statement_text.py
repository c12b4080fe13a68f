"""Long statements for people: what of a statement tells it from others, and what of two statements differs."""

import re

LONGEST = 160
_CONTEXT = 3
"""Words around a difference."""
_COLUMNS = re.compile(r"^(SELECT(?: DISTINCT)?) (?!…).{40,}? (FROM .+)$")
_WORD = re.compile(r"\S+")


def short_statement(text: str, length: int = LONGEST) -> str:
    """One line; of a long SELECT the table and the conditions rather than the list of columns."""
    text = " ".join(text.split())
    if len(text) > length and (columns := _COLUMNS.match(text)):
        text = f"{columns[1]} … {columns[2]}"
    return text if len(text) <= length else f"{text[: length - 1]}…"


def different_parts(before: str, after: str, length: int = LONGEST) -> tuple[str, str]:
    """Both statements, whole where they are short, else the words that differ with a few around them."""
    if len(before) <= length and len(after) <= length:
        return before, after
    old, new = _WORD.findall(before), _WORD.findall(after)
    start = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new)))
    rest = min(len(old), len(new)) - start
    ends = zip(reversed(old), reversed(new), strict=False)
    end = next((at for at, (one, other) in enumerate(ends) if one != other), rest)
    end = min(end, rest)
    return _window(old, start, end, length), _window(new, start, end, length)


def _window(words: list[str], start: int, end: int, length: int) -> str:
    first, last = max(0, start - _CONTEXT), min(len(words), len(words) - end + _CONTEXT)
    text = f"{'… ' if first else ''}{' '.join(words[first:last])}{' …' if last < len(words) else ''}"
    return short_statement(text, length)
