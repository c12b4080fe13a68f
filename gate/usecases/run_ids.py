"""Which names a run may have: those that every address, header and command carries as they are.

A slash or a lone `..` in a path does not survive browsers and proxies, however it is quoted; so such names end at the door.
"""

import re
from functools import lru_cache

import msgspec

from gate.codec.batch import Batch
from gate.errors import BadRequest
from gate.model.run import RUN_ID

_FITS = re.compile(RUN_ID)
_RULE = "1 to 200 letters, digits and . _ : @ + -, with a letter or digit first"


@lru_cache(maxsize=1024)
def is_run_id(text: str) -> bool:
    """Whether a run may be called so."""
    return _FITS.fullmatch(text) is not None


def check_run_id(text: str) -> None:
    """Raises BadRequest."""
    if not is_run_id(text):
        raise BadRequest(f"{text[:80]!r} is no run id.", hint=f"It has {_RULE}.")


def without_unusable_runs(batch: Batch) -> Batch:
    """The batch whose chunks are in no run where their resource names one that cannot be; it says so, and nothing is lost."""
    unusable = {chunk.run: None for chunk in batch.chunks if chunk.run and not is_run_id(chunk.run)}
    if not unusable:
        return batch
    chunks = tuple(msgspec.structs.replace(chunk, run="") if chunk.run in unusable else chunk for chunk in batch.chunks)
    named = ", ".join(repr(run[:80]) for run in list(unusable)[:3])
    said = f"Stored, but in no run: the resource names {named}, and a run id has {_RULE}."
    return msgspec.structs.replace(batch, chunks=chunks, message=f"{batch.message} {said}".strip())
