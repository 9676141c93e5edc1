"""Running the statements that create views, macros and tables."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

import duckdb

__all__ = ["StatementRunner"]

_FILLS_TABLE = re.compile(r"CREATE TABLE \S+ AS\b")


class StatementRunner:
    """Runs statements on a `connection`.

    script: gets each statement that creates something (None: not wanted). Then tables stay empty.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, script: list[str] | None = None) -> None:
        self.connection = connection
        self._script = script

    def run(self, statement: str) -> None:
        """Run a statement."""
        if self._script is not None:
            self._script.append(statement)
            statement += " WITH NO DATA" if _FILLS_TABLE.match(statement) else ""
        # DuckDB 2.0 hangs if it is interrupted during a recursion.
        with _interrupted_later() if "RECURSIVE" in statement else nullcontext():
            self._execute(statement)

    def rows(self, query: str) -> list[Any]:
        """Return the rows that a query finds."""
        return self._execute(query).fetchall()

    def _execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(statement)
        except duckdb.OutOfMemoryException:
            # DuckDB cannot spill everything to disk: then it may use all memory.
            self.connection.execute("RESET memory_limit")
            return self.connection.execute(statement)

    @contextmanager
    def in_schemas(self, *schemas: str) -> Iterator[None]:
        """Create and look for names in the first of these schemas within the block, and look in the others next."""
        if schemas == ("main",):
            yield
            return
        self.run(f"SET search_path = '{','.join(schemas)}'")
        try:
            yield
        finally:
            self.run("SET search_path = 'main'")

    def drop(self, table: str) -> None:
        """Drop a table, unless a script is written."""
        if self._script is None:
            self.connection.execute(f"DROP TABLE {table}")


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Delay Ctrl-C until the block is done. Only the main thread receives it."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        handler(*came[0])
