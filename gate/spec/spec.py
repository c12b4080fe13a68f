"""A regression test generated from golden traces: what to send, and what must then be in the trace."""

import re
from typing import Literal, TypeAlias

import msgspec

Value: TypeAlias = str | int | bool
"""A value in a file that people write: text, or a number or truth value without quotes."""

SENDER = "spangate-spec"
"""The service that sends a spec's request, in the trace of it."""

_TIMES = re.compile(r"(\d+)(?:\.\.(\d*))?")


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Names a call as comparisons do: normalised. An empty field fits everything."""

    service: str = ""
    operation: str = ""
    statement: str = ""
    """The normalised statement, topic, or method and route."""


class HttpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What starts the flow. `${name}` is a parameter, `${env:NAME}` an environment variable, `$${` the characters `${`."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: str = ""


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the flow is started."""

    http: HttpRequest


class _Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="check", kw_only=True):
    name: str = ""
    """The sentence that a report shows; made from the other fields when empty."""


class Happens(_Validation, frozen=True, tag="happens", kw_only=True):
    """The call happens so often below the entry: `1`, `2..5` or `1..` (at least)."""

    call: Call
    times: int | str

    def __post_init__(self) -> None:
        """Refuse what is no number of times."""
        self.bounds()

    def bounds(self) -> tuple[int, int | None]:
        """Least and most; None is without end. Raises ValueError for a text that is no range."""
        match = _TIMES.fullmatch(str(self.times))
        if match is None:
            raise ValueError(f"times: {self.times!r} is none of `1`, `2..5`, `1..`")
        least = int(match[1])
        most = least if match[2] is None else int(match[2]) if match[2] else None
        if most is not None and most < least:
            raise ValueError(f"times: {self.times!r} ends below its begin")
        return least, most


class AttributeIs(_Validation, frozen=True, tag="attribute", kw_only=True):
    """The call happens, and every time with this value of this attribute (current semantic-convention key, normalised value)."""

    call: Call
    key: str
    equals: Value


class Rows(_Validation, frozen=True, tag="rows", kw_only=True):
    """The query happens, and every time it returns rows, or none."""

    call: Call
    rows: Literal["some", "none"]


class NoErrors(_Validation, frozen=True, tag="no-errors", kw_only=True):
    """No call fails, except those that failed in golden traces too."""

    except_: tuple[Call, ...] = msgspec.field(default=(), name="except")


Validation: TypeAlias = Happens | AttributeIs | Rows | NoErrors


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A test of one request. Validations look at the entry and all that happens below it."""

    name: str
    entry: Call
    """The operation that answers the request."""
    version: Literal[1] = 1
    test_case: str = ""
    golden_traces: tuple[str, ...] = ()
    """Ids of the traces that it was generated from."""
    notes: tuple[str, ...] = ()
    """What the generator could not know."""
    trigger: Trigger | None = None
    """None when no request could be read from the traces: then the spec checks traces that something else made."""
    parameters: dict[str, Value] = {}
    """Name → value as recorded, or `${env:NAME}`; an environment's file overrides it."""
    validations: tuple[Validation, ...] = ()
