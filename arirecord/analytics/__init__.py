"""Analyse a recording: DuckDB views over its events, and models of calls built on them."""

from .connection import connect

__all__ = ["connect"]
