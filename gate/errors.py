"""Every error that a user can meet, in one tree.

GateError                      could not do what was asked
├── BadRequest                 400, exit 2: the request or the command is wrong
│   ├── UnreadableTraces       400: bytes that are no traces of the format they claim
│   ├── TooLarge               413: a body, an inflated body, a trace or an attribute over its limit
│   └── UnsupportedMedia       415: a content type or encoding that nobody reads
├── NotFound                   404: an unknown project, run, trace, flow, baseline or token
├── Conflict                   409: the state forbids it (finishing twice, promoting an incomplete trace)
├── Unauthenticated            401, exit 6: no token, or one that nobody knows
├── Forbidden                  403, exit 6: a token without the scope
├── Overloaded                 429, exit 3: try again after `retry_after` seconds
├── Unavailable                503, exit 3: a store or server cannot be reached; try again after `retry_after` seconds
├── NoTraces                   422, exit 4: nothing to judge
└── BaselineRequired           422, exit 5: a flow has no baseline and the caller demands one

A message says what happened, where, and what to do. Over HTTP an error is `application/problem+json` (RFC 9457).
"""

from typing import ClassVar


class GateError(Exception):
    """Spangate could not do what was asked."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 2
    title: ClassVar[str] = "Could not do what was asked"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(f"{detail} {hint}".strip())
        self.detail = detail
        self.hint = hint
        """What to do about it."""


class BadRequest(GateError):
    """The request is wrong."""

    status = 400
    title = "Bad request"


class UnreadableTraces(BadRequest):
    """These bytes are no traces: names the file (or request), the line and the reason."""

    title = "Unreadable traces"

    def __init__(self, reason: str, *, source: str = "", line: int = 0, hint: str = "") -> None:
        where = f"{source}:{line}: " if source and line else f"{source}: " if source else f"line {line}: " if line else ""
        super().__init__(f"{where}{reason}", hint=hint)
        self.reason = reason
        self.source = source
        self.line = line


class TooLarge(BadRequest):
    """Something is over its limit; the message names the limit and the setting."""

    status = 413
    title = "Too large"


class UnsupportedMedia(BadRequest):
    """A content type or encoding that nobody here reads."""

    status = 415
    title = "Unsupported media type"


class NotFound(GateError):
    """There is no such thing."""

    status = 404
    title = "Not found"


class Conflict(GateError):
    """The state of things forbids it."""

    status = 409
    exit_code = 2
    title = "Conflict"


class Unauthenticated(GateError):
    """No token, or one that nobody knows."""

    status = 401
    exit_code = 6
    title = "Not authenticated"


class Forbidden(GateError):
    """The token lacks the scope."""

    status = 403
    exit_code = 6
    title = "Forbidden"


class Overloaded(GateError):
    """Too much at once; try again after `retry_after` seconds."""

    status = 429
    exit_code = 3
    title = "Too many requests"

    def __init__(self, detail: str, *, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after = retry_after


class Unavailable(Overloaded):
    """A store or a server cannot be reached; nothing was written; try again after `retry_after` seconds."""

    status = 503
    title = "Unavailable"


class NoTraces(GateError):
    """Nothing to judge."""

    status = 422
    exit_code = 4
    title = "No traces"


class BaselineRequired(GateError):
    """A flow has no baseline, and the caller demands one."""

    status = 422
    exit_code = 5
    title = "Baseline required"
