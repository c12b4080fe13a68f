"""The routes under `/api/v1`, with what guards all of them."""

from litestar import Router
from litestar.di import Provide

from gate.api.auth import Authorizer, current_caller
from gate.api.baselines import BaselinesController, list_flows
from gate.api.bodies import json_only, known_parameters
from gate.api.operation import prune, stats
from gate.api.projects import ProjectsController
from gate.api.runs import RunsController
from gate.api.specs import SpecsController
from gate.api.strict_body import StrictRequest
from gate.api.traces import TracesController, compare_traces
from gate.service import Caller

MAX_BODY_BYTES = 4 * 1024 * 1024
"""No body of the API is larger (spans go to `/v1/traces`)."""


def api_router(authorizer: Authorizer) -> Router:
    """Every handler below it names its scope; who lacks it never reaches the body."""
    return Router(
        path="/api/v1",
        route_handlers=[
            ProjectsController,
            RunsController,
            TracesController,
            BaselinesController,
            SpecsController,
            list_flows,
            compare_traces,
            prune,
            stats,
        ],
        guards=[authorizer.guard(), json_only, known_parameters],
        dependencies={"caller": Provide(current_caller, sync_to_thread=False)},
        signature_types=[Caller],
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        cache_control=None,
    )
