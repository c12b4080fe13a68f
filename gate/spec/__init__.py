"""Regression tests from golden traces: build, render, parse, check. Pure; `gate.runner` sends the request."""

from gate.spec.build import build_spec
from gate.spec.check import Check, SpecResult, check_spec
from gate.spec.formats import FORMATS, SUFFIXES, SpecFormat, render_spec
from gate.spec.parameters import resolve
from gate.spec.pytest_text import render_pytest
from gate.spec.scope import matching
from gate.spec.spec import Spec
from gate.spec.yaml_text import parse_spec, render_yaml

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Check",
    "Spec",
    "SpecFormat",
    "SpecResult",
    "build_spec",
    "check_spec",
    "matching",
    "parse_spec",
    "render_pytest",
    "render_spec",
    "render_yaml",
    "resolve",
]
