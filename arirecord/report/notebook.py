"""Plots and calls of a session in Python: `session.plot.concurrency()`, `session.call("1795474763.86")`."""

from collections.abc import Callable, Collection, Sequence
from html import escape
from typing import TYPE_CHECKING

import duckdb

from arirecord.errors import NoSuchCall
from arirecord.session.reader import SessionFile

from . import call_data, search
from .build_story import story
from .ladder_svg import ladder_svg
from .ladder_text import ladder_text
from .story import Story

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALL_MODELS", "Call", "Plots", "find_call", "session_html"]

CALL_MODELS = (*search.MODELS, *call_data.MODELS)
"""The models that `find_call` reads."""


class Call:
    """One call of a session: its `story`, and pictures of it. Jupyter shows it as the whole story."""

    def __init__(self, story: Story) -> None:
        self.story = story

    @property
    def call_id(self) -> str:
        """The call's id, as in the table `calls`."""
        return self.story.call_id

    def text(self, width: int = 100) -> str:
        """Return the story with its ladder as plain text, `width` columns wide."""
        return ladder_text(self.story, width=width)

    def svg(self) -> str:
        """Return the ladder as SVG, for documents and web pages."""
        return ladder_svg(self.story)

    def __repr__(self) -> str:
        return f"<Call {self.call_id}: {self.story.summary}>"

    def _repr_html_(self) -> str:
        text = escape(self.text())
        return (
            f'<p>{escape(self.story.summary)}</p><div style="overflow-x:auto">{self.svg()}</div>'
            f'<details><summary>As text</summary><pre style="line-height:1.2">{text}</pre></details>'
        )


def find_call(connection: duckdb.DuckDBPyConnection, identifier: str) -> Call:
    """Find a call by id of call or channel, or by number. Raises `NoSuchCall` unless exactly one call matches."""
    calls = search.find_calls(connection, identifier)
    if not calls:
        raise NoSuchCall(f"no call has the id, channel or number {identifier!r}")
    if len(calls) > 1:
        ids = ", ".join(call.call_id for call in calls[:5])
        raise NoSuchCall(f"{len(calls)} calls fit {identifier!r}: {ids}{' …' if len(calls) > 5 else ''}")
    return Call(story(connection, calls[0].call_id, server=calls[0].server))


class Plots:
    """Plots of one session, as Plotly figures; Jupyter shows them, and they can be changed like any figure.

    `connection_with` creates the named models and returns the session's connection.
    """

    def __init__(self, connection_with: Callable[[Collection[str]], duckdb.DuckDBPyConnection]) -> None:
        self._with = connection_with

    def concurrency(self) -> "go.Figure":
        """Plot concurrent calls over time: open and answered."""
        from . import plots

        return plots.concurrency(self._with(("concurrency",)))

    def calls(self, bucket_s: int | None = None) -> "go.Figure":
        """Plot calls by the time at which they began, stacked by disposition, in buckets of `bucket_s` seconds."""
        from . import plots

        return plots.calls_over_time(self._with(("calls",)), bucket_s)

    def dispositions(self) -> "go.Figure":
        """Plot the number of calls by disposition."""
        from . import plots

        return plots.dispositions(self._with(("calls",)))

    def causes(self) -> "go.Figure":
        """Plot the most frequent hangup causes."""
        from . import plots

        return plots.causes(self._with(("calls",)))

    def lengths(self, *columns: str) -> "go.Figure":
        """Plot durations: columns of `calls`, from setup_s, ring_s, talk_s, hold_s, wait_s."""
        from . import plots

        return plots.lengths(self._with(("calls",)), *columns)

    def digits(self) -> "go.Figure":
        """Plot a heat map of DTMF digits: key by position in the sequence."""
        from . import plots

        return plots.digits(self._with(("dtmf",)))

    def event_volume(self) -> "go.Figure":
        """Plot bytes by event type."""
        from . import plots

        return plots.event_volume(self._with(("event_volume",)))

    def kpis(self, bucket_s: int | None = None, measures: Sequence[str] = ("asr_ratio", "ner_ratio")) -> "go.Figure":
        """Plot key figures over time: columns of the table `kpis`."""
        from . import plots

        return plots.kpis_over_time(self._with(("kpis", "calls")), bucket_s, measures)

    def transfers(self) -> "go.Figure":
        """Plot transfers by kind, target type and outcome (Sankey)."""
        from . import sankey

        return sankey.transfers(self._with(("transfers",)))

    def ivr_paths(self) -> "go.Figure":
        """Plot the paths of callers through menus (Sankey)."""
        from . import sankey

        return sankey.ivr_paths(self._with(("ivr_paths",)))

    def turns(self, call: str) -> "go.Figure":
        """Plot the turns of a call with a voice agent as lanes, with their latencies; `call` is as for `ladder`."""
        from . import plots

        return plots.turns(self.ladder(call).story)

    def ladder(self, call: str) -> Call:
        """Find a call, with its ladder, by id of call or channel, or number. Raises `NoSuchCall` unless one matches."""
        return find_call(self._with(CALL_MODELS), call)


_TYPES = 8


def session_html(session: SessionFile) -> str:
    """Return the header as an HTML table: path, beginning, length, events with most frequent types, gaps, losses."""
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
