"""Reads Markdown as GitHub does: rendered by cmark-gfm with its extensions, then looked at as HTML."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

_VOID = {"br", "hr", "img", "input"}


@dataclass
class Rendered:
    """What a reader of the rendered Markdown meets."""

    elements: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    """(element, attribute)."""
    links: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    """Text outside of code: what GitHub searches for mentions and references."""
    code: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    rows: list[list[list[str]]] = field(default_factory=list)
    """Tables, rows, cells."""
    unclosed: list[str] = field(default_factory=list)


def read(markdown: str) -> Rendered:
    """Renders with raw HTML passed through, as GitHub does before it sanitises, so that nothing is hidden from the test."""
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.rendered.unclosed = reader.stack
    return reader.rendered


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rendered = Rendered()
        self.stack: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rendered.elements.add(tag)
        for name, value in attrs:
            self.rendered.attributes.add((tag, name))
            if name in ("href", "src"):
                self.rendered.links.append(value or "")
        if tag == "table":
            self.rendered.rows.append([])
        elif tag == "tr":
            self.rendered.rows[-1].append([])
        elif tag in ("td", "th"):
            self.rendered.rows[-1][-1].append("")
        if tag not in _VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()

    def handle_comment(self, data: str) -> None:
        self.rendered.comments.append(data)

    def handle_data(self, data: str) -> None:
        (self.rendered.code if {"code", "pre"} & set(self.stack) else self.rendered.prose).append(data)
        if {"td", "th"} & set(self.stack):
            self.rendered.rows[-1][-1][-1] += data
