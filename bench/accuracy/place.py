"""Whether a finding names the right place."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from gate.model.flow import Flow
from gate.model.verdict import Finding
from gate.normalize.sql import sql_template
from gate.normalize.text import name_template

LONGEST = 48
"""Characters of a statement's beginning that are compared; what comes after is told by the place."""

_SPACE = re.compile(r"""[\s"`\[\]]+""")


def is_at(finding: Finding, sites: Iterable[tuple[str, str]]) -> bool:
    """Whether the finding's place, or the call that it speaks of, is one of the (service, span name) sites."""
    said = _said(finding)
    return any((service, name_template(name)) in said or (service, name) in said for service, name in sites)


def names_of(flow: Flow, span_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(service, operation) of spans as the comparison names them: a database's name is no part of that."""
    wanted = set(span_ids)
    for operation in flow.operations:
        if operation.span_id in wanted:
            yield operation.service, operation.name


def is_root(finding: Finding, root: dict[str, Any]) -> bool:
    """Whether the finding is the root that a recording's label names: service and span, or its parent, and the statement if any.

    Labels are written for people: a parent can be a pattern (`v1/* (each authenticated SERVER span)`), a statement a beginning.
    """
    service, span = str(root.get("service", "")), name_template(str(root.get("span", "")))
    parent = str(root.get("parent", "")).split(" (")[0].strip()
    said = _said(finding)
    at_span = (service, span) in said
    at_parent = any(where == service and bool(parent) and fnmatchcase(operation, parent) for where, operation in said)
    if not (at_span or at_parent):
        return False
    statement = str(root.get("statement", "")).split(" (")[0].split("...")[0].strip()
    if not statement:
        return True
    texts = _texts(finding)
    return not texts or any(_begins_alike(text, statement) for text in texts)


def _begins_alike(text: str, statement: str) -> bool:
    """Whether one begins as the other, as far as both go: a label may end anywhere, inside a word or a list of columns too."""
    known, wanted = (_SPACE.sub("", sql_template(each)).upper() for each in (text, statement))
    length = min(len(wanted), len(known), LONGEST)
    return known[:length] == wanted[:length]


def _texts(finding: Finding) -> list[str]:
    """Statements that the change shows."""
    change = msgspec.to_builtins(finding.change)
    found = [change.get("statement")]
    if "db.query" in str(change.get("key", "")):
        found += [change.get("before"), change.get("after")]
    return [text for text in found if isinstance(text, str) and text]


def _said(finding: Finding) -> set[tuple[str, str]]:
    """(service, operation) pairs that the finding speaks of: the end of its path, the caller, and the change itself."""
    pairs: set[tuple[str, str]] = set()
    for part in finding.place.path[-2:]:
        service, _, operation = part.partition(": ")
        pairs.add((service, operation))
    change = msgspec.to_builtins(finding.change)
    service = str(change.get("service", "")) or next(iter(finding.place.path[-1:]), "").partition(": ")[0]
    for field in ("operation", "before", "after", "first", "then"):
        if isinstance(change.get(field), str):
            pairs.add((service, change[field].split("\n")[0]))
    pairs |= {(service, operation) for operation in change.get("operations", ())}
    return pairs
