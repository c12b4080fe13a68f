"""As much of Tracetest's language as our definitions use, read as its documentation says: span selectors with `=` and `contains`, one
below another, and assertions on counts and attributes."""

import re
from typing import Any

_SELECTOR = re.compile(r'span\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]')
_CONDITION = re.compile(r'([\w.\-]+)(=| contains )"((?:[^"\\]|\\.)*)"')
_ASSERTION = re.compile(r"attr:([\w.\-]+) (=|>|>=|<=) (.*)")


def failures(definition: dict[str, Any], spans: list[dict[str, Any]]) -> list[str]:
    """The names of the specs of which an assertion does not hold."""
    return [
        spec["name"]
        for spec in definition["spec"]["specs"]
        if not all(_holds(assertion, _selected(spec["selector"], spans)) for assertion in spec["assertions"])
    ]


def _selected(selector: str, spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {span["spanId"]: span for span in spans}
    chosen = spans
    for number, part in enumerate(_SELECTOR.findall(selector)):
        above = {span["spanId"] for span in chosen}
        chosen = [span for span in spans if _fits(part, span) and (number == 0 or above & set(_ancestors(span, by_id)))]
    return chosen


def _ancestors(span: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> list[str]:
    found: list[str] = []
    while parent := by_id.get(span.get("parentSpanId", "")):
        found.append(parent["spanId"])
        span = parent
    return found


def _fits(conditions: str, span: dict[str, Any]) -> bool:
    return all(
        text.replace('\\"', '"') in _value(span, key) if operator == " contains " else text == _value(span, key)
        for key, operator, text in _CONDITION.findall(conditions)
    )


def _value(span: dict[str, Any], key: str) -> str:
    if key in ("name", "service.name"):
        return span["name" if key == "name" else "service"]
    values = {each["key"]: next(iter(each["value"].values())) for each in span.get("attributes", [])}
    return str(values.get(key, ""))


def _holds(assertion: str, selected: list[dict[str, Any]]) -> bool:
    found = _ASSERTION.fullmatch(assertion)
    assert found is not None, assertion
    key, operator, wanted = found.groups()
    values = [str(len(selected))] if key == "tracetest.selected_spans.count" else [_value(span, key) for span in selected]
    compare = {
        "=": lambda a, b: a == b,
        ">": lambda a, b: int(a) > int(b),
        ">=": lambda a, b: int(a) >= int(b),
        "<=": lambda a, b: int(a) <= int(b),
    }
    return bool(values) and all(compare[operator](value, wanted.strip('"')) for value in values)
