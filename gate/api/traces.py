"""Traces: search, one trace, compare two, promote and persist."""

import asyncio
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter

from gate.api.bodies import After, Filter, Limit, OtherTraceId, Reasoned, TraceId, lower, nanoseconds
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.media import rendered, text_response
from gate.api.normalized import NormalizedTrace, normalized
from gate.api.problems import problems
from gate.codec.encode import encode_json
from gate.compare import judge
from gate.errors import GateError, NoTraces
from gate.model.run import Report, Run
from gate.model.trace import Trace
from gate.report import render
from gate.service import FACETS, FacetValue, Promotion, TracePage, TraceQuery
from gate.spec import SpecFormat, SpecResult, build_spec, render_spec

Status = Annotated[
    str,
    QueryParameter(
        pattern="^([1-5][0-9][0-9]|[1-5]xx)?$", description="HTTP status of the entry span: `404`, or a class: `5xx`."
    ),
]
Milliseconds = Annotated[float, QueryParameter(ge=0, le=1e12, description="Traces that took at least so long.")]
Moment = Annotated[str, QueryParameter(max_length=40, description="RFC 3339; UTC without an offset.")]
KeyValue = Annotated[
    str, QueryParameter(max_length=1000, pattern=r"^([^=\x00-\x1f]+=[^\x00]*)?$", description="`key=value` on any span.")
]


FacetName = Annotated[str, PathParameter(pattern=f"^({'|'.join(FACETS)})$", description="Which filter.")]
FacetLimit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]


CompareFormat = FromQuery[Literal["json", "html", "text"]]


def trace_query(
    text: Filter = "",
    service: Filter = "",
    operation: Filter = "",
    route: Filter = "",
    status: Status = "",
    error: FromQuery[bool | None] = None,
    test_case: Filter = "",
    run: Filter = "",
    commit: Filter = "",
    environment: Filter = "",
    since: Moment = "",
    until: Moment = "",
    min_duration_ms: Milliseconds = 0,
    persistent: FromQuery[bool | None] = None,
    attribute: KeyValue = "",
    limit: Limit = 50,
    after: After = "",
) -> TraceQuery:
    """The filters of a search, from the query string."""
    return TraceQuery(
        text=text,
        service=service,
        operation=operation,
        route=route,
        status=status,
        error=error,
        test_case=test_case,
        run=run,
        commit=commit,
        environment=environment,
        since_ns=nanoseconds("since", since),
        until_ns=nanoseconds("until", until),
        min_duration_ns=min(int(min_duration_ms * 1_000_000), 2**63 - 1),
        persistent=persistent,
        attribute=attribute,
        limit=limit,
        after=after,
    )


class TracesController(Controller):
    """`/api/v1/traces`."""

    path = "/traces"
    tags = ("traces",)

    @get("/", scope="read", responses=problems(), dependencies={"filters": Provide(trace_query, sync_to_thread=False)})
    async def search(self, gate: InjectedGate, caller: InjectedCaller, filters: NamedDependency[TraceQuery]) -> TracePage:
        """Search, newest first. `service` and `operation` match any span of a trace, the other filters the trace; each word of
        `text` is a part of an operation, a service, the route or the test case."""
        return await gate.search(caller.project, filters)

    @get("/facets/{facet:str}", scope="read", responses=problems())
    async def facet(
        self, gate: InjectedGate, caller: InjectedCaller, facet: FacetName, text: Filter = "", limit: FacetLimit = 20
    ) -> tuple[FacetValue, ...]:
        """Values that a filter can take, for type-ahead: those of the newest traces that contain `text`, most frequent first."""
        return await gate.facet(caller.project, facet, text=text, limit=limit)

    @get(
        "/{trace_id:str}",
        scope="read",
        responses={**problems(), 200: ResponseSpec(NormalizedTrace, description="The trace", generate_examples=False)},
    )
    async def get_trace(
        self,
        gate: InjectedGate,
        caller: InjectedCaller,
        trace_id: TraceId,
        format: FromQuery[Literal["normalized", "otlp"]] = "normalized",
    ) -> Response[Any]:
        """One trace: as the comparison sees it, or as it was received (OTLP/JSON)."""
        summary, trace = await gate.summary(caller.project, lower(trace_id)), await gate.trace(caller.project, lower(trace_id))
        if format == "otlp":
            return text_response(await asyncio.to_thread(encode_json, trace.spans), format)
        return Response(await asyncio.to_thread(normalized, summary, trace))

    @get("/{trace_id:str}/baseline", scope="read", responses=problems(409))
    async def compare_with_baseline(
        self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId, format: CompareFormat = "json"
    ) -> Response[Any]:
        """This trace beside the baselines of its flows; 409 when none of them has one."""
        return await rendered(render, await gate.compare_with_baseline(caller.project, lower(trace_id)), format)

    @get("/{trace_id:str}/spec", scope="read", responses=problems(422))
    async def get_spec(
        self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId, format: FromQuery[SpecFormat] = "yaml"
    ) -> Response[Any]:
        """A regression test made from this trace."""
        return await rendered(spec_text, (await gate.trace(caller.project, lower(trace_id)),), format)

    @get("/{trace_id:str}/spec/checks", scope="read", responses=problems(422))
    async def check_trace(
        self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId, against: OtherTraceId
    ) -> SpecResult:
        """The regression test made from this trace, on the trace `against`: which validations hold, what was seen where not."""
        return await gate.check_trace(caller.project, lower(trace_id), lower(against))

    @post("/{trace_id:str}/promote", status_code=200, scope="review", responses=problems(409, 415))
    async def promote(
        self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId, data: JSONBody[Reasoned | None] = None
    ) -> Promotion:
        """Make it a golden sample of its flows, and persistent. Nothing is written when it does not exist or is incomplete."""
        return await gate.promote(caller.project, lower(trace_id), by=caller.name, reason=(data or Reasoned()).reason)

    @post("/{trace_id:str}/demote", status_code=200, scope="review", responses=problems(409))
    async def demote(self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId) -> Promotion:
        """It is no golden sample any more, and no longer persistent."""
        return await gate.demote(caller.project, lower(trace_id), by=caller.name)

    @post("/{trace_id:str}/persist", status_code=200, scope="review", responses=problems())
    async def persist(self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId) -> Promotion:
        """Retention never deletes it."""
        return await gate.persist(caller.project, lower(trace_id), by=caller.name)

    @post("/{trace_id:str}/unpersist", status_code=200, scope="review", responses=problems(409))
    async def unpersist(self, gate: InjectedGate, caller: InjectedCaller, trace_id: TraceId) -> Promotion:
        """Retention may delete it again. A golden sample must be demoted first."""
        return await gate.unpersist(caller.project, lower(trace_id), by=caller.name)


@get("/compare", scope="read", responses=problems(422), tags=["traces"])
async def compare_traces(
    gate: InjectedGate,
    caller: InjectedCaller,
    before: OtherTraceId,
    after: OtherTraceId,
    format: CompareFormat = "json",
) -> Response[Any]:
    """Any two traces side by side: what `after` does otherwise than `before`."""
    comparison = await gate.compare(caller.project, lower(before), lower(after))
    run = Run(id=lower(after), project=caller.project, environment="", base_commit="", commit="")
    return await rendered(render, Report(run, judge((comparison,)), (comparison,)), format)


def spec_text(traces: tuple[Trace, ...], format: SpecFormat) -> str:
    """The spec of golden samples. Raises NoTraces when nothing can be tested from them."""
    try:
        spec = build_spec(traces)
    except GateError:
        raise
    except ValueError as error:
        raise NoTraces(str(error)) from error
    return render_spec(spec, format)
