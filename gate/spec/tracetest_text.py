"""Spec → a Tracetest test definition (`type: Test`), as far as its language reaches.

Its selectors know `=` and `contains` only, and look at spans as they were sent. Where normalisation put a placeholder (`{id}`, `?`)
the longest text without one is looked for; of a statement, whose spaces and line breaks it changed, the names in it. That no call fails
cannot be said there at all; the file says so.
"""

import re
from collections.abc import Mapping
from typing import Any, assert_never

from gate.spec.sentences import sentence
from gate.spec.spec import AttributeIs, Call, Happens, NoErrors, Rows, Spec, Validation, Value
from gate.spec.yaml_text import dump

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|\?|…")
_REFERENCE = re.compile(r"\$(\$\{|\{(env:)?([^{}]*)\})")
_URL = re.compile(r"[A-Z]+ /")
"""A call over HTTP, as to a search engine, has method and path for a statement."""
_NAME = re.compile(r"[^\W\d][\w.]{2,}")
_NAMES = 6
_COUNT = "attr:tracetest.selected_spans.count"


def render_tracetest(spec: Spec, overrides: Mapping[str, Value] | None = None) -> str:
    """YAML for `tracetest apply test`. Parameters keep their values as written; `${env:NAME}` becomes `${env:NAME}` there too."""
    values = {**spec.parameters, **(overrides or {})}
    body: dict[str, Any] = {"name": spec.name}
    if spec.trigger is not None:
        http = spec.trigger.http
        request: dict[str, Any] = {"method": http.method, "url": _filled(http.url, values)}
        if http.headers:
            request["headers"] = [{"key": name, "value": _filled(value, values)} for name, value in http.headers.items()]
        if http.body:
            request["body"] = _filled(http.body, values)
        body["trigger"] = {"type": "http", "httpRequest": request}
    written = [(validation, _spec(validation, spec.entry)) for validation in spec.validations]
    body["specs"] = [made for _, made in written if made is not None]
    left_out = [validation.name or sentence(validation) for validation, made in written if made is None]
    head = ["# Made by Spangate from a spec; see https://docs.tracetest.io for how to run it."]
    if any("db.query.text" in each["selector"] for each in body["specs"]):
        head.append(
            "# Names of attributes are those of today's semantic conventions: older instrumentation has db.statement for db.query.text."
        )
    if spec.trigger is None:
        head.append("# The spec has no trigger: add one, Tracetest needs it.")
    head += [f"# Not said here, because Tracetest's language cannot: {_line(each)}" for each in left_out]
    return "\n".join(head) + "\n" + dump({"type": "Test", "spec": body})


def _spec(validation: Validation, entry: Call) -> dict[str, Any] | None:
    name = validation.name or sentence(validation)
    match validation:
        case Happens(call=call):
            least, most = validation.bounds()
            if least == most:
                assertions = [f"{_COUNT} = {least}"]
            else:
                assertions = [f"{_COUNT} >= {least}", *([] if most is None else [f"{_COUNT} <= {most}"])]
        case AttributeIs(call=call, key=key, equals=equals):
            value = str(equals).lower() if isinstance(equals, bool) else str(equals)
            assertions = [f"attr:{key} = {value if isinstance(equals, int) else _string(value)}"]
            if not re.fullmatch(r"[\w.\-]+", key):
                return None
        case Rows(call=call, rows=rows):
            assertions = [f"attr:db.response.returned_rows {'> 0' if rows == 'some' else '= 0'}"]
        case NoErrors():
            return None
        case _:
            assert_never(validation)
    own = _selector(call)
    selector = own if call == entry else f"{_selector(entry)} {own}"
    return {"selector": selector, "name": name, "assertions": assertions}


def _selector(call: Call) -> str:
    conditions = [f"service.name={_string(call.service)}"] if call.service else []
    query = call.statement and not _URL.match(call.statement)
    if call.operation:  # of a query it is the verb alone, with which names of spans begin
        conditions.append(f"name contains {_string(call.operation)}" if query else _condition("name", call.operation))
    if query:
        conditions += [f"db.query.text contains {_string(name)}" for name in _names(call.statement)]
    elif call.statement and not call.operation:
        conditions.append(_condition("db.query.text", call.statement))
    return f"span[{' '.join(conditions)}]"


def _names(statement: str) -> list[str]:
    """The longest names in a statement, in their order."""
    names = list(dict.fromkeys(_NAME.findall(_PLACEHOLDER.sub(" ", statement))))
    kept = sorted(names, key=len, reverse=True)[:_NAMES]
    return [name for name in names if name in kept]


def _condition(key: str, text: str) -> str:
    parts = _PLACEHOLDER.split(text)
    return f"{key}={_string(text)}" if len(parts) == 1 else f"{key} contains {_string(max(parts, key=len))}"


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filled(text: str, values: Mapping[str, Value]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] == "${":
            return "${"
        if match[2] or match[3] not in values:
            return f"${{env:{match[3]}}}"
        own = values[match[3]]
        return _filled(str(own).lower() if isinstance(own, bool) else str(own), {})

    return _REFERENCE.sub(value, text)


def _line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:300]
