"""The tables. `key` columns are internal numbers; times are nanoseconds since the epoch, by the server's clock unless a span's.

Texts in indexed columns are cut to `INDEXED_TEXT` characters: they are hostile, and PostgreSQL's index rows are bounded.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

INDEXED_TEXT = 400
"""Characters; four bytes each stay below the 2,704 bytes of a PostgreSQL index row."""

_Key = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("retention_days", Integer, nullable=False),
    Column("base_branch", Text, nullable=False),
    Column("auto_promote", Text, nullable=False),
    Column("policy", LargeBinary),
    Column("created_ns", BigInteger, nullable=False),
)


def _project() -> Column[int]:
    return Column("project", _Key, ForeignKey("projects.key", ondelete="CASCADE"), nullable=False)


def _partial(name: str, where: str, *columns: str) -> Index:
    """An index of the rows that a search by it can want: receiving pays for each entry. The search repeats the condition."""
    in_sqlite = f"{where} = 1" if where.isalpha() else where.replace("not kept", "kept = 0")
    return Index(name, *columns, sqlite_where=text(in_sqlite), postgresql_where=text(where))


tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    _project(),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_ns", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("base_commit", Text, nullable=False),
    Column("base_branch", Text, nullable=False),
    Column("pull_request", Integer, nullable=False),
    Column("repository", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("finished_ns", BigInteger, nullable=False, server_default="0"),
    Column("expect_traces", Integer, nullable=False, server_default="0"),
    Column("judged_ns", BigInteger, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False, server_default="0"),
    UniqueConstraint("project", "id"),
    Index("runs_newest", "project", "key"),
    _partial("runs_unjudged", "finished_ns > 0 and judged_ns = 0", "key"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("run", _Key, ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True),
    Column("conclusion", Text, nullable=False),
    Column("traces", Integer, nullable=False),
    Column("spans", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    Column("verdict", LargeBinary, nullable=False),
    Column("comparisons", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
)

traces = Table(
    "traces",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("trace_id", LargeBinary, nullable=False),
    Column("run", _Key, ForeignKey("runs.key")),
    Column("environment", Text, nullable=False),
    Column("test_case", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("entry_ns", BigInteger),
    Column("error", Boolean, nullable=False),
    Column("spans", Integer, nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("persistent", Boolean, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("project", "trace_id"),
    # What has no index of its own is looked at in this one, newest first.
    Index("traces_newest", "project", "start_ns", "key", "end_ns", "environment"),
    _partial("traces_run", "run is not null", "run", "start_ns", "key"),
    _partial("traces_test_case", "test_case <> ''", "project", "test_case", "start_ns", "key"),
    _partial("traces_route", "route <> ''", "project", "route", "start_ns", "key"),
    _partial("traces_failed", "status >= 400", "project", "status", "start_ns", "key"),
    _partial("traces_error", "error", "project", "start_ns", "key"),
    _partial("traces_persistent", "persistent", "project", "start_ns", "key"),
)

operations = Table(
    "operations",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("service", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("service", "name"),
    Index("operations_name", "name"),
)
"""The dictionary of (service, span name): `traces.words` refers to it by number."""

services = Table(
    "services",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)
"""The dictionary of services, likewise."""

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""`dictionary`: how often entries were deleted from the two dictionaries; numbers remembered from before are void."""

chunks = Table(
    "chunks",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("trace_id", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("project", "trace_id", "digest"),
)
"""Raw spans: one zstd-compressed OTLP `TracesData` per (trace, export request). Belongs to the span store alone."""

manifest = Table(
    "manifest",
    metadata,
    _project(),
    Column("trace_id", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("kept", Boolean, nullable=False),
    PrimaryKeyConstraint("project", "trace_id", "digest"),
    _partial("manifest_days", "not kept", "received_ns"),
)
"""What each trace consists of when chunks are in another store; empty when they are in `chunks`."""

marks = Table(
    "marks",
    metadata,
    _project(),
    Column("trace_id", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project", "trace_id"),
)
"""The span store's own list of persistent traces."""

samples = Table(
    "samples",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("baseline_id", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("test_case", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("trace_id", LargeBinary, nullable=False),
    Column("run", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("promoted_ns", BigInteger, nullable=False),
    Column("promoted_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("project", "baseline_id", "trace_id"),
    Index("samples_trace", "project", "trace_id"),
)

approvals = Table(
    "approvals",
    metadata,
    _project(),
    Column("fingerprint", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("approved_ns", BigInteger, nullable=False),
    Column("rejected", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("project", "fingerprint"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("trace_id", LargeBinary, nullable=False),
    Column("action", Text, nullable=False),
    Column("before_ns", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Index("outbox_trace", "project", "trace_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("at_ns", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("run", Text, nullable=False, server_default=""),
    Index("audit_newest", "project", "key"),
    _partial("audit_run", "run <> ''", "project", "run", "key"),
)
"""Who changed what: promotions, demotions, decisions, policies, tokens, specs. `run`: the run in which it was decided."""

specs = Table(
    "specs",
    metadata,
    Column("key", _Key, primary_key=True),
    _project(),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("environments", LargeBinary, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    UniqueConstraint("project", "id"),
)

spec_results = Table(
    "spec_results",
    metadata,
    Column("spec", _Key, ForeignKey("specs.key", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("trace_id", LargeBinary, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("checks", LargeBinary, nullable=False),
    PrimaryKeyConstraint("spec", "environment"),
)
"""The last result of each spec in each environment."""


def indexed(value: str) -> str:
    """A text as an indexed column holds it: cut, and clean as by `stored`."""
    return stored(value[:INDEXED_TEXT])


def stored(value: str) -> str:
    """A text as any column holds it: without NUL and lone surrogates, which PostgreSQL (and UTF-8) cannot hold."""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
