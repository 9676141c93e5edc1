"""What a session shows of itself in Jupyter: a small table of its header."""

from html import escape

from arirecord.session.reader import SessionFile

__all__ = ["session_html"]

_TYPES = 8


def session_html(session: SessionFile) -> str:
    """The header as an HTML table: path, beginning, length, events with their most frequent types, gaps, losses."""
    header = session.header
    types = sorted(header.types.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name or 'none'} {count:,}" for name, count in types[:_TYPES])
    more = f" and {len(types) - _TYPES} more" if len(types) > _TYPES else ""
    facts = {
        "session": str(session.path),
        "began": header.first_at or "–",
        "length": f"{header.duration_ns / 1e9:,.1f} s",
        "recorded": f"{session.recorded_time.duration_ns / 1e9:,.1f} s",
        "events": f"{header.events:,}",
        "types": shown + more,
        "applications": ", ".join(header.applications) or "–",
        "gaps": f"{header.gap_count:,}; {header.lost_count:,} frames known to be lost",
        "ended": header.ended,
    }
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table>{rows}</table>"
