"""What a recording says: DuckDB views over its events, and the models of calls built on them."""

from .connection import connect

__all__ = ["connect"]
