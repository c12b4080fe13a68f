"""Operating the server: health, counts, retention."""

import time
from typing import Literal

import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from gate import __version__
from gate.api.bodies import PruneOrder
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.problems import problems
from gate.service import PruneResult, Stats


class Health(msgspec.Struct, frozen=True):
    """`ok` when every component is."""

    status: Literal["ok", "failing"]
    components: dict[str, str]
    """Component → `ok`, or what is wrong."""
    version: str


@get(
    "/health",
    tags=["operation"],
    security=[],
    responses={503: ResponseSpec(Health, description="A component does not work.", generate_examples=False)},
)
async def health(gate: InjectedGate) -> Response[Health]:
    """Whether the server works. Needs no token."""
    components = await gate.check()
    working = all(state == "ok" for state in components.values())
    return Response(Health("ok" if working else "failing", components, __version__), status_code=200 if working else 503)


@get("/stats", scope="read", tags=["operation"], responses=problems())
async def stats(gate: InjectedGate) -> Stats:
    """Counts over everything that is stored."""
    return await gate.stats()


@post("/prune", status_code=200, scope="admin", tags=["operation"], responses=problems(415))
async def prune(gate: InjectedGate, caller: InjectedCaller, data: JSONBody[PruneOrder | None] = None) -> PruneResult:
    """Delete what is older than the project's retention. Persistent traces are never touched."""
    return await gate.prune(caller.project, now_ns=time.time_ns(), dry_run=(data or PruneOrder()).dry_run)
