"""What a comparison compares with is called by its name."""

import pytest

from gate.compare import FIRST_TRACE, FIRST_TRACES
from gate.compare.sentences import sentence
from gate.compare.standard import Standard
from gate.model.change import (
    AttributeChanged,
    BodyChanged,
    CallMissing,
    Change,
    ErrorAppeared,
    ErrorSwallowed,
    NewVariant,
    RowsChanged,
)

CHANGES: tuple[Change, ...] = (
    CallMissing("db", "SELECT", "2..5"),
    ErrorAppeared("api", "GET /", "Timeout"),
    ErrorSwallowed("api", "GET /"),
    AttributeChanged("api", "GET /", "http.route", "/a", ""),
    AttributeChanged("api", "GET /", "http.route", "", "/a"),
    RowsChanged("db", "SELECT", "1", "0"),
    BodyChanged("api", "GET /", "response body", "an object", "empty"),
    NewVariant("api", "GET /", "SELECT without INSERT"),
)


@pytest.mark.parametrize("standard", [FIRST_TRACE, FIRST_TRACES])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_only_golden_traces_are_called_golden(change: Change, standard: Standard) -> None:
    """Every sentence that speaks of the left side says golden of a baseline, and nothing of it of any other trace."""
    assert "golden trace" in sentence(change)
    assert "golden" not in sentence(change, standard)
    assert "first trace" in sentence(change, standard)


def test_one_trace_is_singular() -> None:
    """Verbs follow their noun."""
    assert sentence(RowsChanged("db", "SELECT", "1", "0"), FIRST_TRACE) == "db: SELECT returned 0 rows, the first trace returns 1"
    assert sentence(RowsChanged("db", "SELECT", "1", "0")) == "db: SELECT returned 0 rows, the golden traces return 1"
