"""Specs that the server keeps: made, changed, and checked on stored traces."""

import asyncio
import secrets
from collections.abc import Callable, Sequence

import msgspec

from gate.errors import BadRequest, NotFound
from gate.model.trace import Trace
from gate.service import SavedSpec, SpecOutcome, TraceQuery, TraceSummary
from gate.spec import Spec, build_spec, check_spec, matching, parse_spec, render_yaml
from gate.spec.spec import Value
from gate.store.protocols import Stores
from gate.usecases.flows import load_traces
from gate.usecases.search import search

_CHARACTERS = 200_000
_ENVIRONMENTS = 50
_NEWEST = 25
"""Traces among which the newest with the spec's request is looked for."""


class Specs:
    """See the methods of `gate.service.Gate` with specs. `clock` gives nanoseconds since the epoch."""

    def __init__(self, stores: Stores, *, clock: Callable[[], int]) -> None:
        self._stores = stores
        self._clock = clock

    async def create(self, project: str, text: str, *, by: str) -> SavedSpec:
        """Raises BadRequest naming line, field and reason."""
        spec = _parsed(text)
        return await self._stores.specs.add(project, secrets.token_hex(6), spec.name, text, by=by, now_ns=self._clock())

    async def generate(self, project: str, samples: Sequence[Trace], *, by: str) -> SavedSpec:
        """From golden traces of one flow. Raises BadRequest when they have no request in common."""
        text = await asyncio.to_thread(lambda: render_yaml(build_spec(samples)))
        return await self.create(project, text, by=by)

    async def change(
        self, project: str, spec_id: str, *, version: int, text: str, environments: dict[str, dict[str, Value]], by: str
    ) -> SavedSpec:
        """See `Gate.change_spec`."""
        spec = _parsed(text)
        _check_environments(spec, environments)
        return await self._stores.specs.change(
            project,
            spec_id,
            version=version,
            name=spec.name,
            text=text,
            environments=environments,
            by=by,
            now_ns=self._clock(),
        )

    async def check(self, project: str, spec_id: str, *, environment: str, trace_id: str, by: str) -> SpecOutcome:
        """See `Gate.check_spec`."""
        saved = await self._stores.specs.one(project, spec_id)
        spec = _parsed(saved.text)
        trace = await self._trace(project, trace_id) if trace_id else await self._newest(project, spec, environment)
        summary = await self._stores.traces.one(project, trace.trace_id)
        result = await asyncio.to_thread(check_spec, spec, trace)
        now_ns = self._clock()
        outcome = SpecOutcome(
            environment or await self._environment(summary), trace.trace_id, result.checks, saved.version, by=by
        )
        await self._stores.specs.save_result(project, spec_id, outcome, now_ns=now_ns)
        kept = await self._stores.specs.one(project, spec_id)
        return next((each for each in kept.results if each.environment == outcome.environment), outcome)

    async def _trace(self, project: str, trace_id: str) -> Trace:
        await self._stores.traces.one(project, trace_id)
        return (await load_traces(self._stores, project, [trace_id]))[0]

    async def _newest(self, project: str, spec: Spec, environment: str) -> Trace:
        query = TraceQuery(service=spec.entry.service, test_case=spec.test_case, limit=_NEWEST)
        page = await search(self._stores, project, query)
        if spec.test_case and not page.traces:
            page = await search(self._stores, project, msgspec.structs.replace(query, test_case=""))
        for summary in page.traces:
            if environment and await self._environment(summary) != environment:
                continue
            traces = await load_traces(self._stores, project, [summary.trace_id])
            if await asyncio.to_thread(matching, spec.entry, spec.test_case, traces):
                return traces[0]
        where = f" of the environment {environment!r}" if environment else ""
        raise NotFound(
            f"None of the {_NEWEST} newest traces of {spec.entry.service or 'any service'} is one{where} that has the spec's request.",
            hint="Run it with `spangate spec run`, or name a trace.",
        )

    async def _environment(self, summary: TraceSummary) -> str:
        """Of the trace's run; of the trace itself where it has none."""
        run = await self._stores.runs.one(summary.project, summary.run) if summary.run else None
        return run.environment if run else summary.environment or "ci"


def _parsed(text: str) -> Spec:
    if len(text) > _CHARACTERS:
        raise BadRequest(f"The spec has {len(text):,} characters; at most {_CHARACTERS:,} are kept.")
    spec = parse_spec(text)
    if not spec.name.strip() or len(spec.name) > 250:
        raise BadRequest("spec: name: a spec needs a name of 1 to 250 characters.")
    return spec


def _check_environments(spec: Spec, environments: dict[str, dict[str, Value]]) -> None:
    if len(environments) > _ENVIRONMENTS:
        raise BadRequest(f"There are {len(environments)} environments; at most {_ENVIRONMENTS} are kept.")
    for name, parameters in environments.items():
        if not name.strip() or len(name) > 250:
            raise BadRequest("environments: an environment has a name of 1 to 250 characters.")
        for parameter in parameters:
            if parameter not in spec.parameters:
                known = ", ".join(spec.parameters) or "none"
                raise BadRequest(
                    f"environments: {name}: the spec has no parameter {parameter[:80]!r}.", hint=f"Its parameters: {known}."
                )
