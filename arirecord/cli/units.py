"""Sizes in messages."""

from typing import TYPE_CHECKING

from arirecord.select.units import duration_text

if TYPE_CHECKING:
    from arirecord.session.header import Header

__all__ = ["size_text", "summary"]


def size_text(count: int) -> str:
    """Return a number of bytes with a unit: `840 B`, `84 kB`, `1.2 MB`, `598 MB`."""
    size, units = float(count), ["B", "kB", "MB", "GB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.1f} {units[0]}" if size < 9.95 and units[0] != "B" else f"{size:,.0f} {units[0]}"


def summary(header: "Header", took_s: float) -> str:
    """Return how much a command read and how long it took: `155 events (84 kB) in 98 ms; they span 3.9 s.`"""
    text = f"{header.events:,} events ({size_text(header.frame_bytes)}) in {duration_text(took_s)}"
    return f"{text}; they span {duration_text(header.duration_ns / 1e9)}." if header.events > 1 else f"{text}."
