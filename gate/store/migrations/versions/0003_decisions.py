"""Rejections beside approvals, which run an audit row is about, and specs with their last results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns, which say `approved` and `about no run` of what is there, and make the tables."""
    op.add_column("approvals", sa.Column("rejected", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("audit", sa.Column("run", sa.Text(), nullable=False, server_default=""))
    op.create_index("audit_newest", "audit", ["project", "key"], unique=False)
    op.create_index(
        "audit_run",
        "audit",
        ["project", "run", "key"],
        unique=False,
        sqlite_where=sa.text("run <> ''"),
        postgresql_where=sa.text("run <> ''"),
    )
    op.create_table(
        "specs",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("environments", sa.LargeBinary(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("project", "id"),
    )
    op.create_table(
        "spec_results",
        sa.Column("spec", _KEY, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("checks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["spec"], ["specs.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("spec", "environment"),
    )
