"""The header of several files: the sum of their headers."""

from collections.abc import Iterable, Sequence

from .header import Header
from .recorded_time import Gap

__all__ = ["add_up"]


def add_up(headers: Sequence[Header], gaps: Sequence[Gap]) -> Header:
    """Return the header of files that are in order of time; `gaps` are those between them."""
    first = headers[0]
    last = max(headers, key=_end_ns)
    ended = next((header.ended for header in headers if header.ended != "complete"), "complete")
    total = Header(first.started_ns, first.source, first_at=first.first_at, last_at=last.last_at, ended=ended)
    total.first_elapsed_ns = first.first_elapsed_ns
    total.duration_ns = _end_ns(last) - first.started_ns - first.first_elapsed_ns
    total.gap_count = len(gaps)
    for header in headers:
        for name in ("rows", "events", "frame_bytes", "gap_count", "lost_count", "problem_count"):
            setattr(total, name, getattr(total, name) + getattr(header, name))
        for name in ("types", "applications", "asterisk_ids"):
            _count(getattr(total, name), getattr(header, name))
        for difference, places in header.drift.items():
            _count(total.drift.setdefault(difference, {}), places)
        total.problems += header.problems
    if all(header.type_bytes is not None for header in headers):
        total.type_bytes = _add_pairs(header.type_bytes or {} for header in headers)
    return total


def _end_ns(header: Header) -> int:
    return header.started_ns + header.first_elapsed_ns + header.duration_ns


def _add_pairs(counts: Iterable[dict[str, list[int]]]) -> dict[str, list[int]]:
    total: dict[str, list[int]] = {}
    for some in counts:
        for name, pair in some.items():
            total[name] = [a + b for a, b in zip(total.get(name, (0, 0)), pair, strict=True)]
    return total


def _count(total: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count
