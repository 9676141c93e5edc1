"""Plots of a session, as Plotly figures for Jupyter and the report.

Each reads a few hundred points from the tables, even for a long recording, or is of one call. A figure without data
shows a text instead.
The first sentence of a docstring is the caption in the report.
"""

from collections.abc import Sequence
from typing import Any

import duckdb
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .ladder_layout import offset_s
from .story import Story
from .style import DISPOSITIONS, OTHER, style
from .turn_lanes import SPEAKERS

__all__ = [
    "BUCKETS_S", "bucket_of", "calls_over_time", "causes", "concurrency", "digits", "dispositions", "event_volume",
    "kpis_over_time", "length_of", "lengths", "turns",
]  # fmt: skip

_POINTS = 1000
BUCKETS_S = (1, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400)
"""Bucket lengths in seconds that plots choose from."""
_BINS = 40
_CAUSES = 12
_TYPES = 15

LENGTHS = {
    "setup_s": "Until the answer",
    "ring_s": "Ringing",
    "talk_s": "Talking",
    "hold_s": "On hold",
    "wait_s": "Waiting in a queue",
}
"""Columns of `calls` whose distribution can be shown, with their titles."""


def bucket_of(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the bucket length in seconds that cuts the recording into at most 60 parts."""
    row = connection.execute("SELECT epoch(max(started_at)) - epoch(min(started_at)) FROM calls").fetchall()[0]
    return next((size for size in BUCKETS_S if (row[0] or 0) / size <= 60), BUCKETS_S[-1])


def concurrency(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Concurrent calls over time: those open and those answered. Of many changes only the highest of each interval."""
    rows = connection.execute(
        """
        WITH numbered AS (
            SELECT *, ntile($points) OVER (ORDER BY changed_at) AS part FROM concurrency WHERE open_count IS NOT NULL
        ),
        gaps AS (
            SELECT open_count, local_time(changed_at) AS since, lead(since) OVER (ORDER BY changed_at) AS until
            FROM concurrency QUALIFY open_count IS NULL
        ),
        -- The line breaks at NULL; plotly fills from one side of a gap to the other, here along zero and so unseen.
        gap_corners AS (
            SELECT since, 0, 0 FROM gaps
            UNION ALL
            SELECT since, NULL, NULL FROM gaps
            UNION ALL
            SELECT until, 0, 0 FROM gaps WHERE until IS NOT NULL
        )
        SELECT local_time(min(changed_at)), max(open_count), max(up_count) FROM numbered GROUP BY part
        UNION ALL
        FROM gap_corners
        ORDER BY ALL
        """,
        {"points": _POINTS},
    ).fetchall()
    at, opened, up = _columns(rows, 3)
    figure = go.Figure(
        [
            go.Scatter(x=at, y=opened, name="open", line_shape="hv", mode="lines", fill="tozeroy"),
            go.Scatter(x=at, y=up, name="answered", line_shape="hv", mode="lines", fill="tozeroy"),
        ]
    )
    return style(figure, "Concurrent calls", y="calls", is_empty=not rows)


def calls_over_time(connection: duckdb.DuckDBPyConnection, bucket_s: int | None = None) -> go.Figure:
    """Calls by the time at which they began, stacked by disposition; `bucket_s` None: chosen by `bucket_of`."""
    bucket_s = bucket_s or bucket_of(connection)
    rows = connection.execute(
        """
        SELECT
            local_time(bucket_start(to_seconds($bucket), started_at)) AS bucket_at,
            COALESCE(disposition, 'open'),
            count(*)
        FROM calls WHERE started_at IS NOT NULL GROUP BY ALL ORDER BY ALL
        """,
        {"bucket": bucket_s},
    ).fetchall()
    figure = go.Figure(
        [
            go.Bar(x=at, y=count, name=name, marker_color=color, width=bucket_s * 1000 * 0.9)
            for name, color in DISPOSITIONS.items()
            for at, count in [_columns([(when, n) for when, series, n in rows if series == name], 2)]
            if at
        ]
    )
    figure.update_layout(barmode="stack")
    return style(figure, f"Calls begun, in buckets of {length_of(bucket_s)}", y="calls", is_empty=not rows)


def dispositions(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Number of calls by disposition."""
    rows = connection.execute(
        "SELECT COALESCE(disposition, 'open') AS what, count(*) AS n FROM calls GROUP BY what ORDER BY n"
    ).fetchall()
    names, counts = _columns(rows, 2)
    colors = [DISPOSITIONS.get(name, OTHER) for name in names]
    return _horizontal_bars("Dispositions", "calls", names, counts, counts, marker_color=colors)


def causes(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """The most frequent hangup causes (Q.850), with the number of calls."""
    rows = connection.execute(
        """
        SELECT concat_ws(' ', hangup_cause, hangup_cause_txt) AS what, count(*) AS n
        FROM calls WHERE hangup_cause IS NOT NULL GROUP BY what ORDER BY n DESC LIMIT $most
        """,
        {"most": _CAUSES},
    ).fetchall()
    names, counts = _columns(rows[::-1], 2)
    return _horizontal_bars("Hangup causes", "calls", names, counts, counts)


def lengths(connection: duckdb.DuckDBPyConnection, *columns: str) -> go.Figure:
    """Durations of ringing, talking, holding …: share of the calls with one, by seconds, up to the 99th percentile.

    `columns` are of `calls` (default: ring_s, talk_s, hold_s). Raises `ValueError` for any other column.
    """
    columns = columns or ("ring_s", "talk_s", "hold_s")
    if unknown := set(columns) - LENGTHS.keys():
        raise ValueError(f"{min(unknown)!r} is not a duration column; choose from {', '.join(LENGTHS)}")
    figure = make_subplots(1, len(columns), subplot_titles=[LENGTHS[column] for column in columns])
    for place, column in enumerate(columns, 1):
        rows = connection.execute(
            f"""
            WITH of_calls AS (SELECT {column} AS s FROM calls WHERE {column} > 0),
            span AS (SELECT greatest(quantile_cont(s, 0.99), 0.001) / {_BINS} AS width, count(*) AS n FROM of_calls)
            SELECT (floor(s / width) + 0.5) * width AS length_s, 100 * count(*) / any_value(n) AS share
            FROM of_calls, span WHERE s <= width * {_BINS} GROUP BY length_s ORDER BY length_s
            """
        ).fetchall()
        at, share = _columns(rows, 2)
        figure.add_bar(x=at, y=share, name=LENGTHS[column], showlegend=False, row=1, col=place)
    is_empty = not any(bars.x for bars in figure.data)
    style(figure, "How long", x="seconds", y="% of calls", is_empty=is_empty)
    return figure.update_xaxes(nticks=4)  # on a phone each plot is 80 pixels wide


def digits(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """A heat map of DTMF digits: key by position in the sequence."""
    rows = connection.execute(
        """
        SELECT digit, least(place, 12) AS place, count(*) FROM (
            SELECT unnest(string_split(digits, '')) AS digit, generate_subscripts(string_split(digits, ''), 1) AS place
            FROM dtmf
        ) GROUP BY ALL
        """
    ).fetchall()
    keys = [key for key in "1234567890*#ABCD" if key in "1234567890*#" or any(row[0] == key for row in rows)]
    places = list(range(1, max((place for _, place, _ in rows), default=1) + 1))
    count_of = {(digit, place): count for digit, place, count in rows}
    z = [[count_of.get((key, place)) for place in places] for key in keys]
    names = [str(place) if place < 12 else "12 and later" for place in places]
    figure = go.Figure(go.Heatmap(z=z, x=names, y=keys, colorscale="Teal", xgap=2, ygap=2, colorbar_title="times"))
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category")
    return style(figure, "Digits", x="position in the sequence", y="key", is_empty=not rows)


def event_volume(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Bytes by event type: the types that make the stream large."""
    rows = connection.execute(
        """
        SELECT COALESCE(type, 'no event'), sum(byte_count) / 1e6 AS megabytes, sum(event_count) AS n
        FROM event_volume GROUP BY type ORDER BY megabytes DESC NULLS LAST LIMIT $most
        """,
        {"most": _TYPES},
    ).fetchall()
    names, megabytes, counts = _columns(rows[::-1], 3)
    texts = [f"{count:,} events" for count in counts]
    return _horizontal_bars("Event volume by type", "MB", names, megabytes, texts)


def kpis_over_time(
    connection: duckdb.DuckDBPyConnection,
    bucket_s: int | None = None,
    measures: Sequence[str] = ("asr_ratio", "ner_ratio"),
) -> go.Figure:
    """Key figures over time, columns of `kpis`; `bucket_s` None: chosen by `bucket_of`."""
    bucket_s = bucket_s or bucket_of(connection)
    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in measures)
    rows = connection.execute(
        f"SELECT local_time(bucket_at), {chosen} FROM kpis(bucket := to_seconds({bucket_s})) "
        "WHERE bucket_at IS NOT NULL ORDER BY 1"
    ).fetchall()
    at, *values = _columns(rows, 1 + len(measures))
    lines = [
        go.Scatter(x=at, y=value, name=_title(name), mode="lines+markers", connectgaps=False)
        for name, value in zip(measures, values, strict=True)
    ]
    return style(go.Figure(lines), f"Key figures, in buckets of {length_of(bucket_s)}", is_empty=not rows)


def turns(story: Story) -> go.Figure:
    """Turns of a call with a voice agent as lanes, by seconds, each with the response latency before it."""
    figure = go.Figure()
    for speaker in reversed(SPEAKERS):
        ended = [turn for turn in story.turns if turn.speaker == speaker and turn.ended_at]
        lengths_s = [(turn.ended_at - turn.started_at).total_seconds() for turn in ended if turn.ended_at]
        begins_s = [offset_s(story, turn.started_at) for turn in ended]
        texts = [f"{turn.latency_s:.2f} s" if turn.latency_s is not None else "" for turn in ended]
        if ended:
            figure.add_bar(
                base=begins_s, x=lengths_s, y=[speaker] * len(ended), orientation="h", name=speaker, text=texts,
                textposition="inside", textangle=0, hovertext=[turn.text for turn in ended],
            )  # fmt: skip
    style(figure, f"Turns of call {story.call_id}", x="seconds since the call began", is_empty=not figure.data)
    return figure.update_layout(height=240, showlegend=False, barmode="overlay")


def _horizontal_bars(
    title: str, unit: str, names: Sequence[str], values: Sequence[float], texts: Sequence[object], **bar: Any
) -> go.Figure:
    """Draw one bar for each name, with its text to the right: inside a short bar it would cover the name."""
    figure = go.Figure(go.Bar(x=values, y=names, orientation="h", text=texts, textposition="outside", **bar))
    style(figure, title, x=unit, is_empty=not names)
    figure.update_xaxes(nticks=4)  # on a phone long names leave little room
    figure.update_yaxes(type="category")  # a cause without a text is a number
    return figure.update_layout(margin_r=20 + 7 * max((len(str(text)) for text in texts), default=0))


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(count)]


def _title(name: str) -> str:
    stem, _, unit = name.rpartition("_")
    return f"{stem.upper().replace('_', ' ')} ({unit})" if unit == "s" else stem.upper().replace("_", " ")


def length_of(seconds: int) -> str:
    """Describe a bucket length in words: `one hour`, `15 minutes`."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}s" if count > 1 else f"one {name}"
    raise AssertionError("every number of seconds is a multiple of one")
