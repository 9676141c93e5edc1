"""Known losses: gaps, lost connections, applications that were taken over."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from arirecord.select.units import duration_text

from .findings import Few, Finding, moment
from .row_batches import Batch, Origin

__all__ = ["Connections", "Gaps", "Replaced"]


class Gaps:
    """Reports every time without a connection, and frames known to be lost."""

    def __init__(self) -> None:
        self._before_us: int | None = None
        self._few = Few(shown=20)

    def rows(self, batch: Batch) -> Iterator[Finding]:
        frame = batch.frame
        gaps = frame.with_columns(before=pl.col("received_at").shift(fill_value=self._before_us)).filter(
            (pl.col("kind") == "connection") & (pl.col("type") == "gap")
        )
        self._before_us = frame["received_at"][-1]
        yield from self._few.take(gaps, lambda row: _gap(batch.origin, row))

    def end(self) -> Iterator[Finding]:
        yield from self._few.end()


def _gap(origin: Origin, row: dict[str, Any]) -> Finding:
    until_us = row["received_at"]
    since_us = row["before"] if row["connection_lost_since"] is None else row["connection_lost_since"] * 1000
    text = f"until {moment(until_us)}"
    if since_us is not None:
        text = f"from {moment(since_us)} {text} ({duration_text((until_us - since_us) / 1e6)})"
    lost = row["connection_lost_count"]
    text += f", {lost:,} frames known to be lost" if lost is not None else ", an unknown number of frames lost"
    reason = f": {row['connection_reason']}" if row["connection_reason"] else ""
    of_server = f" of server {row['connection_server']}" if row["connection_server"] else ""
    return Finding(
        "warning",
        "gap",
        origin.at(row["seq"]),
        f"Gap{of_server} {text}{reason}.",
        "Asterisk keeps no history; metrics have NULL for unknown values of calls in it.",
    )


class Connections:
    """Checks that every opened connection is closed, and the reverse."""

    def __init__(self) -> None:
        self._origin: Origin | None = None
        self._open = 0
        self._may_open = True
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        if self._origin is None or self._origin.started_ns != batch.origin.started_ns:
            yield from self._finish()
            self._open, self._may_open = 0, True
            if batch.frame["seq"][0] > 0:  # the earlier parts are missing, and so is their connection state
                self._origin = None
                return
        self._origin = batch.origin
        rows = batch.frame.filter(pl.col("kind") == "connection").select("seq", "type")
        for seq, state in rows.iter_rows():
            if trouble := self._row(state):
                yield from self._few.one(
                    Finding("warning", "connection", batch.origin.at(seq), trouble, "Events may be missing before it.")
                )

    @property
    def _is_single(self) -> bool:
        """A capture has one connection at a time; a tap, or a recorder to which Asterisk connects, can have several."""
        return self._origin is not None and self._origin.verb == "capture" and "listen" not in self._origin.source

    def _row(self, state: str) -> str:
        if state == "gap":
            self._may_open = True
        elif state == "opened":
            is_twice = self._open > 0 and not self._may_open and self._is_single
            self._open = 1 if self._is_single else self._open + 1
            self._may_open = False
            return "A connection is opened, and the one before it was neither closed nor lost." if is_twice else ""
        elif state == "closed":
            self._open -= 1
            if self._open < 0:
                self._open = 0
                return "A connection is closed that was never opened."
        return ""

    def _finish(self) -> Iterator[Finding]:
        if self._origin is not None and self._open and not self._origin.is_cut:
            yield from self._few.one(
                Finding(
                    "warning",
                    "connection",
                    self._origin.name,
                    "The recording ends while a connection is open: it was cut off.",
                    "Events may be missing at its end; look for a later part or a journal.",
                )
            )

    def end(self) -> Iterator[Finding]:
        yield from self._finish()
        yield from self._few.end()


class Replaced:
    """Reports another client with the same application name: it takes the events, and the socket stays silent."""

    def __init__(self) -> None:
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        yield from self._few.take(
            batch.events.filter(pl.col("type") == "ApplicationReplaced"),
            lambda row: Finding(
                "warning",
                "replaced",
                batch.origin.at(row["seq"]),
                f"Another client took over application {row['application']!r} at "
                f"{moment(row['received_at'])}: this connection received no more of its events.",
                "Give the recorder an application name of its own.",
            ),
        )

    def end(self) -> Iterator[Finding]:
        yield from self._few.end()
