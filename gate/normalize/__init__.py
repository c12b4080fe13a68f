"""Trace → flow: names, URLs, statements and attributes as templates; two layers of one call as one."""

from gate.normalize.flow import normalize

__all__ = ["normalize"]
