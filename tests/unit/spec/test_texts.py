"""Spec ↔ YAML, and the generated pytest file."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import BadRequest
from gate.spec import Spec, build_spec, parse_spec, render_pytest, render_yaml
from gate.spec.spec import AttributeIs, Call, Happens, HttpRequest, NoErrors, Rows, Trigger
from tests.unit.spec.drawn import drawn

texts = st.text(st.characters(codec="utf-8"), max_size=30)
calls = st.builds(Call, texts, texts, texts)
values = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.booleans())
times = st.one_of(st.integers(0, 99), st.sampled_from(["1..", "2..5", "0.."]))
validations = st.one_of(
    st.builds(Happens, name=texts, call=calls, times=times),
    st.builds(AttributeIs, name=texts, call=calls, key=texts, equals=values),
    st.builds(Rows, name=texts, call=calls, rows=st.sampled_from(["some", "none"])),
    st.builds(NoErrors, name=texts, except_=st.lists(calls, max_size=2).map(tuple)),
)
requests = st.builds(HttpRequest, texts, texts, st.dictionaries(texts, texts, max_size=3), texts)
specs = st.builds(
    Spec,
    name=texts,
    entry=calls,
    test_case=texts,
    golden_traces=st.lists(texts, max_size=2).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
    trigger=st.none() | st.builds(Trigger, requests),
    parameters=st.dictionaries(texts, values, max_size=3),
    validations=st.lists(validations, max_size=4).map(tuple),
)


@given(specs)
def test_parsing_what_was_rendered_gives_the_same_spec(spec: Spec) -> None:
    """The file says all that the spec says, whatever characters are in it."""
    assert parse_spec(render_yaml(spec)) == spec


@given(specs)
def test_the_pytest_file_is_python_whatever_the_spans_say(spec: Spec) -> None:
    """Text from spans is data: the file parses, has one test a validation and one more, and runs nothing else."""
    module = ast.parse(render_pytest(spec))
    functions = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
    assert len(functions) == len(set(functions)) == len(spec.validations) + 2
    allowed = (ast.FunctionDef, ast.Assign, ast.Import, ast.ImportFrom, ast.Expr)
    assert all(isinstance(node, allowed) for node in module.body)
    assert [
        node.value.value[:20] for node in module.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ] == ["A regression test th"]


GOOD = render_yaml(build_spec([drawn("api: GET /health", {"GET /health": {"http.response.status_code": 200}})]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GOOD.replace("operation:", "opration:", 1), r"s.yaml:\d+: entry: unknown field 'opration'. Did you mean 'operation'\?"),
        (GOOD.replace("check: attribute", "check: atribute"), r"s.yaml:\d+: validations\[0\].check: 'atribute' .*'attribute'\?"),
        (GOOD.replace("equals: 200", "equals: 2.5"), r"s.yaml:\d+: validations\[0\].equals: Expected"),
        (GOOD + "name: twice\n", r"s.yaml:\d+: the key 'name' is there twice"),
        (GOOD + "  - [\n", r"s.yaml:\d+: no YAML"),
        (GOOD.replace("version: 1", "version: 2"), r"s.yaml:4: version"),
        ("a: &x 1\nb: *x\n", r"s.yaml:1: anchors"),
        ("", r"s.yaml: Object missing required field `name`"),
        ("- 1\n", r"s.yaml:1: Expected `object`, got `array`"),
        ("name: \x00\n", r"s.yaml: no YAML"),
    ],
)
def test_a_wrong_file_is_explained(wrong: str, message: str) -> None:
    """The error names the file, the line, the field and the nearest right name."""
    with pytest.raises(BadRequest, match=message):
        parse_spec(wrong, source="s.yaml")


@pytest.mark.parametrize("times", ["x", "-1", "5..2", "1-2"])
def test_a_number_of_times_must_be_one(times: str) -> None:
    """A count that is no count is refused where it stands."""
    text = f"name: a\nentry: {{}}\nvalidations:\n  - check: happens\n    call: {{}}\n    times: {times}\n"
    with pytest.raises(BadRequest, match=r"s.yaml:4: validations\[0\].*times"):
        parse_spec(text, source="s.yaml")


def test_numbers_need_no_quotes() -> None:
    """`equals: 200` and `equals: "200"` check the same, so a person need not think about it."""
    assert "equals: 200" in GOOD
    assert parse_spec(GOOD.replace("equals: 200", "equals: '200'")) != parse_spec(GOOD)
