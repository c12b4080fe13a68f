"""The name of an operation: the span's name template, without what the environment put into it."""

import re
from functools import lru_cache

from gate.model.trace import Span
from gate.normalize.names import name_template
from gate.normalize.rules import DEFAULT, Rules
from gate.normalize.sql import statement_verb

_SOURCE = re.compile(r" (?:async )?(?:function\b ?\w*\(|(?:\([^()]*\)|\w+) ?=>).*", re.DOTALL)
_LOWER_VERBS = frozenset(
    "select insert update delete with show set begin commit rollback create drop alter savepoint release".split()
)


def operation_name(span: Span, rules: Rules = DEFAULT) -> str:
    """The name template of a span. Database spans lose the database's name, which differs between environments:
    `SELECT shop_ci` → `SELECT`, `SELECT shop_ci.orders AS o` → `SELECT orders AS o`; a name that is only the database's becomes the
    verb of the statement. Source text in a name (a query builder's function, by knex) is left out: the statement says what it
    asks. A span without a name is called after its kind."""
    name = span.name
    for pattern, replacement in _templates(rules):
        name = pattern.sub(replacement, name)
    attributes = span.attributes
    namespace = attributes.get("db.namespace") or attributes.get("db.name")
    if isinstance(namespace, str) and namespace:
        name = _without_namespace(name, namespace, attributes.get("db.query.text") or attributes.get("db.statement"))
        name = _SOURCE.sub("", name) or name
    template = name_template(name)
    if namespace and template in _LOWER_VERBS:
        template = template.upper()
    return template or span.kind.name.lower()


def _without_namespace(name: str, namespace: str, statement: object) -> str:
    words = name.split(" ")
    if words[-1] == namespace:
        words.pop()
    else:  # the table is the last word, or what follows it is its alias
        at = next((at for at, word in enumerate(words) if word.startswith(namespace + ".")), None)
        if at is not None:
            words[at] = words[at][len(namespace) + 1 :]
    if words:
        return " ".join(words)
    text = statement.decode("utf-8", "replace") if isinstance(statement, bytes) else statement
    return (statement_verb(text) if isinstance(text, str) else "") or "query"


@lru_cache(maxsize=64)
def _templates(rules: Rules) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(template.pattern), template.replacement) for template in rules.templates)
