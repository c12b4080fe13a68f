"""YAML that people write (specs, environments, policies) → Structs, with errors that name the line and the nearest name."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
import yaml

from gate.errors import BadRequest

T = TypeVar("T")

_PATH = re.compile(r" - at `(\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`", re.DOTALL)
_TAG = re.compile(r"Invalid (?:enum )?value '(.*?)'", re.DOTALL)


def decode_yaml(text: str, type_: type[T], *, source: str) -> T:
    """The value, strictly: unknown fields, duplicate keys, anchors and wrong types are refused.

    Raises BadRequest with `source`, the line and the reason, and for a wrong name the nearest right one.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if getattr(event, "anchor", None):
                mark = event.start_mark
                raise _error(source, mark.line if mark else -1, "anchors and aliases are not read here")
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        for key in _duplicates(node):
            raise _error(source, key.start_mark.line, f"the key {key.value!r} is there twice")
        value: Any = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(source, mark.line if mark else -1, f"no YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _error(source, -1, f"no YAML: {' '.join(str(error).split())}") from None
    try:
        return msgspec.convert({} if value is None else value, type_)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _described(source, node, str(error), type_) from None


def _described(source: str, node: Any, message: str, type_: Any) -> BadRequest:
    match = _PATH.search(message)
    reason = message[: match.start()] if match else message
    path = _with_key(node, match[1], _TAG.search(reason)) if match else "$"
    line, unknown, hint = _line(node, path), _UNKNOWN.search(reason), ""
    if unknown:
        line = _line(node, f"{path}.{unknown[1]}")
        reason, hint = f"unknown field {unknown[1]!r}", _nearest(unknown[1], _names(type_, fields=True))
    elif tag := _TAG.search(reason):
        reason, hint = f"{tag[1]!r} is no value of this field", _nearest(tag[1], _names(type_, fields=False))
    elif reason.startswith("Expected `str`"):
        hint = "Put it in quotes."
    where = path.removeprefix("$").lstrip(".")
    return _error(source, line, f"{where}: {reason}" if where else reason, hint)


def _error(source: str, line: int, reason: str, hint: str = "") -> BadRequest:
    return BadRequest(f"{source}:{line + 1}: {reason}." if line >= 0 else f"{source}: {reason}.", hint=hint)


def _nearest(word: str, names: set[str]) -> str:
    near = get_close_matches(word, sorted(names), n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(sorted(names))}."


def _with_key(node: Any, path: str, wrong: re.Match[str] | None) -> str:
    """The path with the key of a mapping, which msgspec leaves out (`[...]`), where the wrong value tells it."""
    head, hole, tail = path.partition("[...]")
    for key in head.removeprefix("$").split(".")[1:]:
        if not isinstance(node, yaml.MappingNode):
            return path
        node = next((value for name, value in node.value if name.value == key), None)
    if not hole or tail or wrong is None or not isinstance(node, yaml.MappingNode):
        return path
    key = next((name.value for name, value in node.value if value.value == wrong[1]), "")
    return f"{head}.{key}" if key else path


def _line(node: Any, path: str) -> int:
    """The line of the deepest part of the path that the document has, from 0; -1 for an empty document."""
    line = node.start_mark.line if node is not None else -1
    for key, index in _STEP.findall(path):
        if isinstance(node, yaml.MappingNode) and key:
            found = [(k, v) for k, v in node.value if k.value == key]
            if not found:
                return line
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and index.isdecimal() and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line
        else:
            return line
    return line


def _duplicates(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key
                seen.add(key.value)
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item)


def _names(type_: Any, *, fields: bool) -> set[str]:
    """Every field name, or every tag and enumeration value, of the Structs that a type is made of."""
    names: set[str] = set()
    pending: list[Any] = [msgspec.inspect.type_info(type_)]
    while pending:
        match pending.pop():
            case msgspec.inspect.StructType() as struct:
                if fields:
                    names.update(field.encode_name for field in struct.fields)
                elif struct.tag is not None:
                    names.add(str(struct.tag))
                pending.extend(field.type for field in struct.fields)
            case msgspec.inspect.UnionType() as union:
                pending.extend(union.types)
            case msgspec.inspect.VarTupleType() as items:
                pending.append(items.item_type)
            case msgspec.inspect.DictType() as mapping:
                pending.append(mapping.value_type)
            case msgspec.inspect.EnumType() as enumeration if not fields:
                names.update(str(member.value) for member in enumeration.cls)
            case msgspec.inspect.LiteralType() as literal if not fields:
                names.update(map(str, literal.values))
            case _:
                pass
    return names
