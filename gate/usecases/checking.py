"""The regression test of one trace, on another one."""

from gate.errors import NoTraces
from gate.model.trace import Trace
from gate.spec import SpecResult, build_spec, check_spec


def check_traces(golden: Trace, other: Trace) -> SpecResult:
    """Raises NoTraces when no test can be made of the golden one."""
    try:
        spec = build_spec((golden,))
    except ValueError as error:
        raise NoTraces(str(error)) from error
    return check_spec(spec, other)
