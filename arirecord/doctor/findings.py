"""The doctor's findings, as values."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from arirecord.asterisk.timestamps import format_timestamp
from arirecord.rules import SEVERITIES, Severity, shipped_rules

__all__ = ["Few", "Finding", "Severity", "moment", "worst"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    `severity`: `error`, the file contradicts itself or can't be read; `warning`, something was or may be lost, or
    is unreliable; `note`, worth knowing. `rule` is the id of a rule of the doctor, `where` a file or row, `what` one
    sentence, `fix` what to do ('': what the rule says).
    """

    severity: Severity
    rule: str
    where: str
    what: str
    fix: str = ""

    def __post_init__(self) -> None:
        if not self.fix:
            object.__setattr__(self, "fix", shipped_rules("doctor")[self.rule].fix)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the gravest severity among findings; None without findings."""
    return min((f.severity for f in findings), key=SEVERITIES.index, default=None)


class Few:
    """Passes on the first few findings of one sort and counts the others: a file that is broken in every row must not
    give a finding for each.
    """

    def __init__(self, shown: int = _SHOWN) -> None:
        self._shown = shown
        self._count = 0
        self._last: Finding | None = None

    def take(self, rows: pl.DataFrame, describe: Callable[[dict[str, Any]], Finding]) -> Iterator[Finding]:
        """Yield findings of these rows, up to the limit."""
        for row in rows.head(max(self._shown - self._count, 0)).iter_rows(named=True):
            self._last = describe(row)
            yield self._last
        self._count += rows.height

    def one(self, finding: Finding) -> Iterator[Finding]:
        """Yield a single finding, up to the limit."""
        self._count += 1
        if self._count <= self._shown:
            self._last = finding
            yield finding

    def end(self) -> Iterator[Finding]:
        """Yield the number of findings not shown."""
        if self._last and self._count > self._shown:
            yield replace(self._last, where="", what=f"… and {self._count - self._shown:,} more like this.")


def moment(us: int) -> str:
    """Format microseconds since 1970 UTC for messages, also beyond the calendar."""
    try:
        return format_timestamp(us * 1000)
    except OverflowError:
        return f"{us:,} µs since 1970"
