"""What requests carry: bodies as Structs that refuse unknown fields, and the types of path and query parameters."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import PathParameter, QueryParameter

from gate.errors import BadRequest, UnsupportedMedia
from gate.model.run import RUN_ID

_TEXT = 250
"""No name, branch or filter is longer than this many characters."""
_LINE = r"^[^\x00-\x1f\x7f]*$"

Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=_TEXT, pattern=_LINE)]
Reason: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000, description="Why; kept with the record.")]
Fingerprint: TypeAlias = Annotated[str, msgspec.Meta(max_length=100)]
Replace: TypeAlias = Annotated[bool, msgspec.Meta(description="Whether to decide otherwise than somebody did.")]
SpecFile: TypeAlias = Annotated[str, msgspec.Meta(max_length=200_000, description="YAML.")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
RunIdentity: TypeAlias = Annotated[str, msgspec.Meta(max_length=200, pattern=f"^({RUN_ID})?$")]
Scope: TypeAlias = Annotated[str, msgspec.Meta(pattern="^(ingest|read|review|admin)$")]

ProjectName: TypeAlias = Annotated[str, PathParameter(description="The project's name.", max_length=_TEXT)]
RunId: TypeAlias = Annotated[str, PathParameter(description="The run's id.", max_length=_TEXT)]
TraceId: TypeAlias = Annotated[str, PathParameter(description="32 hex digits.", pattern="^[0-9a-fA-F]{32}$")]
TokenId: TypeAlias = Annotated[str, PathParameter(description="The token's id.", max_length=_TEXT)]
BaselineId: TypeAlias = Annotated[str, PathParameter(description="The baseline's id.", max_length=_TEXT)]
SpecId: TypeAlias = Annotated[str, PathParameter(description="The spec's id.", max_length=_TEXT)]
OtherTraceId: TypeAlias = Annotated[str, QueryParameter(description="32 hex digits.", pattern="^[0-9a-fA-F]{32}$")]
Filter: TypeAlias = Annotated[str, QueryParameter(max_length=_TEXT, pattern=_LINE)]
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most.")]
After: TypeAlias = Annotated[str, QueryParameter(max_length=500, pattern=_LINE, description="`next` of the page before.")]


class NewProject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project to make. `retention_days` 0 keeps everything."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", examples=["shop"])]
    retention_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] | None = None
    base_branch: Annotated[str, msgspec.Meta(min_length=1, max_length=_TEXT, pattern=_LINE)] = "main"


class ProjectChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a project; what is left out stays."""

    retention_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] | None = None
    base_branch: Annotated[str, msgspec.Meta(min_length=1, max_length=_TEXT, pattern=_LINE)] | None = None
    auto_promote: Annotated[str, msgspec.Meta(pattern="^(accept|if-approved|hold)$")] | None = None


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make."""

    name: Annotated[
        str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", examples=["ci"])
    ]
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=4, examples=[["ingest", "read"]])]


class NewRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run to begin. Without `id` one is made; the same id, commit and environment again is the same run."""

    id: RunIdentity = ""
    project: Word = ""
    """The caller's own, if given."""
    environment: Annotated[str, msgspec.Meta(min_length=1, max_length=_TEXT, pattern=_LINE)] = "ci"
    gate: Annotated[str, msgspec.Meta(min_length=1, max_length=_TEXT, pattern=_LINE)] = "default"
    commit: Word = ""
    branch: Word = ""
    base_commit: Word = ""
    base_branch: Word = ""
    pull_request: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    repository: Word = ""
    url: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^(https?://[^\x00-\x20\x7f]+)?$")] = ""
    attempt: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class Finish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to finish. With `expect_traces` the verdict waits for so many."""

    expect_traces: Count = 0


class NewApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings to approve; none named: all undecided ones of the run."""

    fingerprints: Annotated[tuple[Fingerprint, ...], msgspec.Meta(max_length=10_000)] = ()
    reason: Reason = ""
    replace: Replace = False


class NewRejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings to reject."""

    fingerprints: Annotated[tuple[Fingerprint, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    reason: Reason = ""
    replace: Replace = False


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings whose approval or rejection is taken back."""

    fingerprints: Annotated[tuple[Fingerprint, ...], msgspec.Meta(min_length=1, max_length=10_000)]


class SpecSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A spec to keep: its file, or what to generate it from. One of the three."""

    text: SpecFile = ""
    baseline: Annotated[str, msgspec.Meta(max_length=100, description="Id of a baseline.")] = ""
    trace: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{32})?$", description="A trace id.")] = ""


class SpecChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a spec shall be."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="The version that was changed.")]
    text: SpecFile
    environments: Annotated[
        dict[str, dict[str, str | int | bool]], msgspec.Meta(description="Environment → parameters that override the spec's own.")
    ] = {}


class SpecCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which trace to check; without `trace` the newest one of the environment that has the spec's request."""

    environment: Word = ""
    trace: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{32})?$", description="A trace id.")] = ""


class SpecRan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run of a spec: the trace that it made, which the server has. Without `environment` it is the trace's own."""

    trace: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{32}$", description="A trace id.")]
    environment: Word = ""


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a trace is promoted."""

    reason: Reason = ""


class PruneOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to delete, or only to count."""

    dry_run: bool = False


def json_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Litestar guard: a body must say that it is JSON; a web form cannot. Raises UnsupportedMedia."""
    has_body = connection.headers.get("content-length", "0") != "0" or "transfer-encoding" in connection.headers
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json":
        raise UnsupportedMedia(
            f"The body is {media_type or 'of no type'!r}; it must be JSON.", hint="Send `Content-Type: application/json`."
        )


def known_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar guard: a misspelt filter must not silently match everything. Raises BadRequest."""
    names = _parameters(handler)
    unknown = sorted(set(connection.query_params) - names - {"project"})
    if unknown:
        there = f"There are {', '.join(sorted(names))}." if names else "There is none."
        raise BadRequest(f"There is no query parameter {unknown[0][:80]!r} here.", hint=there)


@cache
def _parameters(handler: BaseRouteHandler) -> frozenset[str]:
    """The query parameters of a handler and of the dependency that collects many of them."""
    signature = set(handler.parsed_fn_signature.parameters)
    providers = handler.resolve_dependencies()
    for name in signature & set(providers):
        signature |= set(providers[name].parsed_fn_signature.parameters)
    return frozenset(signature - set(providers) - {"request", "data"} - set(re.findall(r"{(\w+)", " ".join(handler.paths))))


def nanoseconds(name: str, moment: str) -> int:
    """Since the epoch, within what 64 bits hold (until 2262); 0 for no moment. Raises BadRequest."""
    if not moment:
        return 0
    try:
        read = datetime.fromisoformat(moment.upper())
    except ValueError:
        raise BadRequest(f"query {name}: {moment!r} is no time.", hint="Write 2026-05-28T20:26:40Z (RFC 3339).") from None
    since = (read if read.tzinfo else read.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return min(max(since // timedelta(microseconds=1) * 1000, 1), 2**63 - 1)


def lower(trace_id: str) -> str:
    """Ids are lower-case everywhere inside."""
    return re.sub(r"[^0-9a-f]", "", trace_id.lower())
