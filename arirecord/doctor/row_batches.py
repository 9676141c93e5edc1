"""Batches of rows for the checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import polars as pl
import pyarrow as pa

from arirecord.session.header_stats import ChannelCount

from .findings import Finding

__all__ = ["BATCH", "Batch", "Check", "Origin", "is_checked"]

BATCH = 32_768
_NARROW = (
    "seq",
    "received_at",
    "elapsed_ns",
    "kind",
    "type",
    "application",
    "asterisk_id",
    "timestamp",
    "channel_id",
    "connection_lost_since",
    "connection_server",
    "connection_lost_count",
    "connection_reason",
    "raw",
)


def is_checked(column: str) -> bool:
    """Return whether a check reads this column, other than the comparison of columns and `raw`."""
    return column in _NARROW or column in ChannelCount.columns or column.endswith("channelvars")


@dataclass(frozen=True, slots=True)
class Origin:
    """The file of the rows. `is_part`: it is one of several. `source` is its header's. `is_cut`: its end is known to
    be missing or not yet written.
    """

    name: str
    is_part: bool
    started_ns: int
    source: dict[str, object]
    is_cut: bool = False

    def at(self, seq: int) -> str:
        """Return the position of a row for messages."""
        return f"{self.name}, seq {seq}" if self.is_part else f"seq {seq}"

    @property
    def verb(self) -> object:
        """Return the command that recorded it."""
        return self.source.get("verb")


@dataclass(frozen=True)
class Batch:
    """Some rows of one file in order, at least one, without nulls in `seq`, `received_at`, `elapsed_ns`, `kind` and
    `raw`.
    """

    origin: Origin
    table: pa.Table

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Return the columns that most checks read; missing ones are null. `received_at` is microseconds,
        `timestamp` and `connection_lost_since` milliseconds since 1970 UTC.
        """
        have = [name for name in _NARROW if name in self.table.column_names]
        frame = pl.DataFrame(self.table.select(have))
        times = [n for n in ("received_at", "timestamp", "connection_lost_since") if n in have]
        absent = [pl.lit(None, _ABSENT.get(n, pl.String)).alias(n) for n in _NARROW if n not in have]
        return frame.with_columns(pl.col(times).cast(pl.Int64), *absent)

    @cached_property
    def events(self) -> pl.DataFrame:
        """Return `frame` with events only."""
        return self.frame.filter(pl.col("kind") == "event")


_ABSENT = {"connection_lost_since": pl.Int64, "connection_lost_count": pl.Int64, "timestamp": pl.Int64}


class Check(Protocol):
    """Reads all rows, a batch at a time, with bounded memory."""

    def rows(self, batch: Batch) -> Iterator[Finding]:
        """Yield the findings of these rows."""
        ...

    def end(self) -> Iterator[Finding]:
        """Yield the findings of all rows together."""
        ...
