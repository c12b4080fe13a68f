"""The policy's documentation, held to the product."""

import re
from pathlib import Path

import pytest

from gate.codec.written_yaml import decode_yaml
from gate.compare import DEFAULT_LEVELS
from gate.model.policy import Policy, Rule

TEXT = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_every_kind_has_its_default_in_the_table():
    """The table of kinds and default levels is the product's."""
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (failure|warning|notice) \|", TEXT, re.MULTILINE))
    assert rows == {kind: str(level) for kind, level in DEFAULT_LEVELS.items()}


def test_every_field_is_described():
    """Each field of a rule and of a policy is in the text."""
    for name in (*Rule.__struct_fields__, *Policy.__struct_fields__):
        assert f"`{name}" in TEXT or f"\n{name}:" in TEXT, name


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_policy(example: str):
    """What the text shows can be copied."""
    assert decode_yaml(example, Policy, source="docs/policy.md") != Policy()
