"""How often what a verdict depends on was changed, instead of a note at the verdict that the next verdict took away."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the counters; a verdict with a note is one change behind."""
    op.add_column("runs", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("verdicts", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.execute("update runs set revision = 1 where key in (select run from verdicts where stale <> '')")
    op.drop_column("verdicts", "stale")
