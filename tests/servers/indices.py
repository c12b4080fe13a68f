"""What is left in an Elasticsearch, and goes."""

from gate.store.elasticsearch.cluster import Access, Cluster


async def delete_indices(access: Access) -> None:
    """All that has the prefix: indices, and their template."""
    cluster = Cluster(access)
    if names := list(await cluster.client.indices.get(index=f"{access.prefix}-*", filter_path="*.settings.index.uuid")):
        await cluster.client.indices.delete(index=names)  # by name: a cluster may forbid patterns
    await cluster.client.options(ignore_status=404).indices.delete_index_template(name=f"{access.prefix}-*")
    await cluster.close()
