"""What each trace consists of when its spans are in Elasticsearch."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; it is empty while spans are beside the records."""
    op.create_table(
        "manifest",
        sa.Column("project", _KEY, nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", "trace_id", "digest"),
    )
    op.create_index(
        "manifest_days",
        "manifest",
        ["received_ns"],
        unique=False,
        sqlite_where=sa.text("kept = 0"),
        postgresql_where=sa.text("not kept"),
    )
