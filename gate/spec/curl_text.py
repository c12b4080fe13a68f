"""Spec → a shell script that sends its request with curl, for whoever wants to try it by hand."""

import re
from collections.abc import Mapping

from gate.errors import BadRequest
from gate.spec.spec import Spec, Value

_REFERENCE = re.compile(r"\$(\$\{|\{(env:)?([^{}]*)\})")


def render_curl(spec: Spec, overrides: Mapping[str, Value] | None = None) -> str:
    """A POSIX shell script. Parameters are variables that the caller's environment overrides; `${env:NAME}` must be set.

    `overrides` (an environment's parameters) replace the spec's own values. Texts from spans are single-quoted words: the shell
    reads nothing in them. Raises BadRequest when the spec has no request."""
    if spec.trigger is None:
        raise BadRequest(f"The spec {spec.name!r} has no trigger, so there is nothing to send.", hint="Add one to its file.")
    http = spec.trigger.http
    names = _variables(spec)
    lines = ["#!/bin/sh", f"# {_line(spec.name)}: the request of a Spangate spec", "set -eu"]
    for name, value in {**spec.parameters, **(overrides or {})}.items():
        variable = names.get(name) or _identifier(name)
        lines.append(f'[ -n "${{{variable}+set}}" ] || {variable}={_words(_text(value), {})}')
    lines += [
        "# The trace of this request; look for it in Spangate.",
        "trace=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')",
        "span=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')",
        'echo "trace $trace" >&2',
        f"exec curl --silent --show-error --globoff --request {_words(http.method, {})} {_words(http.url, names)} \\",
        '  --header "traceparent: 00-$trace-$span-01" \\',
    ]
    lines += [f"  --header {_words(f'{name}: {value}', names)} \\" for name, value in http.headers.items()]
    if http.body:
        lines.append(f"  --data-raw {_words(http.body, names)} \\")
    return "\n".join(lines).removesuffix(" \\") + "\n"


def _variables(spec: Spec) -> dict[str, str]:
    """Parameter → a shell variable of its own."""
    names: dict[str, str] = {}
    for name in spec.parameters:
        variable, number = _identifier(name), 2
        while variable in names.values():
            variable, number = f"{_identifier(name)}_{number}", number + 1
        names[name] = variable
    return names


def _identifier(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    return f"p_{plain}" if plain[0].isdigit() or plain in ("trace", "span", "PATH", "IFS") else plain


def _words(text: str, names: Mapping[str, str]) -> str:
    """One shell word: quoted text, with variables where the spec names parameters."""
    parts: list[str] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        parts.append(_quoted(text[end : match.start()]))
        if match[1] == "${":
            parts.append(_quoted("${"))
        elif match[2]:
            parts.append(f'"${{{_identifier(match[3])}:?}}"')
        else:
            parts.append(f'"${{{names.get(match[3]) or _identifier(match[3])}}}"')
        end = match.end()
    parts.append(_quoted(text[end:]))
    return "".join(parts) or "''"


def _quoted(text: str) -> str:
    text = text.replace("\x00", "")
    return "'" + text.replace("'", "'\\''") + "'" if text else ""


def _line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:200]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
