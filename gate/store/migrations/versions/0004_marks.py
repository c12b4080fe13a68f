"""Marks of persistent traces lie beside their records, also when the spans are in Elasticsearch."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Mark what is persistent, but for what the outbox is about to mark. Where spans were beside the records it is marked already."""
    op.execute(
        "insert into marks (project, trace_id) select project, trace_id from traces where persistent "
        "and not exists (select 1 from marks where marks.project = traces.project and marks.trace_id = traces.trace_id) "
        "and not exists (select 1 from outbox where outbox.project = traces.project and outbox.trace_id = traces.trace_id)"
    )
