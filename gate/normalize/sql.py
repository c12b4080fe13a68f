"""SQL statement → template: one text for one statement, whatever the driver, its parameters and its layout.

Literals and parameters of every style are `?`; lists of them one `?`; comments and superfluous blanks are gone;
generated names (savepoints, cursors, temporary and dated tables) lose what was generated.
"""

import re

from gate.normalize.repeat import until_stable
from gate.normalize.tokens import DATE, ID, is_random

MAX_LENGTH = 20_000
"""Characters of a statement that are read; the rest of a longer one is not part of its template."""

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\r\n]*|/\*.*?(?:\*/|\Z))
    |(?P<literal>
        (?:\b[eEnNbBxX]|\b[uU]&)?'(?:[^'\\]|''|\\.)*(?:'|\Z)
        |\$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
        |%\(\w+\)s|%s|\$\d+|(?<![:\w]):(?:[A-Za-z_]\w*|\d+)|@[pP]\d+|\?(?:\d+)?
        |(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+\-]?\d+)?)(?!\w)|(?<![\w)\].?])\.\d+(?!\w)
    )
    |(?P<quoted>"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)|\{\w+\})
    |(?P<word>@@?[A-Za-z_][\w$]*|[^\W\d][\w$]*(?:\{\w+\}[\w$]*)*|\{\w+\}[\w$]*|\d[\w$]*)
    |(?P<operator>::|<=>|->>|->|\#>>|\#>|@>|<@|\|\||<>|<=|>=|!=|:=|=>|&&|!~\*|!~|~\*)
    |(?P<symbol>\S)
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset(
    """select from where and or not in is null insert into values update set delete join left right inner outer full cross on
    using as with recursive union all distinct order group by having limit offset fetch first next rows only for share nowait
    skip locked returning conflict do nothing between like ilike exists case when then else end asc desc nulls last create
    table index view drop alter add column primary key references begin commit rollback savepoint release to transaction
    start work declare cursor close fetch execute prepare deallocate truncate lock show reset listen unlisten notify explain
    analyze over partition window filter lateral natural any some array interval cast default true false merge replace call
    except intersect no hold end vacuum grant revoke copy""".split()
)
_SPACED = _KEYWORDS - {"any", "some", "cast", "array", "replace", "left", "right", "key"}
"""Keywords that keep a blank before an opening parenthesis; functions do not."""
_SAVEPOINT = re.compile(r"\b(SAVEPOINT) (?!\?)(?:\"[^\"]*\"|`[^`]*`|[^\s;]+)")
_BARE_LIST = re.compile(r"\b(IN|VALUES) \?(?! ?,)")
_LIST = re.compile(r"\((?:\s*(?:[+\-] ?)?\?(?:::\w+)?\s*,)*\s*(?:[+\-] ?)?\?(?:::\w+)?\s*\)")
_TUPLES = re.compile(r"(\((?:[^()]|\([^()]*\))*\))(?:, \1)+")
_ARRAY = re.compile(r"\[(?:\?, )+\?\]")
_GENERATED = re.compile(r"\d{6,}|(?<=_)(?=[0-9a-f]*\d)[0-9a-f]{8,}(?=_|$)")
_DATED = re.compile(r"(?<=_)(?:y?20\d\d_?m?(?:0[1-9]|1[0-2])(?:_?d?(?:0[1-9]|[12]\d|3[01]))?)(?=_|$)")
_ASYNCPG = re.compile(r"__asyncpg_\w+?_[0-9a-f]+__")
_CURSOR = re.compile(r"(_django_curs_)\d+(?:_\w+)?")


@until_stable(16_384, MAX_LENGTH)
def sql_template(statement: str) -> str:
    """The template of one statement or several (separated by `; `). Any text gives a template; nothing is raised."""
    words: list[str] = []
    tight = True  # nothing or an opening parenthesis stands before: no blank
    previous = ""
    for match in _TOKEN.finditer(statement):
        kind = match.lastgroup or ""
        text = match[0]
        match "literal" if match["literal"] else kind:
            case "comment":
                continue
            case "literal":
                text = "?"
            case "quoted":
                text = _name_template(text)
            case "word":
                lower = text.lower()
                text = lower.upper() if lower in _KEYWORDS else _name_template(text)
            case _:
                pass
        if not tight and _needs_blank(previous, text):
            words.append(" ")
        words.append(text)
        tight = text in {"(", "[", ".", "::"}
        previous = text
    template = "".join(words).rstrip("; ")
    return _collapse(template)


def statement_verb(statement: str) -> str:
    """The first keyword of a statement in capitals (`SELECT`, `WITH`), or nothing."""
    template = sql_template(statement)
    verb = template.split(" ", 1)[0].split("(", 1)[0].rstrip(";")
    return verb.upper() if verb.isascii() and verb.isalpha() else ""


def _needs_blank(previous: str, text: str) -> bool:
    if text in {",", ")", "]", ";", ".", "::", "["}:
        return False
    return text != "(" or not (previous[-1:].isalnum() or previous[-1:] in '"`_}') or previous.lower() in _SPACED


def _collapse(template: str) -> str:
    template = _SAVEPOINT.sub(r"\1 ?", template)
    template = _BARE_LIST.sub(r"\1 (?)", template)
    while (shorter := _TUPLES.sub(r"\1", _ARRAY.sub("[?]", _LIST.sub("(?)", template)))) != template:
        template = shorter
    return template


def _name_template(name: str) -> str:
    if not any(character.isdigit() for character in name):
        return name
    name = _ASYNCPG.sub("__asyncpg_{id}__", name)
    name = _CURSOR.sub(r"\1{id}", name)
    name = _DATED.sub(DATE, name)
    name = _GENERATED.sub(ID, name)
    bare = name.strip('"`')
    return name.replace(bare, ID) if is_random(bare) and len(bare) >= 16 else name
