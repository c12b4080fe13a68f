"""Which instrumentation made the spans: scopes, their versions and the calls that each shows."""

from collections.abc import Sequence

from gate.compare.shape import Label, Shape


class Layers:
    """The instrumentation scopes of a set of flows."""

    __slots__ = ("labels", "twins", "versions")

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.versions: dict[str, set[str]] = {}
        """By scope."""
        self.labels: dict[str, set[Label]] = {}
        """By scope, the calls that only it shows."""
        self.twins: dict[str, set[str]] = {}
        """By scope, those that show a second layer of its calls."""
        seen: set[tuple[str, str, Label]] = set()
        for shape in shapes:
            for operation, label in zip(shape.flow.operations, shape.labels, strict=True):
                seen.add((operation.scope, operation.scope_version, label))
                for layer in operation.folded:
                    if layer.scope and layer.scope != operation.scope:
                        self.versions.setdefault(layer.scope, set()).add(layer.scope_version)
                        self.twins.setdefault(layer.scope, set()).add(operation.scope)
                        self.twins.setdefault(operation.scope, set()).add(layer.scope)
        for scope, version, label in seen:
            self.versions.setdefault(scope, set()).add(version)
            self.labels.setdefault(scope, set()).add(label)
