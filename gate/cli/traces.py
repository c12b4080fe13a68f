"""Trace arguments of the command line: files of any format, or ids of a server."""

import re
from collections.abc import Sequence
from pathlib import Path

from gate.codec.files import read_traces
from gate.errors import BadRequest, NotFound, NoTraces
from gate.model.trace import Trace
from gate.runner.client import ServerClient
from gate.runner.goldens import read_traces_of

_TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")


def is_trace_id(text: str) -> bool:
    """Whether it is a trace id, and no file is called so."""
    return _TRACE_ID.fullmatch(text) is not None and not Path(text).exists()


def traces_of_files(names: Sequence[str]) -> tuple[Trace, ...]:
    """All traces of the files. Raises NotFound for a missing file, UnreadableTraces, NoTraces when there is none in them."""
    for name in names:
        if not Path(name).exists():
            hint = "A trace id needs --server." if _TRACE_ID.fullmatch(name) else "Give a file of traces."
            raise NotFound(f"There is no file {name}.", hint=hint)
        if Path(name).is_dir():
            raise BadRequest(f"{name} is a folder.", hint="Give the files in it.")
    traces = read_traces_of([Path(name) for name in names])
    if not traces:
        raise NoTraces(f"There is no span in {', '.join(names)}.", hint="Was the exporter flushed before the process ended?")
    return traces


async def traces_of(names: Sequence[str], client: ServerClient | None) -> tuple[Trace, ...]:
    """Likewise, where a name can also be the id of a trace of the server."""
    traces: list[Trace] = []
    files = [name for name in names if client is None or not is_trace_id(name)]
    for name in names:
        if client is not None and is_trace_id(name):
            traces.extend(read_traces(await client.trace(name.lower()), source=f"trace {name}"))
    return (*traces, *(traces_of_files(files) if files else ()))
