"""The services and operations of a trace as one short text of dictionary numbers: `,s3,s7,57,103,`.

An index row per (trace, operation) would cost more than the trace's compressed spans where every span has a name of its own.
A number stands between commas, so that one substring search finds it exactly, and two batches of a trace merge by appending.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, tuple_, update

from gate.store.sql.lookup import upsert
from gate.store.sql.schema import INDEXED_TEXT, counters, indexed, operations, services, traces

_REMEMBERED = 50_000
_AT_ONCE = 250
_GENERATION = select(counters.c.value).where(counters.c.name == "dictionary")
_MANY = 100
"""Services that have an operation of this name, at most, which a search by name alone looks for."""

Pair = tuple[str, str]
"""Service and span name."""
Numbers = tuple[str, str]
"""Their words: `s3`, `57`."""


class Found(NamedTuple):
    """Numbers that were read from the dictionaries, and when: after a later deletion they are void."""

    numbers: dict[Pair, Numbers]
    generation: int
    known: Mapping[Pair, Numbers]
    """What was remembered when they were read: another transaction of this process may forget it meanwhile."""


class Words:
    """Numbers for pairs. What a rolled-back transaction numbered must not be remembered: call `remember` after the commit."""

    def __init__(self) -> None:
        self._known: dict[Pair, Numbers] = {}
        self._generation = 0

    def number(self, connection: Connection, groups: Iterable[Iterable[Pair]]) -> Found:
        """The words of each pair that is not remembered. New pairs are added to the dictionaries. Nobody, in no process, deletes
        entries before this transaction ends."""
        generation = connection.execute(_GENERATION.with_for_update(read=True)).scalar_one()
        if generation != self._generation:
            self._known, self._generation = {}, generation
        known = self._known
        missing = {pair: (indexed(pair[0]), indexed(pair[1])) for pairs in groups for pair in pairs if pair not in known}
        if not missing:
            return Found({}, generation, known)
        of_service = _numbers(connection, services, {(service,) for service, _ in missing.values()})
        of_pair = _numbers(connection, operations, set(missing.values()))
        numbers = {pair: (f"s{of_service[cut[:1]]}", str(of_pair[cut])) for pair, cut in missing.items()}
        return Found(numbers, generation, known)

    def text(self, pairs: Iterable[Pair], found: Found) -> str:
        """The words of a trace with these pairs."""
        known = found.known
        words: dict[str, None] = {}
        for pair in pairs:
            service, operation = known.get(pair) or found.numbers[pair]
            words[service] = None
            words[operation] = None
        return f",{','.join(words)},"

    def remember(self, found: Found) -> None:
        """Keep committed numbers. Overlong texts are not kept: they are hostile, and would fill the memory."""
        if found.generation != self._generation:
            return
        if len(self._known) > _REMEMBERED:
            self._known = {}
        for pair, words in found.numbers.items():
            if len(pair[0]) <= INDEXED_TEXT and len(pair[1]) <= INDEXED_TEXT:
                self._known[pair] = words


def joined(one: str, other: str) -> str:
    """The words of two batches as those of their trace."""
    words = dict.fromkeys([*one.split(","), *other.split(",")])
    return f",{','.join(word for word in words if word)},"


def having(connection: Connection, service: str, operation: str) -> ColumnElement[bool] | None:
    """The condition for traces with a span of this service and this name (either may be empty); None when there can be none."""
    if not operation:
        number = connection.scalar(select(services.c.key).where(services.c.name == indexed(service)))
        return None if number is None else _has(connection, f"s{number}")
    query = select(operations.c.key).where(operations.c.name == indexed(operation))
    if service:
        query = query.where(operations.c.service == indexed(service))
    numbers = connection.scalars(query.limit(_MANY)).all()
    return or_(*[_has(connection, str(number)) for number in numbers]) if numbers else None


def speaking_of(connection: Connection, text: str) -> list[ColumnElement[bool]]:
    """Conditions for traces with a service or a span name that contains the text: any of them. The newest names count."""
    found: list[ColumnElement[bool]] = []
    for table, prefix in ((services, "s"), (operations, "")):
        named = table.c.name.icontains(text, autoescape=True)
        numbers = connection.scalars(select(table.c.key).where(named).order_by(table.c.key.desc()).limit(_MANY))
        found += [_has(connection, f"{prefix}{number}") for number in numbers]
    return found


def names_in(connection: Connection, texts: Iterable[str], *, of: str) -> dict[str, int]:
    """In how many of these `words` each service (`of="service"`) or span name (`of="operation"`) is."""
    counts: dict[int, int] = {}
    for text in texts:
        for word in set(text.split(",")):
            number = word.removeprefix("s")
            if number and (word[0] == "s") == (of == "service"):
                counts[int(number)] = counts.get(int(number), 0) + 1
    table = services if of == "service" else operations
    found: dict[str, int] = {}
    keys = sorted(counts)
    for start in range(0, len(keys), _AT_ONCE):
        query = select(table.c.key, table.c.name).where(table.c.key.in_(keys[start : start + _AT_ONCE]))
        for key, name in connection.execute(query).tuples():
            found[name] = found.get(name, 0) + counts[key]
    return found


def services_of(connection: Connection, texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The service names in each of these `words`, sorted."""
    numbers = [[int(word[1:]) for word in dict.fromkeys(text.split(",")) if word.startswith("s")] for text in texts]
    wanted = {number for of_text in numbers for number in of_text}
    query = select(services.c.key, services.c.name).where(services.c.key.in_(wanted))
    names = dict(connection.execute(query).tuples().all())
    return [tuple(sorted(names[number] for number in of_text if number in names)) for of_text in numbers]


def shrink(connection: Connection) -> None:
    """Delete dictionary entries that no trace uses any more. Reads the words of every trace, while nobody receives."""
    connection.execute(update(counters).where(counters.c.name == "dictionary").values(value=counters.c.value + 1))
    words: set[str] = set()
    for text in connection.scalars(select(traces.c.words).execution_options(yield_per=1000)):
        words.update(text.split(","))
    for table, prefix in ((operations, ""), (services, "s")):
        unused = [key for key in connection.scalars(select(table.c.key)) if f"{prefix}{key}" not in words]
        for start in range(0, len(unused), _AT_ONCE):
            connection.execute(delete(table).where(table.c.key.in_(unused[start : start + _AT_ONCE])))


def _has(connection: Connection, word: str) -> ColumnElement[bool]:
    position = func.strpos if connection.dialect.name == "postgresql" else func.instr
    return position(traces.c.words, f",{word},") > 0


def _numbers(connection: Connection, table: Table, names: set[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    columns: list[Any] = [column for column in table.columns if column.name != "key"]
    rows = [dict(zip([column.name for column in columns], name, strict=True)) for name in sorted(names)]
    connection.execute(upsert(connection.dialect, table).on_conflict_do_nothing(), rows)
    found: dict[tuple[str, ...], int] = {}
    for start in range(0, len(rows), _AT_ONCE):
        part = [tuple(row.values()) for row in rows[start : start + _AT_ONCE]]
        for row in connection.execute(select(*columns, table.c.key).where(tuple_(*columns).in_(part))):
            found[tuple(row[:-1])] = row[-1]
    return found
