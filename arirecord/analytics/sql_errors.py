"""Errors of DuckDB with suggestions from all names of a session, not only from the views created so far."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

from arirecord.asterisk.catalogue import event_types
from arirecord.suggest import close_names, did_you_mean

from .models import mart_names, model_names

__all__ = ["suggesting_names", "table_names", "unknown_column"]

_NO_TABLE = re.compile(r"(Table with name (\S+) does not exist)!(?:\nDid you mean [^\n]*)?")
_NO_COLUMN = re.compile(r'Referenced column "([^"]+)" not found')


def table_names() -> Iterable[str]:
    """Return the names that can follow FROM: tables, event types, other models."""
    return dict.fromkeys(["events", "rows", *mart_names(), *event_types(), *sorted(model_names())])


@contextmanager
def suggesting_names() -> Iterator[None]:
    """Make the block's `duckdb.CatalogException` for an unknown table suggest similar names."""
    try:
        yield
    except duckdb.CatalogException as error:
        unknown = _NO_TABLE.search(str(error))
        if unknown is None:
            raise
        names = close_names(unknown[2], table_names())
        advice = did_you_mean(names) or "`arirecord metrics` lists the tables."
        text = _NO_TABLE.sub(lambda sentence: f"{sentence[1]}. {advice}", str(error))
        raise duckdb.CatalogException(text) from None


def unknown_column(error: duckdb.Error) -> str | None:
    """Return the unknown column that the error names; None for other errors."""
    column = _NO_COLUMN.search(str(error))
    return column[1] if column else None
