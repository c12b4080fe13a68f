"""Spangate's REST interface from the other side: problems become the errors that they were made of."""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess

from gate import errors
from gate.codec.encode import encode_protobuf
from gate.errors import BadRequest, GateError, NotFound, Unavailable
from gate.model.run import Run
from gate.model.trace import Span
from gate.model.verdict import Approval, Rejection, Verdict
from gate.service import Promotion, SavedSpec, SpecOutcome

T = TypeVar("T")

_POLL_SECONDS = 25
_SPANS_AT_ONCE = 2000


class _Problem(msgspec.Struct):
    """RFC 9457."""

    type: str = ""
    title: str = ""
    detail: str = ""
    hint: str = ""


class _Summary(msgspec.Struct):
    run: str = ""


class _Stored(msgspec.Struct):
    """What is used of a stored trace."""

    summary: _Summary


class ServerClient:
    """One server, one project, one token. Every method raises a `GateError`; Unavailable when the server cannot be reached."""

    def __init__(self, server: str, *, token: str = "", project: str = "") -> None:
        url = urlsplit(server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise BadRequest(f"{server!r} is no server address.", hint="It looks like http://127.0.0.1:4318.")
        self.server = server.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._parameters = {"project": project} if project else {}
        self._http = httpx.AsyncClient(
            base_url=self.server,
            headers=self._headers,
            timeout=httpx.Timeout(60.0, connect=10.0),
            trust_env=not _is_loopback(url.hostname),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    def export_headers(self, run: str) -> dict[str, str]:
        """What an OTLP exporter sends so that its spans belong to the run."""
        return {"x-spangate-run": run, **self._headers}

    async def create_run(self, run: Run) -> Run:
        """Open a run; the server makes the id when it is empty."""
        body = {name: value for name, value in msgspec.to_builtins(run).items() if value and name not in ("project", "state")}
        return await self._decoded(Run, "POST", "/runs", json=body)

    async def send(self, run: str, spans: Sequence[Span]) -> None:
        """Send spans as part of a run, or of none."""
        for start in range(0, len(spans), _SPANS_AT_ONCE):
            body = encode_protobuf(spans[start : start + _SPANS_AT_ONCE])
            headers = {"content-type": "application/x-protobuf", **({"x-spangate-run": run} if run else {})}
            await self._request("POST", "/v1/traces", content=body, headers=headers)

    async def finish(self, run: str, *, expect_traces: int = 0) -> Run:
        """No more spans are to be expected."""
        return await self._decoded(Run, "POST", f"/runs/{_quoted(run)}/finish", json={"expect_traces": expect_traces})

    async def verdict(self, run: str, *, timeout: float = 120.0) -> Verdict:
        """The verdict of a finished run, waiting for it. Raises Unavailable when there is none after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            begin = loop.time()
            response = await self._request("GET", f"/api/v1/runs/{_quoted(run)}/verdict", params={"wait": _POLL_SECONDS})
            if response.status_code == 200:
                return _decode(response, Verdict)
            if loop.time() >= deadline:
                raise Unavailable(f"The server has no verdict on run {run} after {timeout:.0f} s.", hint="Look at its log.")
            await asyncio.sleep(max(0.0, 1.0 - (loop.time() - begin)))

    async def report(self, run: str, format: str) -> str:
        """The report of a judged run."""
        return (await self._api("GET", f"/runs/{_quoted(run)}/report", params={"format": format})).text

    async def approve(self, run: str, fingerprints: Sequence[str], reason: str, *, replace: bool = False) -> tuple[Approval, ...]:
        """Approve findings; none named: all undecided ones of the run. Raises Conflict where somebody rejected one, unless `replace`."""
        body = {"fingerprints": list(fingerprints), "reason": reason, "replace": replace}
        return await self._decoded(tuple[Approval, ...], "POST", f"/runs/{_quoted(run)}/approvals", json=body)

    async def reject(self, run: str, fingerprints: Sequence[str], reason: str, *, replace: bool = False) -> tuple[Rejection, ...]:
        """Reject findings. Raises Conflict where somebody approved one, unless `replace`."""
        body = {"fingerprints": list(fingerprints), "reason": reason, "replace": replace}
        return await self._decoded(tuple[Rejection, ...], "POST", f"/runs/{_quoted(run)}/rejections", json=body)

    async def withdraw(self, run: str, fingerprints: Sequence[str]) -> tuple[str, ...]:
        """Take back approvals and rejections; the findings that had one."""
        body = {"fingerprints": list(fingerprints)}
        return await self._decoded(tuple[str, ...], "POST", f"/runs/{_quoted(run)}/withdrawals", json=body)

    async def judge_again(self, run: str) -> None:
        """Have the run judged anew; `verdict` waits for it."""
        await self._api("POST", f"/runs/{_quoted(run)}/judge")

    async def promote(self, trace_id: str, reason: str) -> Promotion:
        """Make a trace golden."""
        return await self._decoded(Promotion, "POST", f"/traces/{_quoted(trace_id)}/promote", json={"reason": reason})

    async def promote_run(self, run: str, reason: str) -> tuple[Promotion, ...]:
        """Make every trace of a run golden; what cannot be says why."""
        return await self._decoded(tuple[Promotion, ...], "POST", f"/runs/{_quoted(run)}/promote", json={"reason": reason})

    async def specs(self) -> tuple[SavedSpec, ...]:
        """The specs that the server keeps."""
        return await self._decoded(tuple[SavedSpec, ...], "GET", "/specs")

    async def report_result(self, spec_id: str, trace_id: str, environment: str) -> SpecOutcome:
        """Report the trace that a run of a kept spec made, which the server has; what it finds in it."""
        body = {"trace": trace_id, "environment": environment}
        return await self._decoded(SpecOutcome, "POST", f"/specs/{_quoted(spec_id)}/results", json=body)

    async def trace(self, trace_id: str) -> bytes:
        """The trace as OTLP/JSON. Raises NotFound."""
        return (await self._api("GET", f"/traces/{_quoted(trace_id)}", params={"format": "otlp"})).content

    async def run_of(self, trace_id: str) -> str:
        """The run that a trace of the server belongs to; empty when it belongs to none, or is not there."""
        try:
            response = await self._api("GET", f"/traces/{_quoted(trace_id)}")
        except NotFound:
            return ""
        return _decode(response, _Stored).summary.run

    async def _api(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return await self._request(method, f"/api/v1{path}", **arguments)

    async def _decoded(self, type_: type[T], method: str, path: str, **arguments: Any) -> T:
        return _decode(await self._api(method, path, **arguments), type_)

    async def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        arguments["params"] = {**self._parameters, **arguments.get("params", {})}
        try:
            response = await self._http.request(method, path, **arguments)
        except httpx.TimeoutException:
            raise Unavailable(f"{self.server} did not answer {method} {path} in time.") from None
        except httpx.TransportError as error:
            raise Unavailable(
                f"Cannot reach {self.server}: {error or type(error).__name__}.", hint="Is it running, and is the address right?"
            ) from None
        if response.is_success:
            return response
        if response.status_code == 401 and not self._headers:
            raise errors.Unauthenticated(
                f"{self.server} needs a token.",
                hint="Set SPANGATE_TOKEN, or give --token; `spangate token create` makes one there.",
            )
        raise _error(response, self.server)


def _decode(response: httpx.Response, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=type_)
    except msgspec.DecodeError as error:
        raise GateError(
            f"{response.request.url} answered what this version does not understand: {error}.",
            hint="Is it Spangate, and of this version?",
        ) from None


def _error(response: httpx.Response, server: str) -> GateError:
    """The problem as the error it was, by its type, else by status."""
    try:
        if response.headers.get("content-type") == "application/x-protobuf":
            problem = _Problem(detail=_status_message(response.content))
        else:
            problem = msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, DecodeError):
        problem = _Problem(detail=f"{server} answered {response.status_code} {response.reason_phrase}.")
    known = _BY_TYPE.get(problem.type.rpartition(":")[2]) or _BY_STATUS.get(response.status_code)
    if known is None:
        known = Unavailable if response.status_code in (502, 504) else GateError
    detail = problem.detail or problem.title or f"{server} answered {response.status_code}."
    return known(detail, hint=problem.hint)


def _status_message(body: bytes) -> str:
    """The message of a `google.rpc.Status`, with which exports are refused. Its first two fields are numbered and typed like a partial
    success's (int, string), so that no other library is needed to read it."""
    return ExportTracePartialSuccess.FromString(body).error_message


def _plain_errors() -> Mapping[str, type[GateError]]:
    """Every class of the tree that is made of a detail and a hint, by its name in problems (`not-found`)."""
    found: dict[str, type[GateError]] = {}
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, GateError) and value is not errors.UnreadableTraces:
            found["".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")] = value
    return found


_BY_TYPE = _plain_errors()
_BY_STATUS: dict[int, type[GateError]] = {
    400: BadRequest,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    429: errors.Overloaded,
    503: Unavailable,
}


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
