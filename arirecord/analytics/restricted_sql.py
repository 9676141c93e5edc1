"""Restricted SQL: statements read the files of one session, and nothing else."""

import re
from collections.abc import Iterable

import duckdb

from .views import text

__all__ = ["check_statement", "restrict"]

_SETTINGS = (
    "TimeZone",
    "default_null_order",
    "default_order",
    "max_temp_directory_size",
    "memory_limit",
    "preserve_insertion_order",
    "search_path",
    "threads",
)
"""Settings that a statement may change: limits, and the form of results."""
_WRITES = re.compile(r"(?<!\w)(copy|export)(?!\w)", re.IGNORECASE)


def restrict(connection: duckdb.DuckDBPyConnection, files: Iterable[str]) -> None:
    """Deny a connection all files but these, the network, extensions, variables of Python and most settings, for good.

    DuckDB lets statements also write these files: see `check_statement`.
    """
    for name, value in (
        ("allowed_paths", f"[{', '.join(map(text, files))}]"),
        ("allowed_configs", f"[{', '.join(map(text, _SETTINGS))}]"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("python_enable_replacements", "false"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        connection.execute(f"SET {name} = {value}")


def check_statement(sql: str) -> None:
    """Refuse SQL with COPY or EXPORT: at the beginning, after EXPLAIN or PREPARE, or within WITH.

    The text of `query()` and of views cannot hold them: DuckDB allows them at the top of a statement only.

    Raises `duckdb.PermissionException`.
    """
    encoded = sql.encode()
    tokens = duckdb.tokenize(sql)
    ends = [*(begin for begin, _ in tokens[1:]), len(encoded)]
    for (begin, kind), end in zip(tokens, ends, strict=False):  # without tokens, `ends` has one item more
        token = encoded[begin:end].decode(errors="replace")
        is_word = kind in (duckdb.token_type.keyword, duckdb.token_type.identifier) and not token.startswith('"')
        if is_word and (keyword := _WRITES.search(token)):
            raise duckdb.PermissionException(
                f"{keyword[0].upper()} writes files: use -o, or quote a column of this name"
            )
