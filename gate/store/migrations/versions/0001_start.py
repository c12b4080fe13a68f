"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "operations",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("service", "name"),
    )
    op.create_index("operations_name", "operations", ["name"], unique=False)
    op.create_table(
        "projects",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("base_branch", sa.Text(), nullable=False),
        sa.Column("auto_promote", sa.Text(), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "services",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "approvals",
        sa.Column("project", _KEY, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", "fingerprint"),
    )
    op.create_table(
        "audit",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "chunks",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("project", "trace_id", "digest"),
    )
    op.create_table(
        "marks",
        sa.Column("project", _KEY, nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", "trace_id"),
    )
    op.create_table(
        "outbox",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before_ns", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("outbox_trace", "outbox", ["project", "trace_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("base_commit", sa.Text(), nullable=False),
        sa.Column("base_branch", sa.Text(), nullable=False),
        sa.Column("pull_request", sa.Integer(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("finished_ns", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expect_traces", sa.Integer(), server_default="0", nullable=False),
        sa.Column("judged_ns", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("project", "id"),
    )
    op.create_index("runs_newest", "runs", ["project", "key"], unique=False)
    op.create_index(
        "runs_unjudged",
        "runs",
        ["key"],
        unique=False,
        sqlite_where=sa.text("finished_ns > 0 and judged_ns = 0"),
        postgresql_where=sa.text("finished_ns > 0 and judged_ns = 0"),
    )
    op.create_table(
        "samples",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("baseline_id", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("test_case", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("promoted_ns", sa.BigInteger(), nullable=False),
        sa.Column("promoted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("project", "baseline_id", "trace_id"),
    )
    op.create_index("samples_trace", "samples", ["project", "trace_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "traces",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("run", _KEY, nullable=True),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("test_case", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("entry_ns", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Boolean(), nullable=False),
        sa.Column("spans", sa.Integer(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=False),
        sa.Column("persistent", sa.Boolean(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.key"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["run"],
            ["runs.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("project", "trace_id"),
    )
    op.create_index(
        "traces_error",
        "traces",
        ["project", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("error = 1"),
        postgresql_where=sa.text("error"),
    )
    op.create_index(
        "traces_failed",
        "traces",
        ["project", "status", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("status >= 400"),
        postgresql_where=sa.text("status >= 400"),
    )
    op.create_index("traces_newest", "traces", ["project", "start_ns", "key", "end_ns", "environment"], unique=False)
    op.create_index(
        "traces_persistent",
        "traces",
        ["project", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("persistent = 1"),
        postgresql_where=sa.text("persistent"),
    )
    op.create_index(
        "traces_route",
        "traces",
        ["project", "route", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("route <> ''"),
        postgresql_where=sa.text("route <> ''"),
    )
    op.create_index(
        "traces_run",
        "traces",
        ["run", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("run is not null"),
        postgresql_where=sa.text("run is not null"),
    )
    op.create_index(
        "traces_test_case",
        "traces",
        ["project", "test_case", "start_ns", "key"],
        unique=False,
        sqlite_where=sa.text("test_case <> ''"),
        postgresql_where=sa.text("test_case <> ''"),
    )
    op.create_table(
        "verdicts",
        sa.Column("run", _KEY, nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("traces", sa.Integer(), nullable=False),
        sa.Column("spans", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.LargeBinary(), nullable=False),
        sa.Column("comparisons", sa.LargeBinary(), nullable=False),
        sa.Column("stale", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run"),
    )
    op.execute("insert into counters (name, value) values ('dictionary', 0)")
