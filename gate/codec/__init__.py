"""Trace formats to values and back, on bytes: no I/O here."""
