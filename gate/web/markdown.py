"""Markdown as GitHub shows it: rendered by GitHub's own parser, then held to the elements that GitHub lets through and reports use.

The text is a report of ours, escaped where it holds what a trace says; the list of elements is the second line of defence, the
pages' Content-Security-Policy the third.
"""

from importlib import import_module
from typing import Any

import nh3
from markupsafe import Markup

_github: Any = import_module("cmarkgfm")  # it has no types
_options: Any = import_module("cmarkgfm.cmark").Options
_ELEMENTS = frozenset(
    "a blockquote br code del details em h1 h2 h3 h4 hr li ol p pre strong sub summary sup table tbody td th thead tr ul".split()
)
_ATTRIBUTES = {"a": {"href"}, "details": {"open"}}


def on_github(markdown: str) -> Markup:
    """The text as HTML, without scripts, styles, images and foreign elements. Links open as a stranger's."""
    rendered: str = _github.github_flavored_markdown_to_html(markdown, options=_options.CMARK_OPT_UNSAFE)
    safe = nh3.clean(
        rendered,
        tags=set(_ELEMENTS),
        attributes=_ATTRIBUTES,
        attribute_filter=_known,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    # The table's first column has no heading; an empty heading would be read aloud as one.
    return Markup(safe.replace("<th></th>", "<td></td>"))  # noqa: S704 - cleaned just above


def _known(element: str, attribute: str, value: str) -> str | None:
    """nh3 lets `lang` and `title` through everywhere; the language of a fenced block is none of a reader's."""
    return value if attribute in _ATTRIBUTES.get(element, ()) else None
