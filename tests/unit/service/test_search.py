"""Search by attribute over both stores."""

import msgspec
import pytest

from gate.codec.encode import to_batch
from gate.service import TraceQuery
from gate.usecases import search
from gate.usecases.gate import StoreGate
from tests.contract.backends import BACKENDS
from tests.contract.made import NOW, span, trace_id

pytestmark = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name, indirect=True)


async def test_pages_give_every_trace_once(gate: StoreGate, monkeypatch: pytest.MonkeyPatch):
    """Whether the span store has an index or looks into candidates: following `next` visits exactly the traces that match, newest
    first, also the old and rare ones that lie behind more candidates than one page looks into."""
    monkeypatch.setattr(search, "_SCANNED", 8)
    old = {1, 2, 3, 17, 18}
    spans = [span(number, start=NOW + number, colour="red" if number in old else "blue") for number in range(1, 31)]
    await gate.receive("default", to_batch(spans))
    for service, expected in (("", [18, 17, 3, 2, 1]), ("nobody", [])):
        query, seen = TraceQuery(attribute="colour=red", service=service, limit=2), []
        for _ in range(20):
            page = await gate.search("default", query)
            seen += [row.trace_id for row in page.traces]
            if not page.next:
                break
            query = msgspec.structs.replace(query, after=page.next)
        assert seen == [trace_id(number) for number in expected]
