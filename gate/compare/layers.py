"""Which instrumentation made the spans: scopes, their versions and the calls that each shows."""

from collections.abc import Sequence
from functools import cached_property

from gate.compare.shape import Label, Shape
from gate.normalize.folding import RESET


class Layers:
    """The instrumentation scopes of a set of flows."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._shapes = shapes
        self.versions: dict[str, set[str]] = {}
        """By scope."""
        self.twins: dict[str, set[str]] = {}
        """By scope, those that show a second layer of its calls."""
        seen: set[tuple[str, str]] = set()
        for shape in shapes:
            for operation in shape.flow.operations:
                seen.add((operation.scope, operation.scope_version))
                for layer in operation.folded:
                    if layer.scope and layer.scope != operation.scope and layer.rule != RESET:
                        seen.add((layer.scope, layer.scope_version))
                        self.twins.setdefault(layer.scope, set()).add(operation.scope)
                        self.twins.setdefault(operation.scope, set()).add(layer.scope)
        for scope, version in seen:
            self.versions.setdefault(scope, set()).add(version)

    @cached_property
    def labels(self) -> dict[str, set[Label]]:
        """By scope, the calls that only it shows."""
        found: dict[str, set[Label]] = {}
        for shape in self._shapes:
            for operation, label in zip(shape.flow.operations, shape.labels, strict=True):
                found.setdefault(operation.scope, set()).add(label)
        return found

    @cached_property
    def services(self) -> set[str]:
        """Of all calls."""
        return {label[0] for shape in self._shapes for label in shape.labels}
