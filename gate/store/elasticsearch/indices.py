"""The indices: one a day for the spans of runs, one for persistent traces; made by a template of ours.

PREFIX-spans-2026.11.24    dropped whole by retention
PREFIX-persistent          copies of the chunks of persistent traces
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from elasticsearch import BadRequestError

from gate.errors import BadRequest
from gate.store.elasticsearch.cluster import MAJOR, Cluster, reason_of
from gate.store.elasticsearch.documents import MAPPINGS

VERSION = 2
"""Of the templates. A newer one changes the indices of the days to come."""
_EPOCH = date(1970, 1, 1)
_DAY_NS = 24 * 3600 * 1_000_000_000
SETTINGS = {
    "codec": "best_compression",
    "auto_expand_replicas": "0-1",
    "refresh_interval": "5s",
}


class Indices:
    """Names, templates, and the days that exist. `installation` tells this record store from every other one."""

    def __init__(self, cluster: Cluster, installation: str) -> None:
        self._cluster = cluster
        self._installation = installation
        self._made: set[str] = set()
        self.persistent = f"{cluster.prefix}-persistent"
        self._daily = f"{cluster.prefix}-spans-"

    def of(self, received_ns: int) -> str:
        """The index of the day (UTC) of this time."""
        return f"{self._daily}{_EPOCH + timedelta(days=received_ns // _DAY_NS):%Y.%m.%d}"

    async def open(self) -> None:
        """Check the cluster's version, and that what has our prefix is ours; put the templates; make what is not there.
        Raises Unavailable, and BadRequest for indices of somebody else."""
        client, ask = self._cluster.client, self._cluster.ask
        nodes = (await ask(client.nodes.info(filter_path="nodes.*.version")))["nodes"]
        versions = {node["version"] for node in nodes.values()}
        if any(version.partition(".")[0] != str(MAJOR) for version in versions):
            raise BadRequest(
                f"Elasticsearch at {self._cluster.where} is of version {', '.join(sorted(versions))}.",
                hint=f"SPANGATE_ELASTICSEARCH_URL must name an Elasticsearch {MAJOR}.",
            )
        mine = self.everywhere
        # One request for both: another replica may make an index at any moment. The uuid names those without `_meta`, too.
        wanted = "*.mappings._meta,*.settings.index.uuid"
        exist = await ask(client.indices.get(index=mine, ignore_unavailable=True, filter_path=wanted))
        for name, index in exist.items():
            self._must_be_ours(f"The index {name}", index.get("mappings", {}).get("_meta"))
        self._made = set(exist)
        await self._put_template()
        await self.make(self.persistent, patiently=True)

    async def make(self, name: str, *, patiently: bool = False) -> None:
        """Make an index when it is not there, by its template."""
        if name in self._made:
            return
        try:
            await (self._cluster.client if patiently else self._cluster.prompt).indices.create(index=name)
        except Exception as error:  # as in `Cluster.ask`
            if not isinstance(error, BadRequestError) or "resource_already_exists" not in reason_of(error.body):
                raise self._cluster.unavailable(error) from error
        self._made.add(name)

    async def daily(self) -> list[str]:
        """The indices of days that exist, oldest first."""
        call = self._cluster.client.indices.get(index=f"{self._daily}*", filter_path="*.settings.index.uuid")
        return sorted(await self._cluster.ask(call))

    def day_ns(self, name: str) -> tuple[int, int]:
        """When the day of an index begins and ends."""
        day = datetime.strptime(name.removeprefix(self._daily), "%Y.%m.%d").replace(tzinfo=UTC).date()
        begin = (day - _EPOCH).days * _DAY_NS
        return begin, begin + _DAY_NS

    async def drop(self, name: str) -> None:
        """Delete an index with all that is in it, whatever its size."""
        await self._cluster.ask(self._cluster.client.indices.delete(index=name, ignore_unavailable=True))
        self._made.discard(name)

    async def refresh(self, *names: str) -> None:
        """Make what was written visible to searches; reads by id need no refresh."""
        await self._cluster.ask(self._cluster.client.indices.refresh(index=list(names), ignore_unavailable=True))

    @property
    def everywhere(self) -> list[str]:
        """Where chunks can be."""
        return [f"{self._daily}*", self.persistent]

    async def _put_template(self) -> None:
        client, ask = self._cluster.client, self._cluster.ask
        name = f"{self._cluster.prefix}-spans"
        found = await ask(client.options(ignore_status=404).indices.get_index_template(name=name))
        for template in found.get("index_templates", []):
            meta = template["index_template"].get("_meta")
            self._must_be_ours(f"The index template {name}", meta)
            if meta["version"] >= VERSION:  # greater: of a newer replica, while all are being replaced
                return
        meta = {"application": "spangate", "version": VERSION, "installation": self._installation}
        await ask(
            client.indices.put_index_template(
                name=name,
                index_patterns=self.everywhere,
                priority=500,
                version=VERSION,
                meta=meta,
                template={"mappings": {**MAPPINGS, "_meta": meta}, "settings": {"index": SETTINGS}},
            )
        )

    def _must_be_ours(self, what: str, meta: dict[str, Any] | None) -> None:
        owner = meta or {}
        if owner.get("application") != "spangate":
            problem = "is not of Spangate"
        elif owner.get("installation") != self._installation:
            problem = "belongs to the Spangate of another database"
        else:
            return
        raise BadRequest(
            f"{what} at {self._cluster.where} {problem}.",
            hint="Set SPANGATE_ELASTICSEARCH_PREFIX to a prefix that nobody uses, or SPANGATE_DATABASE_URL to its database.",
        )
