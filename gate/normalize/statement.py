"""What a call asks for, beside its name: the statement, the topic, the method and route."""

from gate.model.flow import Operation

CUT = "…"
"""Ends a value that the instrumentation cut short."""


def statement_of(operation: Operation) -> str:
    """What a call asks for: its statement, topic, or method and route; empty when its name says all."""
    attributes = operation.attributes
    if text := attributes.get("db.query.text"):
        return text.removesuffix(CUT)
    if topic := attributes.get("messaging.destination.name"):
        return topic
    method = attributes.get("http.request.method", "")
    if path := attributes.get("url.template") or attributes.get("http.route"):
        return f"{method} {path.removesuffix(CUT)}".strip()
    if method:
        return method
    if call := attributes.get("rpc.method") or attributes.get("graphql.operation.name"):
        return call
    if verb := attributes.get("db.operation.name"):
        return f"{verb} {attributes.get('db.collection.name', '')}".strip()
    return ""
