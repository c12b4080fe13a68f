"""How handlers get the gate and the caller."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from gate.service import Caller, Gate

InjectedGate: TypeAlias = NamedDependency[SkipValidation[Gate]]
"""The gate, as it is: a protocol cannot be checked against an object that is opened after the routes are made."""

InjectedCaller: TypeAlias = NamedDependency[Caller]
"""Whom the guard let in."""
