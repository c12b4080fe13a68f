"""A spec that a server keeps: taken from it by id or name, run here, and its result given back."""

from gate.errors import BadRequest, NotFound
from gate.model.trace import Trace
from gate.runner.client import ServerClient
from gate.service import SavedSpec, SpecOutcome
from gate.spec.spec import Value


async def kept_spec(client: ServerClient, wanted: str) -> SavedSpec:
    """The spec of this id, else the one of this name. Raises NotFound, BadRequest when several are called so."""
    specs = await client.specs()
    found = [each for each in specs if each.id == wanted] or [each for each in specs if each.name == wanted]
    if not found:
        known = ", ".join(each.name for each in specs[:10]) or "none"
        raise NotFound(
            f"There is no file {wanted}, and no spec of this id or name on {client.server}.", hint=f"Specs there: {known}."
        )
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise BadRequest(f"{len(found)} specs are called {wanted!r}.", hint=f"Name one by its id: {ids}.")
    return found[0]


def parameters_in(saved: SavedSpec, environment: str) -> dict[str, Value]:
    """What the environment says; nothing for none. Raises NotFound naming those that there are."""
    if environment and environment not in saved.environments:
        known = ", ".join(saved.environments) or "none"
        raise NotFound(f"The spec {saved.name!r} has no environment {environment!r}.", hint=f"It has {known}.")
    return saved.environments.get(environment, {})


async def report_result(client: ServerClient, saved: SavedSpec, trace: Trace, environment: str, *, send: bool) -> SpecOutcome:
    """Have the result kept as the environment's last one. `send`: the server does not have the trace yet."""
    if send:
        await client.send("", trace.spans)
    return await client.report_result(saved.id, trace.trace_id, environment)
