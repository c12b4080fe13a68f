"""`--confirm`: which findings of a failing run a second run of the same command contradicts."""

from gate.model.verdict import Conclusion, Finding, Verdict


def contradicted(first: Verdict, second: Verdict) -> tuple[Finding, ...]:
    """The undecided findings of `first` that `second` does not have, though it judged every flow that they are in.

    Findings are the same when their fingerprints are. A flow that did not run again, or came incomplete, contradicts nothing:
    a second run that could not be judged never turns a fail into a pass.
    """
    again = {finding.fingerprint for finding in second.findings}
    judged = {flow.key for flow in second.flows if flow.trace_id and flow.conclusion in (Conclusion.PASS, Conclusion.FAIL)}
    return tuple(finding for finding in first.undecided if finding.fingerprint not in again and judged.issuperset(finding.flows))
