"""Where and how the server runs. What to compare is not here: that is the policy, in the user's repository.

Precedence: flags, then `SPANGATE_*` environment, then the default.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

import msgspec

from gate.errors import BadRequest

Size: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Settings(msgspec.Struct, frozen=True):
    """Every setting; the field `data` is set by `SPANGATE_DATA`, and so on. Sizes are bytes, times seconds."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 4318
    data: str = "spangate-data"
    """Directory of the embedded SQLite database."""
    database_url: str = ""
    """SQLAlchemy-style URL of PostgreSQL; empty: SQLite under `data`."""
    elasticsearch_url: str = ""
    """Where raw spans go, several nodes separated by commas; empty: beside the records."""
    elasticsearch_user: str = ""
    elasticsearch_password: str = ""
    elasticsearch_api_key: str = ""
    """Instead of user and password: the encoded key."""
    elasticsearch_ca: str = ""
    """File of the certificate authorities to trust; empty: the system's."""
    elasticsearch_prefix: str = "spangate"
    """What all index names begin with."""
    public_url: str = ""
    """How people reach this server, for links in reports; empty: as the client that asks reached it."""
    admin_token: str = ""
    """A first token with every scope. Without it and without stored tokens a loopback server is in local mode: no login."""
    max_body_bytes: Size = 20 * 1024 * 1024
    max_inflated_bytes: Size = 20 * 1024 * 1024
    max_spans_per_trace: Size = 200_000
    max_attribute_bytes: Size = 1024 * 1024
    max_pending_bytes: Size = 64 * 1024 * 1024
    """Bodies being decoded or waiting for the disk; more is answered 429."""
    quiet_seconds: Seconds = 3.0
    """A finished run without new spans for so long is complete."""
    deadline_seconds: Seconds = 60.0
    """A finished run is judged at the latest so long after finish."""
    store_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=600)] = 8.0
    """A store that does not answer for so long is answered 503; searches, judging and retention may take four times as long."""
    retention_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 30
    """Of a new project; 0 keeps everything."""
    redact: tuple[str, ...] = ()
    """More attribute keys (shell patterns) whose values are removed before anything is stored."""
    telemetry: bool = False
    """Whether Spangate exports its own traces (to OTEL_EXPORTER_OTLP_ENDPOINT)."""
    log_format: Literal["console", "json"] = "console"
    """`console` or `json`."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], **flags: Any) -> Self:
        """Settings from `SPANGATE_*` and the flags that are not None. Raises BadRequest naming the variable."""
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            variable = f"SPANGATE_{field.name.upper()}"
            if variable in environ:
                raw: Any = environ[variable]
                if field.type == tuple[str, ...]:
                    raw = [part.strip() for part in raw.split(",") if part.strip()]
                try:
                    values[field.name] = msgspec.convert(raw, field.type, strict=False)
                except msgspec.ValidationError as error:
                    raise BadRequest(f"{variable}={environ[variable]!r}: {error}.", hint="See docs/settings.md.") from error
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return msgspec.convert({**values, **given}, cls)
        except msgspec.ValidationError as error:
            raise BadRequest(f"A setting is wrong: {error}.", hint="See docs/settings.md.") from error
