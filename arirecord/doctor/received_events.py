"""The received stream: repeated frames, missing types, and differences from the catalogue."""

from collections import Counter
from collections.abc import Iterator, Mapping

import polars as pl

from .findings import Finding
from .row_batches import Batch, Origin

__all__ = ["WINDOW", "Duplicates", "Types", "drift_findings"]

WINDOW = 10_000
"""An event counts as a duplicate if an equal one is among this number of events before it."""
_USUAL = 0.17
_PLACES = 5
_BROKEN = {"not JSON", "not an object", "not text"}


class Duplicates:
    """Counts byte-identical frames, which are normal. Compares 64-bit hashes."""

    def __init__(self) -> None:
        self._recent: pl.DataFrame | None = None
        self._events = 0
        self._types: Counter[str] = Counter()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        position = pl.int_range(pl.len(), dtype=pl.Int64) + self._events
        hashes = batch.events.select("type", hash=pl.col("raw").hash(), position=position, is_new=True)
        self._events += hashes.height
        if self._recent is not None:
            hashes = pl.concat([self._recent, hashes])
        distance = pl.col("position") - pl.col("position").shift().over("hash")
        twice = hashes.filter(pl.col("hash").is_duplicated()).filter(pl.col("is_new") & (distance <= WINDOW))
        self._types.update(dict(twice.group_by(pl.col("type").fill_null("")).len().iter_rows()))
        self._recent = hashes.tail(WINDOW).with_columns(is_new=pl.lit(False))
        yield from ()

    def end(self) -> Iterator[Finding]:
        count = self._types.total()
        if not count:
            return
        ratio = count / self._events
        often = ", ".join(
            f"{name or '(no type)'} {n:,}" for name, n in sorted(self._types.items(), key=lambda e: (-e[1], e[0]))[:3]
        )
        usual = "0.1 % is usual under load, up to 17 % where a channel is subscribed by two routes."
        yield Finding(
            "note",
            "duplicates",
            "",
            f"{count:,} of {self._events:,} events ({ratio:.2%}) are byte for byte equal to one of the {WINDOW:,} "
            f"before them: {often}.",
            f"Asterisk sends some twice: {usual}"
            if ratio <= _USUAL
            else f"More than Asterisk was ever seen to send twice ({usual}) Was a stream imported twice?",
        )


class Types:
    """Reports event types that are expected and missing."""

    def __init__(self) -> None:
        self._types: set[str] = set()
        self._subscribes_all = False
        self._filters: dict[str, Origin] = {}

    def rows(self, batch: Batch) -> Iterator[Finding]:
        self._types.update(batch.events["type"].drop_nulls().unique())
        self._subscribes_all |= batch.origin.source.get("subscribe_all") is True
        for word in ("filter", "exclude"):
            if value := batch.origin.source.get(word):
                names = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
                self._filters.setdefault(f"{word} {names}", batch.origin)
        yield from ()

    def end(self) -> Iterator[Finding]:
        hears_all = self._subscribes_all or "ChannelCreated" in self._types
        if self._types and hears_all and not self._filters and "StasisStart" not in self._types:
            yield Finding(
                "note",
                "stasis",
                "",
                "The recording has no StasisStart, although the recorder subscribed to all: Asterisk sends it, "
                "StasisEnd and some others to their own application only.",
                "If you need them, record between Asterisk and the application (`arirecord tap`).",
            )
        for name, origin in self._filters.items():
            yield Finding(
                "note",
                "filter",
                origin.name,
                f"Events were filtered before they were recorded: {name}.",
                "Metrics do not include filtered events.",
            )


def drift_findings(where: str, drift: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """Report differences between the stream and the catalogue."""
    for difference, places in drift.items():
        often = sorted(places.items(), key=lambda entry: -entry[1])
        text = ", ".join(f"{place or '(whole frame)'} {count:,}" for place, count in often[:_PLACES])
        more = f" and {len(often) - _PLACES:,} more places" if len(often) > _PLACES else ""
        yield Finding(
            "warning" if difference in _BROKEN else "note",
            "drift",
            where,
            f"{sum(places.values()):,} × {difference}: {text}{more}.",
            "Kept whole in `raw`; look at where it comes from."
            if difference in _BROKEN
            else "Nothing is lost (`extra`, `raw`). Update arirecord; if it is the newest, please report this.",
        )
