"""How handlers get the gate."""

from typing import Annotated, TypeAlias

from litestar.params import Dependency

from gate.service import Gate

InjectedGate: TypeAlias = Annotated[Gate, Dependency(skip_validation=True)]
"""The gate, as it is: a protocol cannot be checked against an object that is opened after the routes are made."""
