"""Dictionary numbers of services and operations."""

import pytest
from sqlalchemy import create_engine

from gate.store.sql import words
from gate.store.sql.schema import counters, metadata


def test_a_transaction_keeps_what_it_knew(monkeypatch: pytest.MonkeyPatch):
    """Two transactions of one process write at once: when one makes the memory too full and all is forgotten, the other still has
    the numbers that it found remembered."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    memory, pair = words.Words(), ("web", "GET /orders")
    with engine.begin() as connection:
        connection.execute(counters.insert().values(name="dictionary", value=0))
        first = memory.number(connection, [[pair]])
        memory.remember(first)
        later = memory.number(connection, [[pair]])
        monkeypatch.setattr(words, "_REMEMBERED", 0)
        memory.remember(memory.number(connection, [[("db", "SELECT")]]))

    assert not later.numbers
    assert memory.text([pair], later) == memory.text([pair], first) == ",s1,1,"
