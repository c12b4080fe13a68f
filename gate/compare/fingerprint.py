"""Finding → fingerprint: the same change has the same one in every run."""

import hashlib
from collections.abc import Iterable


def fingerprint(signature: Iterable[str], sites: Iterable[str]) -> str:
    """`sg1:` and 16 hex digits of what changed (kind, call, before → after) and of the operations it touches.

    Neither ids, times nor the run enter; nor the test cases, so that a new test of a known change needs no new approval.
    """
    text = "\x1f".join(signature) + "\x1e" + "\x1f".join(sorted(set(sites)))
    return f"sg1:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
