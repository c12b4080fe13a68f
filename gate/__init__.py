"""Spangate: a regression gate for distributed traces."""

__version__ = "0.1.0"
