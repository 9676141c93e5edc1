"""The report: one HTML file about a session, which works offline."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb
import jinja2
import orjson
from plotly.offline import get_plotlyjs

from arirecord import __version__
from arirecord.analytics import connect
from arirecord.analytics.models import describe
from arirecord.analytics.parameters import set_statement
from arirecord.asterisk.timestamps import parse_timestamp
from arirecord.select.zones import find_zone, local_time
from arirecord.session.reader import SessionFile

from . import breakdowns, call_data, plots, sankey, search
from .kpi_cards import cards
from .ladder_pack import Ladders, ladders_of, packed
from .style import DISPOSITIONS, EMPTY, ladder_style, page_style

__all__ = ["LADDERS", "MOST_CALLS", "report_html"]

MOST_CALLS = 100_000
"""Calls in the table of a report: with more, a browser takes too long."""

LADDERS = 5_000
"""Calls with their ladder in a report: each takes about 1 kB and a few milliseconds."""

_MODELS = {"calls", "concurrency", "dtmf", "event_volume", "ivr_paths", "kpis", "transfers", *breakdowns.MODELS}
_PARTS = (
    ("figures", "Key figures"),
    ("problems", "Calls with problems"),
    ("over-time", "Over time"),
    ("how-calls-went", "How calls went"),
    ("calls", "Calls"),
    ("breakdowns", "Endpoints, queues, quality"),
    ("menus-and-transfers", "Menus and transfers"),
    ("the-stream", "Events"),
    ("meanings", "Meanings"),
)
_PLOTS: Mapping[str, Sequence[tuple[Callable[[duckdb.DuckDBPyConnection], Any], str]]] = {
    "over-time": (
        (plots.calls_over_time, "No calls recorded."),
        (plots.concurrency, "No calls recorded."),
        (plots.kpis_over_time, "No attempts recorded."),
    ),
    "how-calls-went": (
        (plots.dispositions, "No calls recorded."),
        (plots.causes, "No hangup causes recorded."),
        (plots.lengths, "No ringing, talk or hold recorded."),
    ),
    "menus-and-transfers": (
        (sankey.transfers, "No transfers recorded."),
        (plots.digits, "No DTMF recorded."),
        (sankey.ivr_paths, "No menu prompts recorded."),
    ),
    "the-stream": ((plots.event_volume, "No events recorded."),),
}
"""Plots of each part, with the text shown in place of a plot without data."""
_OF_CALLS = ("calls_over_time", "concurrency", "dispositions", "causes", "lengths")
"""Plots that the page redraws from the rows of the table when a filter is set."""
_COLUMNS = {
    "call_id": "call",
    "started_at": "began",
    "caller_number": "from",
    "dialled_exten": "dialled",
    "called_number": "reached",
    "disposition": "disposition",
    "duration_s": "duration s",
    "talk_s": "talk s",
    "hold_s": "hold s",
    "transfer_count": "transfers",
    "cause": "hangup cause",
    "problem": "problem",
}
_SQL = {
    "call_id": search.CALL_NAME,
    "started_at": "strftime(local_time(started_at), '%Y-%m-%d %H:%M:%S.%g')",
    "cause": "NULLIF(concat_ws(' ', hangup_cause, hangup_cause_txt), '')",
    "problem": "rule || ': ' || finding",
}
_HIDDEN = ("setup_s", "ring_s")
"""Columns that the page's script needs, and the table does not show."""

Progress = Callable[[str, int], None]


def report_html(
    session: SessionFile,
    *,
    title: str | None = None,
    worst: int = 12,
    ladders: int = LADDERS,
    settings: Iterable[tuple[str, str]] = (),
    timezone: str = "UTC",
    progress: Progress = lambda what, done: None,
) -> str:
    """Return the report on a session as HTML: key figures with definitions, problems, plots, calls with their ladders.

    It lists the `worst` calls with problems, and has the ladders of at most `ladders` calls: first of those with
    problems, then of the latest. The table has the last `MOST_CALLS` calls. All times, and the beginnings of days and
    hours, are in `timezone`, an IANA name or `local`. `settings` are values of parameters, by name. `progress` is
    called with the name of a step and its count.

    Raises `ValueError` for an unknown zone, parameter or value.
    """
    zone = find_zone(timezone)
    statements = [set_statement(name, value) for name, value in settings]
    connection = connect(session, models=_MODELS | {*call_data.MODELS, *search.MODELS}, timezone=timezone)
    for statement in statements:
        connection.execute(statement)
    progress("measured", 1)
    figures, groups = _plots(connection, progress)
    packs = ladders_of(connection, max(ladders, worst), lambda done: progress("ladders", done))
    count, rows = _calls(connection, packs)
    means = {name: _means(name) for name in _COLUMNS}
    problems = search.worst_calls(connection)
    path = session.path.name
    return _template().render(
        title=title or f"Calls in {path}",
        path=path,
        version=__version__,
        zone=str(zone),
        about=_about(session, zone),
        warnings=_warnings(session, connection),
        parts=_PARTS,
        cards=cards(connection),
        plots=groups,
        breakdowns=breakdowns.breakdowns(connection),
        dispositions=[name for name in DISPOSITIONS if name != "open"],
        cut=f"The last {MOST_CALLS:,} of {count:,} calls; arirecord calls lists all." if count > MOST_CALLS else "",
        problems=[(call, packs.summaries.get(call.name, "")) for call in problems[:worst]],
        problem_count=len(problems),
        ladder_count=len(packs.summaries),
        call_count=count,
        meanings=[(name, title, means[name]) for name, title in _COLUMNS.items()],
        data=packed(
            _json(
                {
                    "path": path,
                    "timezone": str(zone),
                    "figures": figures,
                    "columns": [{"name": n, "title": t, "means": means[n]} for n, t in _COLUMNS.items()],
                    "hidden": [*_HIDDEN, "pack"],
                    "rows": rows,
                    "plots": _OF_CALLS,
                    "colors": DISPOSITIONS,
                    "buckets": [[size, plots.length_of(size)] for size in plots.BUCKETS_S],
                }
            )
        ),
        packs=packs.packs,
        plotly=packed(get_plotlyjs()),
        table_code=packed(_of_itables("dt_bundle.js")),
        table_style=_of_itables("dt_bundle.css"),
        style=page_style() + ladder_style() + _of_ours("report.css"),
        script=_of_ours("report.js"),
    )


def _means(column: str) -> str:
    known = describe("calls").columns
    return known.get(column) or {"cause": known["hangup_cause"], "problem": "The gravest finding of the linter"}[column]


def _about(session: SessionFile, zone: tzinfo) -> Sequence[tuple[str, str]]:
    header = session.header
    return [
        ("recorded", f"{_moment(header.first_at, zone)} to {_moment(header.last_at, zone)} ({zone})"),
        ("recorded time", f"{session.recorded_time.duration_ns / 1e9:,.1f} s of {header.duration_ns / 1e9:,.1f} s"),
        ("events", f"{header.events:,} of {len(header.types)} types, in {len(session.parts)} file(s)"),
        ("source", ", ".join(f"{name}: {_listed(value)}" for name, value in header.source.items())),
        ("applications", ", ".join(name or "none" for name in header.applications) or "–"),
    ]


def _moment(text: str | None, zone: tzinfo) -> str:
    """Convert a time of the header from UTC to a zone."""
    parsed = parse_timestamp(text or "")
    if parsed is None:
        return text or "–"
    return local_time(datetime(1970, 1, 1) + timedelta(milliseconds=parsed[0]), zone).isoformat(" ", "milliseconds")


def _listed(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _warnings(session: SessionFile, connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    header = session.header
    cut = connection.execute("SELECT count(*) FILTER (NOT is_complete) FROM calls").fetchall()[0][0]
    counts = [
        (header.gap_count, "gap", ": times without a connection, or between recordings, with missing events"),
        (header.lost_count, "frame", " known to be lost"),
        (cut, "call", " without a recorded beginning or end, or with a gap"),
        (header.problem_count, "fault", " in lines or frames"),
        (header.drift_count, "place", " where the stream differed from the catalogue of ARI"),
    ]
    warnings = [f"{count:,} {noun}{'s' * (count != 1)}{more}" for count, noun, more in counts if count]
    return warnings + ([] if header.ended == "complete" else [f"the recording ended: {header.ended}"])


def _plots(
    connection: duckdb.DuckDBPyConnection, progress: Progress
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """Return figures by name, and for each part its `plots` and the `empty` texts of those without data."""
    figures: dict[str, Any] = {}
    groups: dict[str, Mapping[str, Any]] = {}
    for done, (anchor, makers) in enumerate(_PLOTS.items(), 1):
        shown, empty = [], dict[str, None]()
        for make, without_data in makers:
            figure = make(connection)
            if figure.layout.meta == EMPTY:
                empty[without_data] = None
                continue
            name = make.__name__
            figures[name] = orjson.loads(figure.to_json())
            shown.append({"name": name, "says": _first_sentence(make.__doc__ or ""), "is_whole": name not in _OF_CALLS})
        progress("plots", done)
        groups[anchor] = {"name": dict(_PARTS)[anchor], "plots": shown, "empty": list(empty)}
    return figures, groups


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].partition(";")[0].rstrip(".").replace("`", "")


def _calls(connection: duckdb.DuckDBPyConnection, ladders: Ladders) -> tuple[int, Sequence[Sequence[object]]]:
    """Return the number of calls, and rows of the last `MOST_CALLS`, each with the pack of its ladder."""
    count = connection.execute("SELECT count(*) FROM calls").fetchall()[0][0]
    chosen = ", ".join(_SQL.get(name, name) for name in (*_COLUMNS, *_HIDDEN))
    rows = connection.execute(
        f"SELECT {chosen} FROM calls LEFT JOIN ({search.problems()}) AS problems ON {search.OF_CALL} "
        "ORDER BY calls.first_seq OFFSET $skipped",
        {"skipped": max(count - MOST_CALLS, 0)},
    ).fetchall()
    return count, [[*row, ladders.pack_of.get(row[0])] for row in rows]


@cache
def _template() -> jinja2.Template:
    text = files(__package__).joinpath("templates", "report.html.jinja").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)


def _of_ours(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _of_itables(name: str) -> str:
    return files("itables").joinpath("html", name).read_text("utf-8")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
