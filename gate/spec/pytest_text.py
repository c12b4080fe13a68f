"""Spec → a pytest file: one test a validation, in plain Python that a person can change."""

import keyword
import re
from functools import cache
from pathlib import Path

import jinja2

from gate.spec.sentences import sentence
from gate.spec.spec import Call, Happens, Spec, Validation

_HERE = Path(__file__).resolve().parents[1]
_FOLDERS = (_HERE / "templates", _HERE.parent / "templates")
"""In an installed wheel, and in a source tree."""


def render_pytest(spec: Spec) -> str:
    """A file that runs by itself with pytest where the package `spangate` is installed. Texts from spans are Python literals."""
    return _template().render(spec=spec, tests=list(zip(_test_names(spec), spec.validations, strict=True))) + "\n"


def _test_names(spec: Spec) -> list[str]:
    """A distinct function name for each validation, from its sentence."""
    names: list[str] = []
    for validation in spec.validations:
        text = _text(validation).removeprefix(f"{spec.entry.service}: ").lower()
        words = re.sub(r"[^a-z0-9]+", "_", text).strip("_")
        name = base = f"test_{words[:60].rstrip('_') or 'validation'}"
        number = 2
        while name in names or keyword.iskeyword(name):
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDERS),
        autoescape=False,  # noqa: S701 - every value goes through `literal`
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({"literal": _literal, "text": _text, "call": _call, "holds": _count})
    return environment.get_template("spec/spec_test.py.j2")


def _literal(value: object) -> str:
    """A Python literal in printable ASCII."""
    return ascii(value)


def _text(validation: Validation) -> str:
    return validation.name or sentence(validation)


def _call(call: Call) -> str:
    fields = {"service": call.service, "operation": call.operation, "statement": call.statement}
    return ", ".join(f"{name}={_literal(value)}" for name, value in fields.items() if value)


def _count(validation: Happens) -> str:
    """The expression that holds for the number of calls `n`."""
    least, most = validation.bounds()
    if most is None:
        return f">= {least}"
    return f"== {least}" if least == most else f"in range({least}, {most + 1})"
