"""A measured figure beside its rival, and how a benchmark tells it: for reading on a terminal, else as JSON."""

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

__all__ = ["Figure", "spread", "tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured in each round: `ours`, and `theirs` of a `rival` in the same rounds.

    `what` names the figure; notes of the page are found by it. `events` is the size of the recording. What is asked of
    it is one or more of: how many times the rival's rate it has, or its time is shorter (`least_ratio`); how many times
    the rival's value it may be (`most_ratio`); a value itself (`least`, `most`); what it may be beyond the rival's
    (`most_more`). `peak_mb` and `rival_peak_mb` are the largest resident memories. `skipped` says why nothing was
    measured; `said` what else there is to say.
    """

    what: str
    unit: str
    ours: Sequence[float] = ()
    theirs: Sequence[float] = ()
    rival: str = ""
    events: int | None = None
    least_ratio: float | None = None
    most_ratio: float | None = None
    least: float | None = None
    most: float | None = None
    most_more: float | None = None
    peak_mb: float | None = None
    rival_peak_mb: float | None = None
    skipped: str = ""
    said: str = ""
    command: str = ""

    @property
    def is_faster(self) -> bool:
        """Whether the ratio says how many times shorter our time is."""
        return self.least_ratio is not None and not self.unit.endswith("/s")

    @property
    def ratios(self) -> list[float]:
        """Round by round, as `least_ratio` or `most_ratio` has it."""
        pairs = zip(self.ours, self.theirs, strict=True) if self.theirs else ()
        return [their / our if self.is_faster else our / their for our, their in pairs]

    @property
    def asked(self) -> str:
        """What is asked, in words; empty where the figure stands for itself."""
        said = [
            f"≥ {self.least_ratio:g} ×" if self.least_ratio is not None else "",
            f"≤ {self.most_ratio:g} ×" if self.most_ratio is not None else "",
            f"≥ {self.least:,g}" if self.least is not None else "",
            f"≤ {self.most:,g} {self.unit}" if self.most is not None else "",
            f"≤ rival + {self.most_more:g} {self.unit}" if self.most_more is not None else "",
        ]
        return ", ".join(filter(None, said))

    @property
    def is_met(self) -> bool | None:
        """Whether the medians are as asked; None where nothing is asked, or nothing was measured."""
        if not self.ours or not self.asked:
            return None
        ours = statistics.median(self.ours)
        theirs = statistics.median(self.theirs) if self.theirs else 0.0
        ratio = statistics.median(self.ratios) if self.theirs else 0.0
        return not (
            (self.least_ratio is not None and ratio < self.least_ratio)
            or (self.most_ratio is not None and ratio > self.most_ratio)
            or (self.least is not None and ours < self.least)
            or (self.most is not None and ours > self.most)
            or (self.most_more is not None and ours > theirs + self.most_more)
        )

    def dump(self) -> dict[str, Any]:
        """What differs from nothing, as `load` reads it."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, (), [])}

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        """What `dump` gave."""
        return cls(**data)

    def __str__(self) -> str:
        size = f" ({self.events:,} events)" if self.events else ""
        if self.skipped:
            return f"{self.what}{size}: skipped: {self.skipped}"
        told = f"{self.what}{size}: {spread(self.ours)} {self.unit}"
        if self.theirs:
            told += f"; {self.rival}: {spread(self.theirs)}; {spread(self.ratios)} ×"
        if self.asked:
            told += f"; asked {self.asked}: {'met' if self.is_met else 'NOT MET'}"
        return f"{told}; {self.said}" if self.said else told


def spread(values: Sequence[float]) -> str:
    """The median, and least and greatest where they differ: `3.1 (2.9–3.4)`."""
    median, least, most = (number(value) for value in (statistics.median(values), min(values), max(values)))
    return median if least == most else f"{median} ({least}–{most})"


def number(value: float) -> str:
    """Three digits that count, and all before the point."""
    for decimals, limit in ((0, 99.95), (1, 9.995), (2, 0.9995)):
        if abs(value) >= limit:
            return f"{value:,.{decimals}f}"
    return f"{value:.3f}"


def tell(figure: Figure) -> None:
    """Print a figure: for reading where somebody reads, as a line of JSON where a program does."""
    print(figure if sys.stdout.isatty() else json.dumps(figure.dump(), ensure_ascii=False), flush=True)
