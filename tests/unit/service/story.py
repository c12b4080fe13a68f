"""The story as spans: a request that reads a row and then writes to two stores."""

from gate.codec.encode import to_batch
from gate.model.run import Run
from gate.model.trace import Resource, Scope, Span, SpanKind
from gate.model.verdict import Verdict
from gate.usecases.gate import StoreGate
from tests.contract.made import NOW, trace_id

MILLISECOND = 1_000_000
GOOD, BAD = True, False


def persist_trace(number: int, *, good: bool = True, case: str = "persist a trace", broken: bool = False) -> list[Span]:
    """One call of `POST /traces/{id}/persist`. `good`: both updates happen; `broken`: the parent of the updates is lost."""
    resource = Resource({"service.name": "api"}, "api")
    start = NOW + number * 1000 * MILLISECOND

    def span(position: int, parent: int, name: str, kind: SpanKind, **attributes: str | int) -> Span:
        return Span(
            trace_id=trace_id(number),
            span_id=f"{number:08x}{position:08x}",
            parent_span_id=f"{number:08x}{parent:08x}" if parent else "",
            name=name,
            kind=kind,
            start_ns=start + position * 10 * MILLISECOND,
            end_ns=start + (200 if position == 1 else position * 10 + 5) * MILLISECOND,
            attributes={key.replace("__", "."): value for key, value in attributes.items()},
            resource=resource,
            scope=Scope("story", "1"),
        )

    entry = span(
        1, 0, "POST /traces/{id}/persist", SpanKind.SERVER, test__case__name=case, http__request__method="POST",
        http__route="/traces/{id}/persist", http__response__status_code=200,
    )  # fmt: skip
    read = span(
        2, 1, "SELECT traces", SpanKind.CLIENT, db__system__name="postgresql", db__operation__name="SELECT",
        db__query__text="SELECT * FROM traces WHERE id = 7", db__response__returned_rows=1 if good else 0,
    )  # fmt: skip
    writes = [
        span(
            3, 9 if broken else 1, "UPDATE traces", SpanKind.CLIENT, db__system__name="postgresql", db__operation__name="UPDATE",
            db__query__text="UPDATE traces SET persistent = true WHERE id = 7",
        ),
        span(4, 9 if broken else 1, "POST", SpanKind.CLIENT, http__request__method="POST", url__full="http://search/traces/_update"),
    ]  # fmt: skip
    return [entry, read, *(writes if good else [])]


async def record(gate: StoreGate, run: Run, *traces: list[Span], finish: bool = True, expect: int = 0) -> Verdict | None:
    """One run, start to verdict (None when not finished)."""
    run = await gate.create_run(run)
    for spans in traces:
        await gate.receive(run.project, to_batch(spans), run=run.id)
    if not finish:
        return None
    await gate.finish_run(run.project, run.id, expect_traces=expect)
    return await verdict_of(gate, run.id)


async def verdict_of(gate: StoreGate, run: str) -> Verdict:
    """Wait for it."""
    verdict = await gate.verdict("default", run, wait=30)
    assert verdict is not None
    return verdict


async def golden(gate: StoreGate, *numbers: int) -> None:
    """Record and promote good traces, each in a run of its own."""
    for number in numbers:
        await record(gate, Run(f"golden-{number}", "default"), persist_trace(number))
        await gate.promote("default", trace_id(number), by="eve")
