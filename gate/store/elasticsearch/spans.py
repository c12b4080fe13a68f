"""The span store in Elasticsearch."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from elasticsearch import NotFoundError

from gate.codec.batch import TraceChunk
from gate.errors import Unavailable
from gate.store.attributes import has_attribute
from gate.store.compression import decompress
from gate.store.elasticsearch.bulk import Action, Bulk
from gate.store.elasticsearch.cluster import Access, Cluster, reason_of
from gate.store.elasticsearch.documents import body_of, document_id, encode, term_of
from gate.store.elasticsearch.indices import Indices
from gate.store.elasticsearch.recent import ReadChunk, RecentTraces
from gate.store.values import Copied, Keeping, StoredChunk

_AT_ONCE = 500
"""Documents (or traces) of one request at most,"""
_BYTES = 16 * 1024 * 1024
"""and compressed bytes."""
_LOOKS = 1_000
"""Traces of one search for an attribute at most."""
_LARGE = 1024 * 1024
"""Bytes to encode in a thread; fewer are done before another request would notice."""
_STEPS = 5
"""Of the event loop, until a request is on its way."""
_HITS = 5_000
_TRIES = 3
_LOOKED_INTO = 100
"""Traces whose spans one search reads to be sure; it is then not faster than looking into candidates."""

_COLUMNS: dict[str, Any] = {
    "docvalue_fields": ["trace_id", "unindexed"],
    "stored_fields": "_none_",
    "filter_path": "hits.hits.fields",
}
"""Of a hit. What stands in documents would have to be decompressed, bodies and all: that took five times as long."""

Place = tuple[str, StoredChunk]
"""A chunk of a trace,"""
Found = tuple[str, StoredChunk, str]
"""with its body as documents have it, or an empty one."""


class Manifest(Protocol):
    """What each trace consists of: kept by the record store, written in one transaction with the trace's summary."""

    async def chunks(self, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[StoredChunk, ...]]:
        """In order of arrival; unknown traces are left out. Raises NotFound for an unknown project."""
        ...

    async def forget(self, project: str, trace_ids: Sequence[str], *, before_ns: int) -> None:
        """Forget the chunks that arrived before."""
        ...

    async def needed(self, times: Sequence[tuple[int, int]]) -> tuple[bool, ...]:
        """For each time from … to, whether a chunk that arrived in it is kept nowhere but in the index of its day."""
        ...

    async def mark(self, project: str, trace_id: str, *, persistent: bool) -> None:
        """Set the mark of a trace, or take it away."""
        ...

    async def marked(self, project: str, trace_ids: Sequence[str] | None = None) -> frozenset[str]:
        """The traces (of these) with the mark."""
        ...

    async def installation(self) -> str:
        """What tells this record store from every other one."""
        ...


class ElasticsearchSpans:
    """See `SpanStore`; open with `open_elasticsearch`."""

    def __init__(self, cluster: Cluster, indices: Indices, manifest: Manifest) -> None:
        self._cluster = cluster
        self._indices = indices
        self._manifest = manifest
        self._bulk = Bulk(cluster)
        self._recent = RecentTraces()

    async def put(self, project: str, chunks: Sequence[tuple[TraceChunk, StoredChunk, bytes]]) -> None:
        """Write chunks, with their compressed bodies, and return when they are on disk. They belong to their trace once the
        manifest has them; what is never entered there is dropped with its day."""
        index = {time: self._indices.of(time) for time in {place.received_ns for _, place, _ in chunks}}
        for name in set(index.values()):
            await self._indices.make(name)

        def actions() -> list[Action]:
            return [
                Action(
                    index[place.received_ns],
                    document_id(project, chunk.trace_id.hex(), place),
                    encode(project, chunk.trace_id.hex(), place.received_ns, blob, chunk.body),
                )
                for chunk, place, blob in chunks
            ]

        large = sum(len(chunk.body) for chunk, _, _ in chunks) > _LARGE
        await self._bulk.send(await asyncio.to_thread(actions) if large else actions())

    async def read(self, project: str, trace_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """See `SpanStore.read`."""
        places = await self._manifest.chunks(project, trace_ids)
        bodies: dict[tuple[str, bytes], str] = {}
        async for part in self._documents(project, _flat(places), bodies=True):
            bodies.update({(trace_id, chunk.digest): body for trace_id, chunk, body in part})
        found: dict[str, tuple[bytes, ...]] = {}
        for trace_id in trace_ids:
            chunks = places.get(trace_id, ())
            read = [ReadChunk(chunk, bodies[trace_id, chunk.digest]) for chunk in chunks if (trace_id, chunk.digest) in bodies]
            if read and len(read) == len(chunks):
                self._recent.add(project, trace_id, read)
                found[trace_id] = tuple(body_of(one.body) for one in read)
        return found

    async def missing(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """See `SpanStore.missing`."""
        places = await self._manifest.chunks(project, trace_ids)
        there: set[tuple[str, bytes]] = set()
        async for part in self._documents(project, _flat(places), bodies=False):
            there.update((trace_id, chunk.digest) for trace_id, chunk, _ in part)
        lost = {trace_id for trace_id, chunk in _flat(places) if (trace_id, chunk.digest) not in there}
        return frozenset(lost | {trace_id for trace_id in trace_ids if trace_id not in places})

    async def unkept(self, project: str, trace_ids: Sequence[str]) -> frozenset[str]:
        """See `SpanStore.unkept`: of what the manifest says was copied, some copies are not there. It, or the index of persistent
        traces, was restored from an older back-up."""
        places = await self._manifest.chunks(project, trace_ids)
        return frozenset(trace_id for trace_id, _ in await self._uncopied(project, _flat(places)))

    async def keep(self, project: str, trace_ids: Sequence[str]) -> Keeping:
        """See `SpanStore.keep`. Of traces that were not just read none is copied: the outbox does that."""
        recent = {trace_id: self._recent.take(project, trace_id) or () for trace_id in trace_ids}
        copied = [Copied(project, trace_id, tuple(one.chunk.digest for one in chunks)) for trace_id, chunks in recent.items()]
        copies = await self._copies(
            project, [(trace_id, one.chunk, one.body) for trace_id, chunks in recent.items() for one in chunks]
        )
        if not copies:
            return Keeping(tuple(copied))
        written = asyncio.ensure_future(self._bulk.send(copies))
        for _ in range(_STEPS):  # the request goes out before this thread is busy with the transaction
            await asyncio.sleep(0)
        return Keeping(tuple(copied), written)

    async def mark(self, project: str, trace_id: str, *, persistent: bool) -> tuple[bytes, ...]:
        """See `SpanStore.mark`. A persistent trace's chunks are copied to where no day is dropped; when the mark is taken away
        the copies stay until the trace is deleted."""
        copied: list[bytes] = []
        if persistent:
            places = _flat(await self._manifest.chunks(project, [trace_id]))
            wanted = [place for place in places if not place[1].kept] + await self._uncopied(project, places)
            async for part in self._documents(project, wanted, bodies=True):
                await self._bulk.send(await self._copies(project, part))
                copied += [chunk.digest for _, chunk, _ in part]
        await self._manifest.mark(project, trace_id, persistent=persistent)
        return tuple(copied)

    async def delete(self, project: str, trace_ids: Sequence[str], *, before_ns: int) -> int:
        """See `SpanStore.delete`. A day of which nothing is needed any more is dropped whole."""
        persistent = await self._manifest.marked(project, trace_ids)
        mine = [trace_id for trace_id in trace_ids if trace_id not in persistent]
        await self._manifest.forget(project, mine, before_ns=before_ns)
        deleted, left = await self._drop_days(project, mine, before_ns)
        where = [*left, self._indices.persistent]
        while hits := await self._search(self._of(project, mine, before_ns), where=where, size=_HITS):
            deleted += await self._bulk.send([Action(hit["_index"], hit["_id"]) for hit in hits])
        return deleted

    async def with_attribute(self, project: str, trace_ids: Sequence[str], key: str, value: str) -> frozenset[str]:
        """See `SpanStore.with_attribute`. Only the days of these traces are searched: each index asked costs a millisecond."""
        found: set[str] = set()
        for start in range(0, len(trace_ids), _LOOKS):
            part = trace_ids[start : start + _LOOKS]
            places = _flat(await self._manifest.chunks(project, part))
            days = sorted({self._indices.of(chunk.received_ns) for _, chunk in places})
            if days:
                wanted = with_term(self._of(project, part), key, value)
                where = [*days, self._indices.persistent]
                hits = await self._search(wanted, where=where, size=len(part), collapse={"field": "trace_id"}, **_COLUMNS)
                sure, unsure = _sorted_out(hits, key, value)
                found |= sure | await self._verified(project, unsure, key, value)
        return frozenset(found)

    async def having(self, project: str, key: str, value: str, *, limit: int) -> frozenset[str] | None:
        """See `SpanStore.having`: at most `limit` documents."""
        of_project = {"bool": {"filter": [{"term": {"project": project}}]}}
        hits = await self._search(with_term(of_project, key, value), size=limit + 1, **_COLUMNS)
        sure, unsure = _sorted_out(hits, key, value)
        if len(hits) > limit or len(unsure) > _LOOKED_INTO:
            return None
        return frozenset(sure | await self._verified(project, unsure, key, value))

    async def strays(self, project: str, *, before_ns: int, delete: bool) -> frozenset[str]:
        """See `SpanStore.strays`: chunks that the manifest does not have."""
        query = {"bool": {"filter": [{"term": {"project": project}}, {"range": {"received_ns": {"lt": before_ns}}}]}}
        found: set[str] = set()
        async for hits in self._all(query):
            of_trace = {hit["_id"]: hit["_id"].split(":")[1] for hit in hits}
            places = await self._manifest.chunks(project, sorted(set(of_trace.values())))
            known = {document_id(project, trace_id, chunk): chunk for trace_id, chunk in _flat(places)}
            strays = [hit for hit in hits if hit["_id"] not in known]
            found.update(of_trace[hit["_id"]] for hit in strays)
            if delete:
                await self._bulk.send([Action(hit["_index"], hit["_id"]) for hit in strays])
        return frozenset(found)

    async def marked(self, project: str) -> frozenset[str]:
        """See `SpanStore.marked`."""
        return await self._manifest.marked(project)

    async def check(self) -> str:
        """`ok`, or what is wrong."""
        health = await self._cluster.ask(
            self._cluster.prompt.cluster.health(index=f"{self._cluster.prefix}-*", filter_path="status", timeout="5s")
        )
        if health["status"] == "red":
            return f"Elasticsearch at {self._cluster.where} has lost a part of the indices {self._cluster.prefix}-* (status red)."
        return "ok"

    async def close(self) -> None:
        """Later calls raise Unavailable."""
        await self._cluster.close()

    async def _copies(self, project: str, chunks: Sequence[Found]) -> list[Action]:
        """What writes these chunks of traces, with their bodies as documents have them, to where no day is dropped."""

        def copy(trace_id: str, chunk: StoredChunk, body: str) -> Action:
            blob = base64.b64decode(body)
            source = encode(project, trace_id, chunk.received_ns, blob, decompress(blob))
            return Action(self._indices.persistent, document_id(project, trace_id, chunk), source)

        def copies() -> list[Action]:
            return [copy(*one) for one in chunks]

        large = sum(chunk.size for _, chunk, _ in chunks) > _LARGE // 8  # a chunk is compressed to an eighth, about
        return await asyncio.to_thread(copies) if large else copies()

    async def _uncopied(self, project: str, places: Sequence[Place]) -> list[Place]:
        """Of the chunks that are said to be copied, those of which there is no copy."""
        gone: list[Place] = []
        for part in _by_size([place for place in places if place[1].kept]):
            gone += (await self._get(project, part, bodies=False, kept=False))[1]
        return gone

    async def _documents(self, project: str, wanted: Sequence[Place], *, bodies: bool) -> AsyncIterator[list[Found]]:
        """The chunks whose documents are there, in parts. In real time."""
        for part in _by_size(wanted):
            found, gone = await self._get(project, part, bodies=bodies, kept=False)
            if gone:
                found += (await self._get(project, gone, bodies=bodies, kept=True))[0]
            yield found

    async def _get(self, project: str, part: Sequence[Place], *, bodies: bool, kept: bool) -> tuple[list[Found], list[Place]]:
        """What is where it should be (`kept`: where it could be as well), and what is not."""
        docs = [
            {
                "_index": self._indices.persistent if chunk.kept != kept else self._indices.of(chunk.received_ns),
                "_id": document_id(project, trace_id, chunk),
                "_source": bodies,
            }
            for trace_id, chunk in part
        ]
        answer = await self._cluster.ask(self._cluster.prompt.mget(docs=docs))
        found: list[Found] = []
        gone: list[Place] = []
        for (trace_id, chunk), document in zip(part, answer["docs"], strict=True):
            if self._is_there(document):
                found.append((trace_id, chunk, document["_source"]["body"] if bodies else ""))
            else:
                gone.append((trace_id, chunk))
        return found, gone

    def _is_there(self, document: dict[str, Any]) -> bool:
        """Of an answer to a read by ids. Raises Unavailable when the cluster cannot say: a shard that is being recovered after a
        restart answers an error for each document, which is not the same as not to have it."""
        if "error" in document and "index_not_found" not in reason_of(document):
            raise Unavailable(
                f"Elasticsearch at {self._cluster.where} cannot read all of its documents: {reason_of(document)}.",
                hint="Try again; see the health of its indices.",
            )
        return bool(document.get("found"))

    async def _drop_days(self, project: str, trace_ids: Sequence[str], before_ns: int) -> tuple[int, list[str]]:
        """Drop the days before that nobody needs; returns how many chunks of these traces were in them, and the days that are left
        and began before."""
        began = [day for day in await self._indices.daily() if self._indices.day_ns(day)[0] < before_ns]
        days = [day for day in began if self._indices.day_ns(day)[1] <= before_ns]
        needed = await self._manifest.needed([self._indices.day_ns(day) for day in days])
        dropped = [day for day, is_needed in zip(days, needed, strict=True) if not is_needed]
        deleted = 0
        for day in dropped:
            count = self._cluster.client.count(index=day, query=self._of(project, trace_ids), ignore_unavailable=True)
            deleted += (await self._cluster.ask(count))["count"]
            await self._indices.drop(day)
        return deleted, [day for day in began if day not in dropped]

    async def _search(
        self, query: dict[str, Any], *, where: Sequence[str] | None = None, filter_path: str = "hits.hits", **options: Any
    ) -> list[dict[str, Any]]:
        """Hits in these indices (without: in all of chunks), without their source, of all that was written before."""
        indices = self._indices.everywhere if where is None else list(where)
        await self._indices.refresh(*indices)
        search = self._cluster.client.search(
            index=indices,
            query=query,
            source=False,
            track_total_hits=False,
            filter_path=filter_path,
            ignore_unavailable=True,
            allow_partial_search_results=False,  # what a lost shard has would be taken for not there
            **options,
        )
        return (await self._cluster.ask(search)).get("hits", {}).get("hits", [])

    async def _verified(self, project: str, trace_ids: set[str], key: str, value: str) -> set[str]:
        bodies = await self.read(project, sorted(trace_ids)) if trace_ids else {}
        return {trace_id for trace_id, of_trace in bodies.items() if any(has_attribute(body, key, value) for body in of_trace)}

    async def _all(self, query: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        """Every hit, in parts, by trace: of all that was written before, and not changed by what is written meanwhile. Hits come
        again when a day was dropped meanwhile: then it begins anew."""
        for _ in range(_TRIES):
            try:
                async for hits in self._at_once(query):
                    yield hits
            except Unavailable as error:
                if not isinstance(error.__cause__, NotFoundError):
                    raise
            else:
                return
        raise Unavailable(f"Indices of Elasticsearch at {self._cluster.where} go while they are read.", hint="Try again.")

    async def _at_once(self, query: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        await self._indices.refresh(*self._indices.everywhere)
        opened = await self._cluster.ask(
            self._cluster.client.open_point_in_time(index=self._indices.everywhere, keep_alive="2m", ignore_unavailable=True)
        )
        point, after = opened["id"], {}
        try:
            while True:
                answer = await self._cluster.ask(
                    self._cluster.client.search(
                        pit={"id": point, "keep_alive": "2m"},
                        query=query,
                        size=_HITS,
                        sort=[{"trace_id": "asc"}, {"_shard_doc": "asc"}],
                        source=False,
                        track_total_hits=False,
                        allow_partial_search_results=False,
                        **after,
                    )
                )
                hits, point = answer["hits"]["hits"], answer["pit_id"]
                if not hits:
                    return
                yield hits
                after = {"search_after": hits[-1]["sort"]}
        finally:
            with suppress(Unavailable):  # it ends by itself
                await self._cluster.ask(self._cluster.prompt.close_point_in_time(id=point))

    def _of(self, project: str, trace_ids: Sequence[str], before_ns: int | None = None) -> dict[str, Any]:
        wanted: list[dict[str, Any]] = [{"term": {"project": project}}, {"terms": {"trace_id": list(trace_ids)}}]
        if before_ns is not None:
            wanted.append({"range": {"received_ns": {"lt": before_ns}}})
        return {"bool": {"filter": wanted}}


async def open_elasticsearch(access: Access, manifest: Manifest, *, seconds: float) -> ElasticsearchSpans:
    """Connect, check that the indices with our prefix are this record store's, make what is missing. Raises Unavailable or
    BadRequest with the setting to change."""
    cluster = Cluster(access, seconds=seconds)
    try:
        indices = Indices(cluster, await manifest.installation())
        await indices.open()
    except BaseException:
        await cluster.close()
        raise
    return ElasticsearchSpans(cluster, indices, manifest)


def with_term(query: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    """The part of a `bool` query with documents that have the attribute, or that must be looked into."""
    either = [{"term": {"attributes": term_of(key, value)[0]}}, {"term": {"unindexed": True}}]
    return {"bool": {**query["bool"], "should": either, "minimum_should_match": 1}}


def _sorted_out(hits: Sequence[dict[str, Any]], key: str, value: str) -> tuple[set[str], set[str]]:
    """Traces that have the attribute for sure, and the others, whose spans must be looked into."""
    _, exact = term_of(key, value)
    sure: set[str] = set()
    unsure: set[str] = set()
    for hit in hits:
        (trace_id,), (unindexed,) = hit["fields"]["trace_id"], hit["fields"]["unindexed"]
        (sure if exact and not unindexed else unsure).add(trace_id)
    return sure, unsure - sure


def _flat(places: dict[str, tuple[StoredChunk, ...]]) -> list[Place]:
    return [(trace_id, chunk) for trace_id, chunks in places.items() for chunk in chunks]


def _by_size(wanted: Sequence[Place]) -> list[list[Place]]:
    parts: list[list[Place]] = []
    size = 0
    for trace_id, chunk in wanted:
        if not parts or len(parts[-1]) == _AT_ONCE or size + chunk.size > _BYTES:
            parts.append([])
            size = 0
        parts[-1].append((trace_id, chunk))
        size += chunk.size
    return parts
