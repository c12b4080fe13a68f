"""The path of a request with its identifiers as parameters, named by the route or by what stands before them."""

import re
from collections.abc import Container

from gate.normalize.urls import url_template

_VARIABLE = re.compile(
    r"<(?:[^<>:]*:)?(?P<angle>[^<>]+)>"  # Flask, Django: <id>, <int:id>
    r"|\{\*{0,2}(?P<brace>[^{}:=]+)[^{}]*\}"  # OpenAPI, Spring, FastAPI: {id}, {path:path}, {id=users/*}
    r"|:(?P<colon>[A-Za-z_]\w*)(?:\([^)]*\))?"  # Express, Gin: :id, :id(\d+)
    r"|\*(?P<star>\w*)"
)
_PARAMETER = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def parametrised(path: str, route: str, taken: Container[str] = ()) -> tuple[str, dict[str, str]]:
    """`/traces/4711/persist` and its route → `/traces/${trace_id}/persist`, `{"trace_id": "4711"}`.

    A route that does not fit the path (a mounted application sees only its end) is tried on the end of the path; without a route
    the identifiers are those that normalisation sees. `$` in the path is escaped as `$$` where it would start a parameter.
    """
    if route:
        fitted = _by_route(path, route, taken)
        if fitted is not None:
            return fitted
    return _by_template(path, taken)


def escaped(text: str) -> str:
    """Text in which `${` is not a parameter."""
    return text.replace("${", "$${")


def _by_route(path: str, route: str, taken: Container[str]) -> tuple[str, dict[str, str]] | None:
    pattern, names, end = "", list[str](), 0
    for variable in _VARIABLE.finditer(route):
        greedy = variable["star"] is not None or ":path" in variable[0] or "path:" in variable[0] or "**" in variable[0]
        pattern += re.escape(route[end : variable.start()]) + ("(.+)" if greedy else "([^/]+)")
        names.append(next((name for name in variable.groups() if name), "id"))
        end = variable.end()
    pattern += re.escape(route[end:].rstrip("/$").removesuffix("/?")) + "/?"
    match = re.search(rf"{pattern.removeprefix('^')}$", path)
    if match is None:
        return None
    values: dict[str, str] = {}
    text, end = "", 0
    for number, name in enumerate(names, start=1):
        name = _free(_identifier(name), match[number], values, taken)
        values[name] = match[number]
        text += escaped(path[end : match.start(number)]) + f"${{{name}}}"
        end = match.end(number)
    return text + escaped(path[end:]), values


def _by_template(path: str, taken: Container[str]) -> tuple[str, dict[str, str]]:
    values: dict[str, str] = {}
    parts = path.split("/")
    templates = url_template(path).split("/")
    if len(templates) != len(parts):
        return escaped(path), {}
    before = ""
    for index, (part, template) in enumerate(zip(parts, templates, strict=True)):
        if "{" in template and template != part:
            name = _free(_identifier(f"{_singular(before)}_id" if before else "id"), part, values, taken)
            values[name] = part
            parts[index] = f"${{{name}}}"
        else:
            before = part or before
            parts[index] = escaped(part)
    return "/".join(parts), values


def _free(name: str, value: str, values: dict[str, str], taken: Container[str]) -> str:
    """The name itself, or with a number when it means something else already."""
    candidate, number = name, 2
    while candidate in taken or values.get(candidate, value) != value:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "id"
    return f"p_{name}" if name[0].isdigit() else name


def _singular(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word[:-1] if word.endswith("s") and not word.endswith("ss") else word
