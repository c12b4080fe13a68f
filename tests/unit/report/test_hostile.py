"""Whatever a sender of traces writes, a report shows it and does nothing else with it."""

import json
import re
import unicodedata
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from gate.report import render
from gate.report.clean import cell, clean, code, fence, link
from gate.report.terminal import tree
from tests import report_examples
from tests.unit.report.markdown import read

OURS = {"h2", "h3", "p", "code", "table", "thead", "tbody", "tr", "td", "th", "blockquote", "strong", "ul", "li", "pre"} | {
    "details",
    "summary",
    "sub",
    "a",
}
OUR_ATTRIBUTES = {("details", "open"), ("code", "class"), ("pre", "lang"), ("a", "href")}
SUSPICIOUS = ("@", "#1", "GH-", "www.", "http", "evil", "alert", "javascript", "7*7")


@pytest.mark.parametrize("format", ["md", "summary"])
@pytest.mark.parametrize("payload", range(len(report_examples.PAYLOADS)))
def test_markdown_shows_and_does_nothing(payload: int, format: str) -> None:
    """Rendered as GitHub renders it, no payload becomes an element, a link, a mention or a reference, on any field."""
    text = render(report_examples.hostile((report_examples.PAYLOADS[payload],)), format)
    rendered = read(text)
    assert rendered.elements <= OURS
    assert rendered.attributes <= OUR_ATTRIBUTES
    assert rendered.links == []
    assert rendered.unclosed == []
    assert len(rendered.comments) == (format == "md")
    prose = " ".join(rendered.prose)
    assert not [each for each in SUSPICIOUS if each in prose]
    assert {len(row) for table in rendered.rows[:1] for row in table} == {4}


@pytest.mark.parametrize("payload", range(len(report_examples.PAYLOADS)))
def test_links_to_the_server_lead_nowhere_else(payload: int) -> None:
    """With a server the comment has links, and whatever the run and its findings are called, every one is of that server."""
    payload_text = report_examples.PAYLOADS[payload]
    report = report_examples.hostile((payload_text,))
    finding = msgspec.structs.replace(report.verdict.findings[0], fingerprint=payload_text)
    verdict = msgspec.structs.replace(report.verdict, findings=(finding,))
    report = msgspec.structs.replace(report, server_url="https://spangate.example.com", verdict=verdict)
    rendered = read(render(report, "md"))
    assert rendered.elements <= OURS
    assert rendered.attributes <= OUR_ATTRIBUTES
    if not payload_text:  # a run without a name has no page
        assert rendered.links == []
        return
    page = rendered.links[0].partition("#")[0]
    assert page.startswith("https://spangate.example.com/projects/")
    assert {each.partition("#")[0] for each in rendered.links} == {page}
    assert {len(row) for table in rendered.rows[:1] for row in table} == {4}


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_stays_in_its_code_span(text: str) -> None:
    """Any text at all in a table cell is one cell with one code span that says the cleaned text."""
    rendered = read(f"| a | b |\n|---|---|\n| {cell(text)} | end |\n")
    assert rendered.elements <= {"table", "thead", "tbody", "tr", "td", "th", "code"}
    assert [row[1] for row in rendered.rows[0]] == ["b", "end"]
    assert "".join(rendered.code).strip() == clean(text)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_stays_in_a_paragraphs_code_span(text: str) -> None:
    """Any text at all in a sentence is one code span that says the cleaned text."""
    rendered = read(f"before {code(text)} after\n")
    assert rendered.elements <= {"p", "code"}
    assert "".join(rendered.prose).split() == ["before", "after"]
    assert "".join(rendered.code).strip() == clean(text)


@pytest.mark.parametrize("ticks", ["```", "````", "  ```", "~~~"])
def test_no_line_ends_a_fence(ticks: str) -> None:
    """A call that is named like the end of a block stays a line of the block."""
    rendered = read(fence(["+ a", ticks, "- <b>b</b>", "@octocat"], "diff") + "\n\nafter\n")
    assert rendered.elements == {"pre", "code", "p"}
    assert "".join(rendered.prose).split() == ["after"]
    assert "".join(rendered.code).splitlines() == ["+ a", ticks, "- <b>b</b>", "@octocat"]


@pytest.mark.parametrize(
    "sequence", ["\x1b[31m", "\x1b]8;;http://evil.example\x07", "\x1b]0;title\x1b\\", "\x9b2J", "\x1bc", "\x1b(B"]
)
def test_terminal_sequences_leave_nothing(sequence: str) -> None:
    """Not only the escape character goes, the whole sequence does, and the text around it stays."""
    assert clean(f"a{sequence}b") == "ab"


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_clean_text_is_one_printable_line(text: str) -> None:
    """No control, format, surrogate or line-breaking character is left, and cleaning twice is cleaning once."""
    cleaned = clean(text)
    assert not [each for each in cleaned if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")]
    assert clean(cleaned) == cleaned
    assert len(clean(text, 10)) <= 10


def test_text_keeps_what_is_harmless() -> None:
    """Cleaning is not maiming: names in any script, SQL and routes stay as they are."""
    for text in ("GET /users/{id}", "SELECT … WHERE a = ? AND b LIKE '%x'", "поиск 検索 🔍", "a_b*c`d|e\\f"):
        assert clean(text) == text


@pytest.mark.parametrize("format", ["text", "annotations"])
def test_plain_text_has_no_control_character(format: str) -> None:
    """What goes to a terminal or a log holds no escape sequence and no other control character than the line feed."""
    text = render(report_examples.hostile(), format)
    assert not [each for each in text if unicodedata.category(each) in ("Cc", "Cf") and each != "\n"]


def test_no_span_can_write_a_workflow_command() -> None:
    """Each line of the annotations is ours, and holds no raw colon or comma in its properties."""
    lines = render(report_examples.hostile(), "annotations").splitlines()
    assert lines
    for line in lines:
        assert re.match(r"::(error|warning) title=[^:,]*::", line)
        assert not re.search(r"%(?!25|0D|0A|3A|2C)", line)


def test_the_coloured_tree_has_no_sequence_of_a_span() -> None:
    """In colour, all escape sequences of the terminal tree are colours: none moves the cursor, sets a title or links."""
    console = Console(force_terminal=True, color_system="truecolor", width=200, record=True, file=None)
    with console.capture() as captured:
        console.print(tree(report_examples.hostile()))
    sequences = re.findall(r"\x1b.[^m]*m?", captured.get())
    assert sequences
    assert all(re.fullmatch(r"\x1b\[[0-9;]*m", each) for each in sequences)
    assert "\x9b" not in captured.get()


def test_json_holds_the_texts_as_they_were() -> None:
    """The document is for programs: it is valid JSON and keeps what the spans said."""
    document = json.loads(render(report_examples.hostile(), "json"))
    assert report_examples.PAYLOADS[0] in {finding["sentence"] for finding in document["findings"]}


def test_junit_drops_what_xml_cannot_hold() -> None:
    """The XML parses, whatever characters the spans hold."""
    root = ElementTree.fromstring(render(report_examples.hostile(), "junit").encode())
    assert len(root.findall(".//testcase")) == len(report_examples.PAYLOADS)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ci.example.com/run/1?a=b#c", "https://ci.example.com/run/1?a=b#c"),
        ("javascript:alert(1)", ""),
        ("https://user@evil.example", ""),
        ("//evil.example", ""),
        ("https://x.example/) [y](https://z", "https://x.example/%29%20%5By%5D%28https://z"),
        ("https://x.example/\n\"'<>`|", "https://x.example/%20%22%27%3C%3E%60%7C"),
        ("https://[::1", ""),
        ("", ""),
    ],
)
def test_only_plain_addresses_are_linked(url: str, expected: str) -> None:
    """A link is http(s), names nobody, and cannot end the Markdown or HTML around it."""
    assert link(url) == expected
