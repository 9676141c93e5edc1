"""Channels: the order of their events, their creation and end, and Asterisk's id of their call."""

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from arirecord.select.units import duration_text

from .findings import Few, Finding
from .row_batches import Batch

__all__ = ["ChannelLives", "ChannelOrder", "LinkedId"]

_REMEMBERED = 100_000
"""Number of channels in memory, those with the latest events."""


class ChannelOrder:
    """Checks that a channel's event timestamps never go back; on a real Asterisk they never did.

    `BridgeBlindTransfer` is an exception: it is the bridge's event and can be a millisecond older than the one before.
    """

    _KEYS = ("asterisk_id", "application", "channel_id")

    def __init__(self) -> None:
        self._started_ns: int | None = None
        self._latest: pl.DataFrame | None = None
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        origin = batch.origin
        if self._started_ns != origin.started_ns:
            self._started_ns, self._latest = origin.started_ns, None
        events = batch.events.filter(
            pl.col("channel_id").is_not_null()
            & pl.col("timestamp").is_not_null()
            & (pl.col("type") != "BridgeBlindTransfer")
        )
        times = events.select(*self._KEYS, "timestamp", "seq", is_new=True)
        if self._latest is not None:
            times = pl.concat([self._latest, times])
        before = pl.col("timestamp").shift().over(self._KEYS)
        back = times.with_columns(before=before).filter(pl.col("is_new") & (pl.col("timestamp") < pl.col("before")))
        yield from self._few.take(
            back,
            lambda row: Finding(
                "warning",
                "channel-order",
                origin.at(row["seq"]),
                f"The timestamp of channel {row['channel_id']} goes back by "
                f"{duration_text((row['before'] - row['timestamp']) / 1000)}.",
                "Asterisk sends a channel's events in order: its clock was set back, or rows changed places.",
            ),
        )
        latest = times.group_by(self._KEYS).last().sort("seq").tail(_REMEMBERED)
        self._latest = latest.with_columns(is_new=pl.lit(False)).select(times.columns)

    def end(self) -> Iterator[Finding]:
        yield from self._few.end()


class ChannelLives:
    """Checks that channels are created and destroyed."""

    _KEYS = ("asterisk_id", "channel_id")

    def __init__(self) -> None:
        self._rows = 0
        self._lives: pl.DataFrame | None = None
        self._all = self._not_created = self._not_destroyed = 0

    def rows(self, batch: Batch) -> Iterator[Finding]:
        heard = pl.int_range(pl.len(), dtype=pl.Int64) + self._rows
        self._rows += batch.frame.height
        lives = batch.frame.with_columns(heard=heard).filter(
            (pl.col("kind") == "event") & pl.col("channel_id").is_not_null()
        )
        lives = lives.select(
            *self._KEYS,
            "heard",
            created=pl.col("type") == "ChannelCreated",
            destroyed=pl.col("type") == "ChannelDestroyed",
        )
        if self._lives is not None:
            lives = pl.concat([self._lives, lives])
        lives = lives.group_by(self._KEYS).agg(
            pl.col("heard").max(), pl.col("created").any(), pl.col("destroyed").any()
        )
        if lives.height > 2 * _REMEMBERED:
            lives = lives.sort("heard")
            self._count(lives.head(-_REMEMBERED))
            lives = lives.tail(_REMEMBERED)
        self._lives = lives
        yield from ()

    def _count(self, lives: pl.DataFrame) -> None:
        self._all += lives.height
        self._not_created += lives.height - int(lives["created"].sum())
        self._not_destroyed += lives.height - int(lives["destroyed"].sum())

    def end(self) -> Iterator[Finding]:
        if self._lives is not None:
            self._count(self._lives)
        for count, event, else_ in (
            (self._not_created, "ChannelCreated", "were there before the recording began, or it was not received"),
            (
                self._not_destroyed,
                "ChannelDestroyed",
                "were still there when the recording ended, or it was not received",
            ),
        ):
            if count and count == self._all:
                yield Finding(
                    "note",
                    "channels",
                    "",
                    f"None of the {count:,} channels has its {event}.",
                    "An application without subscribeAll does not get it: record with --subscribe-all.",
                )
            elif count:
                yield Finding(
                    "note",
                    "channels",
                    "",
                    f"{count:,} of {self._all:,} channels have no {event}: they {else_}.",
                    "Metrics have NULL for unknown values of their calls.",
                )


class LinkedId:
    """Checks that channels carry `CHANNEL(linkedid)`, Asterisk's own id of their call."""

    def __init__(self) -> None:
        self._is_there = self._has_channels = False

    def rows(self, batch: Batch) -> Iterator[Finding]:
        table = batch.table
        if not self._has_channels and "channel_id" in table.column_names:
            self._has_channels = table["channel_id"].null_count < table.num_rows
        for name in table.column_names:
            if self._is_there:
                break
            if name.endswith("channelvars") and table[name].null_count < table.num_rows:
                self._is_there = _holds(table[name])
        yield from ()

    def end(self) -> Iterator[Finding]:
        if self._has_channels and not self._is_there:
            yield Finding(
                "note",
                "linkedid",
                "",
                "Channels do not carry CHANNEL(linkedid): calls are inferred from the events.",
                "Put `channelvars = CHANNEL(linkedid)` into [general] of ari.conf to record Asterisk's call id.",
            )


def _holds(values: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(values, '"CHANNEL(linkedid)"')).as_py())
