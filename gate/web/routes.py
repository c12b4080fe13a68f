"""The routes of the pages, with what guards all of them."""

from typing import Any

from litestar import Request, Router
from litestar.di import Provide

from gate.api.auth import Authorizer, current_caller
from gate.api.gate import InjectedCaller, InjectedGate
from gate.service import Caller, Gate
from gate.settings import Settings
from gate.usecases.recent import Recent
from gate.web.compare import compare_two, compare_with_baseline
from gate.web.flows import FLOW_PAGES
from gate.web.runs import RUN_PAGES
from gate.web.search import search_traces, suggestions
from gate.web.session import Sessions
from gate.web.settings import SETTINGS_PAGES
from gate.web.sign_in import sign_in_routes
from gate.web.specs import SPEC_PAGES
from gate.web.start import fill_demo, first_token, project_start, root
from gate.web.static import static_file
from gate.web.trace import TRACE_PAGES
from gate.web.visit import Visit

MAX_BODY_BYTES = 1024 * 1024
"""No form is larger."""

REMEMBERED_SPANS = 100_000
"""Of traces and comparisons that pages were made of: their parts are asked for next."""

PAGES = [
    root,
    project_start,
    first_token,
    fill_demo,
    search_traces,
    suggestions,
    compare_two,
    compare_with_baseline,
    *TRACE_PAGES,
    *RUN_PAGES,
    *FLOW_PAGES,
    *SPEC_PAGES,
    *SETTINGS_PAGES,
]
"""Every page and every change that a page makes: each names its `scope`."""


def pages_router(gate: Gate, authorizer: Authorizer, settings: Settings) -> Router:
    """Signed in people see what their token's scopes allow; every change is checked to come from our own forms."""
    sessions = Sessions(gate, authorizer, settings)
    recent = Recent(REMEMBERED_SPANS)

    async def provide_visit(request: Request[Any, Any, Any], gate: InjectedGate, caller: InjectedCaller) -> Visit:
        return Visit(request, gate, caller, sessions, recent, local=await sessions.is_local())

    return Router(
        path="/",
        route_handlers=[*PAGES, *sign_in_routes(sessions), static_file],
        guards=[sessions.guard()],
        dependencies={
            "caller": Provide(current_caller, sync_to_thread=False),
            "visit": Provide(provide_visit),
        },
        signature_types=[Caller, Visit],
        request_max_body_size=MAX_BODY_BYTES,
        include_in_schema=False,
    )
