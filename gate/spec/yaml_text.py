"""Spec ↔ YAML. Parsing what was rendered gives the same spec again."""

from typing import Any

import msgspec
import yaml

from gate.codec.written_yaml import decode_yaml
from gate.spec.spec import Spec

_HEAD = """\
# A regression test that Spangate generated from golden traces. Edit it as you like: it is checked as it stands.
#   spangate spec run THIS_FILE --env NAME      sends the request and checks its trace
#   spangate spec check THIS_FILE TRACES…       checks traces that are there already
"""
_COMMENTS = {
    "entry": "The operation that answers the request. Validations look at it and at all that happens below it.",
    "trigger": "What is sent. ${name} is a parameter, ${env:NAME} an environment variable.",
    "parameters": "As recorded. environments/NAME.yaml beside this file overrides them, --set name=value overrides both.",
    "validations": "What never varied in the golden traces, the most telling first.",
}


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block, unprintable text escaped, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = text.replace("\n", "").isprintable()
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"' if not plain else "|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def render_yaml(spec: Spec) -> str:
    """The spec as a file for people; ends with a line feed."""
    document: dict[str, Any] = msgspec.to_builtins(spec)
    order = ("version", "name", *(name for name in document if name not in ("version", "name")))
    parts = [_HEAD]
    for key in order:
        value = 1 if key == "version" else document[key]
        comment = f"\n# {_COMMENTS[key]}\n" if key in _COMMENTS else ""
        parts.append(comment + dump({key: value}))
    return "".join(parts)


def parse_spec(text: str, *, source: str = "spec") -> Spec:
    """The spec of a file. Raises BadRequest naming `source`, line, field and reason."""
    return decode_yaml(text, Spec, source=source)


def dump(value: dict[str, Any]) -> str:
    """YAML for people: keys in their order, long lines whole."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False)
