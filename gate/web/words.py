"""How pages write times, durations and numbers: filters of the templates."""

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from gate.report.clean import clean_line

_UNITS = ((1_000_000_000 * 60, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))


def duration(ns: float) -> str:
    """`340 µs`, `1.25 ms`, `12.3 s`, `4.5 min`: three digits are enough to compare."""
    for size, unit in _UNITS:
        if ns >= size:
            value = ns / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            text = f"{value:,.{digits}f}"
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"
    return f"{ns:.0f} ns"


def moment(ns: int) -> Markup:
    """A `<time>` in UTC, which the page's script puts into the reader's zone; UTC stays on hover."""
    if not 0 < ns < 2**63:
        return Markup("")
    return _time(datetime.fromtimestamp(ns // 1_000_000_000, UTC), ns // 1_000_000 % 1000)


def moment_text(text: str) -> Markup:
    """The same for RFC 3339 text; empty for none."""
    if not text:
        return Markup("")
    at = datetime.fromisoformat(text).astimezone(UTC)
    return _time(at, at.microsecond // 1000)


def _time(at: datetime, milliseconds: int) -> Markup:
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z", f"{at:%Y-%m-%d %H:%M:%S}.{milliseconds:03}", f"{at:%d %b %H:%M:%S}"
    )


def address(*parts: str, **query: object) -> str:
    """A path of these segments with a query of what is not empty, both quoted."""
    path = "".join(f"/{quote(str(part), safe='')}" for part in parts) or "/"
    wanted = {name: str(value) for name, value in query.items() if value not in ("", None, False)}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def verbatim(text: str) -> Markup:
    """Text whose line breaks and spaces stay, for `<pre>`: escaped, and without what no surface should show."""
    return Markup("\n").join(map(clean_line, text.splitlines()))


def code_spans(text: str) -> Markup:
    """Markdown's `code` in a sentence as HTML; everything is escaped, an odd backtick stays."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))
