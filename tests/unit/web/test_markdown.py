"""The pull request comment as a page shows it."""

import pytest

from gate.web.markdown import on_github


def test_the_comment_keeps_its_tables_folds_and_code() -> None:
    """GitHub's Markdown: tables, folded parts and fenced code become elements."""
    shown = on_github(
        "| a | b |\n|---|---|\n| `x` | 1 |\n\n<details><summary>more</summary>\n\n```diff\n- gone\n```\n\n</details>\n"
    )
    for element in ("<table>", "<td><code>x</code></td>", "<details><summary>more</summary>", "- gone"):
        assert element in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "<a href='data:text/html,x' onclick='alert(1)'>x</a>",
        "<details ontoggle=alert(1) open><summary>x</summary></details>",
        "<p style='position:fixed'>x</p>",
        "<iframe src='//evil'></iframe><svg/onload=alert(1)>",
    ],
)
def test_what_no_report_uses_is_taken_out(hostile: str) -> None:
    """Scripts, handlers, styles, foreign elements and addresses do not get through, whoever wrote them."""
    shown = on_github(hostile).lower()
    for word in (
        "<script",
        "<img",
        "<iframe",
        "<svg",
        "onerror",
        "onclick",
        "ontoggle",
        "onload",
        "javascript:",
        "data:",
        "style=",
    ):
        assert word not in shown
