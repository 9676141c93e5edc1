"""Rows of a recording: an event, an exchange, a change of the connection, or a mark."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import orjson

from arirecord.asterisk.catalogue import ColumnType

__all__ = [
    "END_OF_RECORDING", "OWN_COLUMNS", "TEXT", "Row", "Rows", "binary_text", "body_fields", "body_of", "own_text",
]  # fmt: skip


class Row(NamedTuple):
    """One row of a journal or session.

    `received_ns` is wall clock, nanoseconds since 1970 UTC (a session keeps microseconds); `elapsed_ns` is monotonic,
    from the start of the recording; `kind` is `event`, `binary`, `text`, `connection` or one of a later version; `raw`
    is the text, verbatim.
    """

    seq: int
    received_ns: int
    elapsed_ns: int
    kind: str
    raw: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as columns: a list costs much less than an object for each row."""

    seqs: Sequence[int]
    received_ns: Sequence[int]
    elapsed_ns: Sequence[int]
    kinds: Sequence[str]
    raws: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Self:
        """The same as columns."""
        return cls(*([row[i] for row in rows] for i in range(5)))  # type: ignore[arg-type]  # each column has one type

    def __len__(self) -> int:
        return len(self.raws)

    def __iter__(self) -> Iterator[Row]:
        return map(Row, self.seqs, self.received_ns, self.elapsed_ns, self.kinds, self.raws)


OWN_COLUMNS: Mapping[str, Mapping[str, ColumnType]] = {
    "connection": {
        "connection_application": "string",
        "connection_lost_count": "int64",
        "connection_lost_since": "timestamp",
        "connection_reason": "string",
        "connection_server": "string",
        "connection_status": "int64",
        "connection_url": "string",
    },
    "rest": {
        "rest_answer_base64": "string",
        "rest_answer_body": "string",
        "rest_answer_type": "string",
        "rest_by": "string",
        "rest_client": "string",
        "rest_duration_ns": "int64",
        "rest_method": "string",
        "rest_reason": "string",
        "rest_request_base64": "string",
        "rest_request_body": "string",
        "rest_request_type": "string",
        "rest_status": "int64",
        "rest_transport": "string",
        "rest_uri": "string",
    },
    "mark": {"mark_by": "string", "mark_text": "string"},
}
"""Columns of the kinds of rows that arirecord itself writes; each kind also has a `type`."""


TEXT = "text"
"""The kind of rows with text beside the events of an imported file."""

END_OF_RECORDING = "the recording ends"
"""The reason of the Close frame (1000) at the end of a replay, so that a capture does not reconnect."""


def own_text(kind: str, what: str, **fields: Any) -> str:
    """Return `raw` of a row that arirecord writes: `own_text("connection", "opened", url=…)`. None fields are left out.

    Raises `TypeError` for a field that the kind does not have.
    """
    known = {f"{kind}_{name}": value for name, value in fields.items() if value is not None}
    if unknown := known.keys() - OWN_COLUMNS[kind].keys():
        raise TypeError(f"no such column: {', '.join(sorted(unknown))}")
    return orjson.dumps({"type": what, **known}).decode()


def binary_text(data: bytes) -> str:
    """`raw` of a `binary` row."""
    return base64.b64encode(data).decode()


def body_fields(prefix: str, body: bytes | None) -> dict[str, str]:
    """A body as fields of a `rest` row: `request_body` or `answer_body`; `…_base64` if it is not UTF-8 text."""
    if not body:
        return {}
    try:
        return {f"{prefix}_body": body.decode()}
    except UnicodeDecodeError:
        return {f"{prefix}_base64": binary_text(body)}


def body_of(row: Mapping[str, Any], prefix: str) -> bytes:
    """The body in the fields of a `rest` row, the inverse of `body_fields`; empty without one."""
    text, encoded = row.get(f"rest_{prefix}_body"), row.get(f"rest_{prefix}_base64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except ValueError:
        return b""
