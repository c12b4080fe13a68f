"""Diagrams, parsed by the real Mermaid."""

import html

import pytest

from gate.model.verdict import Comparison
from gate.report.clean import clean
from gate.report.mermaid import CHARACTERS_AT_MOST, EDGES_AT_MOST, NODES_AT_MOST, flowchart, label
from gate.report.rows import rows
from tests import parts, report_examples
from tests.report_examples import KEY_OF_MANY, many_calls, many_services


def _parsed(sources: list[str]) -> list[dict[str, object]]:
    return parts.node_json("mermaid.js", sources)


def _decoded(text: str) -> str:
    """Mermaid keeps entities as placeholders until it draws."""
    return html.unescape(text.replace("ﬂ°°", "&#").replace("ﬂ°", "&").replace("¶ß", ";"))


def _diagrams(comparisons: tuple[Comparison, ...]) -> list[str]:
    return [source for comparison in comparisons if (source := flowchart(rows(comparison)))]


def test_diagrams_of_all_examples_are_valid() -> None:
    """Mermaid's own parser takes every diagram, within GitHub's limits and ours."""
    sources = [source for example in report_examples.ALL.values() for source in _diagrams(example().comparisons[:40])]
    assert len(sources) > 50
    for source, parsed in zip(sources, _parsed(sources), strict=True):
        assert "error" not in parsed, f"{parsed.get('error')}\n{source}"
        assert len(parsed["labels"]) <= NODES_AT_MOST  # type: ignore[arg-type]
        assert parsed["edges"] <= EDGES_AT_MOST  # type: ignore[operator]
        assert parsed["links"] == 0
        assert len(source) <= CHARACTERS_AT_MOST


def test_hostile_labels_say_what_they_hold() -> None:
    """A payload in a label is the label's text, and nothing else of the diagram: no node, edge, class, link or comment more."""
    texts = [
        *report_examples.PAYLOADS,
        "1. list",
        "- list",
        "# title",
        "end",
        "a%%b",
        "$$x$$",
        "\\n",
        "#quot;",
        "&lt;b&gt;",
        "*b* _i_",
    ]
    sources = [f"flowchart LR\n  n0[{label(text)}]\n  n1[{label('x')}]\n  n0 --> n1" for text in texts]
    for text, source, parsed in zip(texts, sources, _parsed(sources), strict=True):
        assert "error" not in parsed, f"{parsed.get('error')}\n{source}"
        labels = [_decoded(each) for each in parsed["labels"]]  # type: ignore[attr-defined]
        assert len(labels) == 2
        assert labels[0].removeprefix("·").strip() == clean(text, 60).replace("`", "'")
        assert (parsed["edges"], parsed["links"]) == (1, 0)


def test_the_story_shows_the_cause_and_the_missing_calls() -> None:
    """The diagram has the root divergence with its values, and dashed edges to the calls that no longer happen."""
    source = flowchart(rows(report_examples.story().comparisons[0]))
    assert 'n3["api SELECT traces · 1 → 0"]' in source
    assert source.count('-. "gone" .->') == 2
    assert "class n3 root" in source


def test_many_calls_become_a_graph_of_services() -> None:
    """Above forty calls the diagram shows services and how often they call each other."""
    [source] = _diagrams((many_calls(),))
    [parsed] = _parsed([source])
    assert set(parsed["labels"]) <= {"web", "shop", "stock"}  # type: ignore[call-overload]
    assert '"x60, was x1"' in source


def test_what_is_too_large_is_not_drawn() -> None:
    """Above sixty edges between services there is no diagram rather than a cut one."""
    assert many_services().key == KEY_OF_MANY
    assert flowchart(rows(many_services())) == ""


@pytest.mark.parametrize("example", ["passing", "new"])
def test_nothing_changed_is_not_drawn(example: str) -> None:
    """Without a change there is no diagram."""
    assert _diagrams(report_examples.ALL[example]().comparisons) == []
