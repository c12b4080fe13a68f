"""Small spans and batches for the kit."""

from typing import Any

from sqlalchemy import Connection, delete, insert

from gate.codec.batch import Batch
from gate.codec.encode import to_batch
from gate.codec.otlp_protobuf import decode_spans
from gate.model.trace import Resource, Scope, Span, SpanKind, StatusCode
from gate.store.compression import compress
from gate.store.elasticsearch.bulk import Action
from gate.store.elasticsearch.documents import document_id
from gate.store.elasticsearch.spans import ElasticsearchSpans
from gate.store.protocols import Stores
from gate.store.sql.lookup import digest_of, project_key, trace_bytes
from gate.store.sql.persistence import work_row
from gate.store.sql.schema import chunks, outbox
from gate.store.sql.spans import PackedChunk, insert_chunks
from gate.store.sql.stores import SqlStores
from gate.store.values import StoredChunk

SECOND = 1_000_000_000
DAY = 24 * 3600 * SECOND
NOW = 1_780_000_000 * SECOND


def trace_id(number: int) -> str:
    """The hex trace id of a number."""
    return f"{number:032x}"


def span(
    trace: int = 1,
    number: int = 1,
    parent: int = 0,
    *,
    name: str = "GET /orders",
    service: str = "web",
    kind: SpanKind = SpanKind.SERVER,
    start: int = NOW,
    duration: int = SECOND,
    error: bool = False,
    run: str = "",
    resource: dict[str, Any] | None = None,
    **attributes: Any,
) -> Span:
    """One span; `__` in an attribute's name stands for a dot. Parent 0: an entry span."""
    of_resource = {"service.name": service, **({"spangate.run": run} if run else {}), **(resource or {})}
    return Span(
        trace_id=trace_id(trace),
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        name=name,
        kind=kind,
        start_ns=start,
        end_ns=start + duration,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        resource=Resource(of_resource, service),
        scope=Scope("test"),
        status=StatusCode.ERROR if error else StatusCode.UNSET,
    )


def batch(*spans: Span) -> Batch:
    """One export request."""
    return to_batch(spans)


async def give(stores: Stores, *spans: Span, run: str = "", now_ns: int = NOW, project: str = "shop") -> frozenset[str]:
    """Deliver spans as one export request."""
    return await stores.intake.accept(project, batch(*spans), run=run, now_ns=now_ns)


async def span_names(stores: Stores, trace: int, project: str = "shop") -> list[str]:
    """The names of the stored spans of a trace, sorted."""
    bodies = (await stores.spans.read(project, [trace_id(trace)])).get(trace_id(trace), ())
    return sorted(span.name for body in bodies for span in decode_spans(body))


async def lose(stores: Stores, trace: int, project: str = "shop") -> None:
    """What a disk or a hand can do: the spans of a trace are gone from the span store, and nobody was told."""
    assert isinstance(stores, SqlStores)
    if isinstance(stores.spans, ElasticsearchSpans):
        spans = stores.spans
        places = (await spans._manifest.chunks(project, [trace_id(trace)]))[trace_id(trace)]
        ids = [(spans._indices.of(place.received_ns), document_id(project, trace_id(trace), place)) for place in places]
        await spans._bulk.send([Action(index, one) for day, one in ids for index in (day, spans._indices.persistent)])
    else:
        mine = chunks.c.trace_id == bytes.fromhex(trace_id(trace))
        await stores.database.write(lambda connection: connection.execute(delete(chunks).where(mine)))


async def leave(stores: Stores, *spans: Span, now_ns: int = NOW, project: str = "shop") -> None:
    """What a stop between the two stores leaves: spans without a record."""
    assert isinstance(stores, SqlStores)
    for chunk in batch(*spans).chunks:
        (blob,) = compress([chunk.body])
        if isinstance(stores.spans, ElasticsearchSpans):
            place = StoredChunk(digest_of(chunk.body), now_ns, len(blob), False)
            await stores.spans.put(project, [(chunk, place, blob)])
        else:
            packed = PackedChunk(chunk.trace_id, digest_of(chunk.body), blob)
            await stores.database.write(
                lambda connection, packed=packed: insert_chunks(
                    connection, [(project_key(connection, project), packed)], now_ns=now_ns
                )
            )


async def owe(stores: Stores, *numbers: int, project: str = "shop") -> None:
    """An outbox entry for each of these traces, as a server leaves it that is killed before the span store has followed: what changes
    about them next gets one as well."""
    assert isinstance(stores, SqlStores)

    def work(connection: Connection) -> None:
        key = project_key(connection, project)
        connection.execute(insert(outbox), [work_row(key, trace_bytes(trace_id(number)), "mark") for number in numbers])

    await stores.database.write(work)
