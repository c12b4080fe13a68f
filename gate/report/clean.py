"""Makes text from spans harmless before any surface shows it, and escapes it for each surface.

Span names, attributes, test cases and branch names are written by whoever sends traces (on a fork: by anybody).
`clean` removes what no surface should ever show; the other functions add one surface's own quoting to cleaned text.
"""

import re
import unicodedata
from functools import lru_cache
from html import escape as html_escape
from shlex import quote as shell_quote
from urllib.parse import quote, urlsplit

_SPACES = str.maketrans({"\t": " ", "\n": " ", "\r": " ", "\v": " ", "\f": " ", "\x85": " ", "\u2028": " ", "\u2029": " "})
_TERMINAL_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences (colours, cursor)
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # strings (titles, hyperlinks)
    r"|\x1b[ -/]*[0-~]?"
)
_MARKS_AT_MOST = 4


@lru_cache(maxsize=65536)
def clean(text: str, limit: int = 0) -> str:
    """The text on one line without terminal sequences, control, format (bidirectional, zero-width) and unassigned characters.

    Runs of combining marks end after four, runs of spaces after one. With `limit` > 0 the result has at most so many characters,
    the last one `…` when something was left out.
    """
    text = re.sub(" {2,}", " ", clean_line(text)).strip()
    if limit and len(text) > limit:
        return text[: limit - 1].rstrip() + "…"
    return text


def clean_line(text: str) -> str:
    """Likewise, with every space where it is: for text whose columns mean something."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_harmless(_TERMINAL_SEQUENCE.sub("", text).translate(_SPACES)))


def _harmless(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Cn", "Co"):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_AT_MOST:
            kept.append(character)
    return kept


def code(text: str, limit: int = 0) -> str:
    """A Markdown code span, outside of tables. Nothing in a code span is a mention, a link, HTML or formatting."""
    content = clean(text, limit) or " "
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if content[0] in "` " or content[-1] in "` " else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def cell(text: str, limit: int = 0) -> str:
    """A Markdown code span inside a table, where `|` is escaped: GitHub's tables read it before they read code spans."""
    return code(text, limit).replace("|", "\\|")


def word(text: str, limit: int = 0) -> str:
    """Markdown for a word or number of ours: as it is when it is plain, else as a code span for tables."""
    plain = clean(text, limit)
    return plain if re.fullmatch(r"[A-Za-z][A-Za-z ]*|N\+1|\d+(\.\.\d+)?", plain) else cell(plain)


def summary_code(text: str, limit: int = 0) -> str:
    """`<code>` for the places where Markdown is not read, as in `<summary>`."""
    return f"<code>{html_escape(clean(text, limit))}</code>"


def fence(lines: list[str], language: str) -> str:
    """A fenced block that no line can close. The lines are cleaned already and hold no line break."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join((f"{ticks}{language}", *lines, ticks))


def shell(text: str) -> str:
    """The text as one word of a shell command that somebody may copy."""
    return shell_quote(clean(text))


def link(url: str) -> str:
    """The address when it is plain http(s) and safe to stand in Markdown and HTML, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    return quote(clean(url), safe=":/?#[]@!$&'*+,;=%~-._").replace("'", "%27").replace("[", "%5B").replace("]", "%5D")


def marker(*parts: str) -> str:
    """What a hidden HTML comment may hold: letters, digits, `._-`, never `--`, at most 60 characters of each part."""
    plain = (re.sub(r"[^A-Za-z0-9._]+", "-", part[:60]).strip("-") for part in parts)
    return "/".join(part or "default" for part in plain)


_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold; quoting is left to the writer of the XML."""
    return _NOT_XML.sub("", text)
