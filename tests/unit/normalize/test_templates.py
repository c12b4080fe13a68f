"""Text templates: a table of real texts, and the laws that hold for every text."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gate.normalize.text import command_template, key_template, name_template, sql_template, topic_template, url_template

FUNCTIONS: dict[str, Callable[[str], str]] = {
    "names": name_template,
    "urls": url_template,
    "sql": sql_template,
    "topics": topic_template,
    "keys": key_template,
    "commands": command_template,
}
TABLE: dict[str, list[tuple[str, str]]] = yaml.safe_load(Path(__file__).with_name("templates.yaml").read_text())
CASES = [(kind, text, template) for kind, cases in TABLE.items() for text, template in cases]


def test_the_table_covers_real_systems() -> None:
    """The table holds at least 150 different texts."""
    assert len({(kind, text) for kind, text, _ in CASES}) >= 150


@pytest.mark.parametrize(("kind", "text", "template"), CASES, ids=[f"{kind}: {text[:60]}" for kind, text, _ in CASES])
def test_template(kind: str, text: str, template: str) -> None:
    """A text has the template of the table, and the template is its own."""
    assert FUNCTIONS[kind](text) == template
    assert FUNCTIONS[kind](template) == template


PIECES = st.sampled_from(
    (
        "GET POST / // ? & = - _ . : ; , ' \" ( ) [ ] { } {id} {date} < > * % %s %20 %2541 $1 @ # \\ ^ \n 1 17 404 2024 "
        "2024-05-12 20240512 v1 1.2.3 10.0.0.1 localhost:80 http: http:// https:/ a ab users orders SELECT FROM WHERE IN "
        "VALUES INSERT SAVEPOINT -- /* */ ? ?, :a eyJhbGciOiJI sha256 0b23bd3e 0b23bd3e-876a-4af3-b920-c50a90c90b04 "
        "0b23bd3e-876a a9vyxbzc xkqzvbnw OLJCESPC7Z a@b.co amq.gen- _INBOX. LLEN LPUSH us-east-1"
    ).split(" ")
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.one_of(PIECES, st.just(" ")), max_size=14).map("".join))


@pytest.mark.parametrize("kind", FUNCTIONS)
@given(text=TEXTS)
def test_normalising_twice_equals_once(kind: str, text: str) -> None:
    """Every template is its own template, whatever the text; no text raises."""
    template = FUNCTIONS[kind](text)
    assert FUNCTIONS[kind](template) == template


@given(st.integers(min_value=100, max_value=599), st.sampled_from(["GET", "POST", "DELETE"]), st.integers(1, 30))
def test_status_method_and_version_survive(status: int, method: str, version: int) -> None:
    """No status code, method or version is ever hidden."""
    assert name_template(f"{method} /v{version}/errors/{status}") == f"{method} /v{version}/errors/{status}"
    assert name_template(f"{method} {status}") == f"{method} {status}"
    assert url_template(f"/api/v{version}/status/{status}") == f"/api/v{version}/status/{status}"


@given(st.uuids(), st.integers(min_value=13, max_value=36))
def test_a_cut_uuid_is_still_an_identifier(uuid: object, length: int) -> None:
    """Names are cut in the middle of a UUID; the template is that of the whole."""
    text = str(uuid)[:length]
    if any(character.isdigit() for character in text):
        assert name_template(f"/route/{text}") == "/route/{id}"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_a_list_of_values_has_one_template(values: list[int]) -> None:
    """The length of an IN list and the number of inserted rows are not part of a statement."""
    inside = ", ".join(map(str, values))
    rows = ", ".join(f"({value}, 'x')" for value in values)
    assert sql_template(f"SELECT a FROM t WHERE b IN ({inside})") == "SELECT a FROM t WHERE b IN (?)"
    assert sql_template(f"INSERT INTO t (a, b) VALUES {rows}") == "INSERT INTO t(a, b) VALUES (?)"
