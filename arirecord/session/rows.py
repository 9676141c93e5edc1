"""A row: one thing that happened in a recording."""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from arirecord.ari.catalogue import ColumnType

__all__ = ["CONNECTION_COLUMNS", "Row", "binary_text", "connection_text"]


class Row(NamedTuple):
    """One row of a journal or session.

    `received_ns` is wall clock, nanoseconds since 1970 UTC (a session keeps microseconds); `elapsed_ns` is monotonic,
    from the start of the recording; `kind` is `event`, `binary`, `connection` or one of a later version; `raw` is the
    text, verbatim.
    """

    seq: int
    received_ns: int
    elapsed_ns: int
    kind: str
    raw: str


CONNECTION_COLUMNS: Mapping[str, ColumnType] = {
    "connection_application": "string",
    "connection_lost_count": "int64",
    "connection_reason": "string",
    "connection_status": "int64",
    "connection_url": "string",
}
"""Columns of a `connection` row; its `type` is `opened`, `closed` or `gap`."""


def connection_text(what: str, **fields: Any) -> str:
    """`raw` of a `connection` row: `connection_text("opened", url=…)`."""
    known = {f"connection_{name}": value for name, value in fields.items() if value is not None}
    if unknown := known.keys() - CONNECTION_COLUMNS.keys():
        raise TypeError(f"no such column: {', '.join(sorted(unknown))}")
    return orjson.dumps({"type": what, **known}).decode()


def binary_text(data: bytes) -> str:
    """`raw` of a `binary` row."""
    return base64.b64encode(data).decode()
