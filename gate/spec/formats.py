"""A spec in every form that people take away."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import msgspec

from gate.spec.curl_text import render_curl
from gate.spec.pytest_text import render_pytest
from gate.spec.spec import Spec, Value
from gate.spec.tracetest_text import render_tracetest
from gate.spec.yaml_text import render_yaml

SpecFormat: TypeAlias = Literal["yaml", "pytest", "curl", "tracetest"]
FORMATS: tuple[SpecFormat, ...] = get_args(SpecFormat)
SUFFIXES: dict[SpecFormat, str] = {"yaml": ".spec.yaml", "pytest": "_spec.py", "curl": ".sh", "tracetest": ".tracetest.yaml"}


def render_spec(spec: Spec, format: SpecFormat, overrides: Mapping[str, Value] | None = None) -> str:
    """The text. `overrides` are an environment's parameters. Raises BadRequest when the spec has no request that curl could send."""
    match format:
        case "yaml":
            return render_yaml(_with(spec, overrides))
        case "pytest":
            return render_pytest(_with(spec, overrides))
        case "curl":
            return render_curl(spec, overrides)
        case "tracetest":
            return render_tracetest(spec, overrides)


def _with(spec: Spec, overrides: Mapping[str, Value] | None) -> Spec:
    return msgspec.structs.replace(spec, parameters={**spec.parameters, **overrides}) if overrides else spec
