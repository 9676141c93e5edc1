"""The report: one HTML file that says what is in a session, and works with no network."""

import re
from collections.abc import Callable, Mapping, Sequence
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
from arirecord.session.reader import Session

from . import facts, find, flows, plots
from .figures import cards
from .ladder_html import story_section
from .palette import DISPOSITIONS
from .style import ladder_style, page_style
from .tell import story

__all__ = ["MOST_CALLS", "report_html"]

MOST_CALLS = 100_000
"""Calls in the table of a report: beyond this a browser takes too long."""

_MODELS = {"calls", "concurrency", "dtmf", "event_volume", "ivr_paths", "kpis", "transfers"}
_PARTS = (
    ("figures", "Key figures"),
    ("over-time", "Over time"),
    ("how-calls-went", "How calls went"),
    ("menus-and-transfers", "Menus and transfers"),
    ("the-stream", "The stream"),
    ("calls", "Calls"),
    ("ladders", "What went wrong"),
    ("meanings", "Meanings"),
)
_COLUMNS = {
    "started_at": "began",
    "caller_number": "from",
    "dialled_exten": "dialled",
    "called_number": "reached",
    "disposition": "disposition",
    "duration_s": "duration s",
    "ring_s": "ring s",
    "talk_s": "talk s",
    "hold_s": "hold s",
    "transfer_count": "transfers",
    "hangup_cause_txt": "hangup cause",
    "ended_by": "ended by",
    "is_complete": "complete",
    "call_id": "call",
}

Progress = Callable[[str, int], None]


def report_html(
    session: Session,
    *,
    title: str | None = None,
    worst: int = 12,
    most_calls: int = MOST_CALLS,
    progress: Progress = lambda what, done: None,
) -> str:
    """The report on a session as HTML: key figures with their definitions, plots, calls, ladders of the `worst` ones.

    The table has the last `most_calls` calls. `progress` is called with what is being done and how much of it is.
    """
    connection = connect(session, models=_MODELS | {*facts.MODELS, *find.MODELS})
    progress("measured", 1)
    figures, groups = _plots(connection, progress)
    ladders = _ladders(connection, worst, progress)
    count, rows = _calls(connection, most_calls)
    columns = [{"name": n, "title": t, "means": describe("calls").columns[n]} for n, t in _COLUMNS.items()]
    anchors = {ladder["call_id"]: ladder["anchor"] for ladder in ladders}
    return _template().render(
        title=title or f"Calls in {session.path.name}",
        path=session.path.name,
        version=__version__,
        about=_about(session),
        warnings=_warnings(session, connection),
        parts=_PARTS,
        cards=cards(connection),
        plots=groups,
        dispositions=[name for name in DISPOSITIONS if name != "open"],
        cut=f"The last {most_calls:,} of {count:,} calls; `arirecord calls` lists all." if count > most_calls else "",
        ladders=ladders,
        meanings=[(name, describe("calls").columns[name]) for name in _COLUMNS],
        figures=_json(figures),
        calls=_json({"columns": columns, "rows": rows, "ladders": anchors}),
        plotly=_script(get_plotlyjs()),
        table_code=_script(_of_itables("dt_bundle.js")),
        table_style=_of_itables("dt_bundle.css"),
        style=page_style() + ladder_style() + _of_ours("report.css"),
        script=_of_ours("report.js"),
    )


def _about(session: Session) -> Sequence[tuple[str, str]]:
    header = session.header
    return [
        ("recorded", f"{header.first_at or '–'} to {header.last_at or '–'} (UTC)"),
        ("recorded time", f"{session.recorded_time.duration_ns / 1e9:,.1f} s of {header.duration_ns / 1e9:,.1f} s"),
        ("events", f"{header.events:,} of {len(header.types)} types, in {len(session.parts)} file(s)"),
        ("source", ", ".join(f"{name}: {_listed(value)}" for name, value in header.source.items())),
        ("applications", ", ".join(name or "none" for name in header.applications) or "–"),
    ]


def _listed(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _warnings(session: Session, connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    header = session.header
    cut = connection.execute("SELECT count(*) FILTER (NOT is_complete) FROM calls").fetchall()[0][0]
    found = [
        (header.gap_count, "gaps: times without a connection, or between recordings, in which events are missing"),
        (header.lost_count, "frames known to be lost"),
        (cut, "calls of which the beginning or the end was not recorded, or that a gap runs through"),
        (header.problem_count, "lines or frames that were broken"),
        (header.drift_count, "places where the stream differed from the catalogue of ARI"),
    ]
    said = [f"{count:,} {what}" for count, what in found if count]
    return said + ([] if header.ended == "complete" else [f"the recording ended: {header.ended}"])


def _plots(
    connection: duckdb.DuckDBPyConnection, progress: Progress
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    wanted: Mapping[str, Sequence[Callable[[duckdb.DuckDBPyConnection], Any]]] = {
        "over-time": (plots.concurrency, plots.calls_over_time, plots.kpis_over_time),
        "how-calls-went": (plots.dispositions, plots.causes, plots.lengths),
        "menus-and-transfers": (flows.transfers, flows.ivr_paths, plots.digits),
        "the-stream": (plots.event_volume,),
    }
    figures, groups = {}, []
    for anchor, makers in wanted.items():
        shown = []
        for make in makers:
            figure = make(connection)
            figures[make.__name__] = orjson.loads(figure.to_json())
            shown.append({"name": make.__name__, "says": _first_sentence(make.__doc__ or "")})
            progress("plots", len(figures))
        groups.append({"anchor": anchor, "name": dict(_PARTS)[anchor], "plots": shown})
    return figures, groups


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].partition(";")[0].rstrip(".").replace("`", "")


def _ladders(connection: duckdb.DuckDBPyConnection, worst: int, progress: Progress) -> Sequence[Mapping[str, str]]:
    ladders = []
    for number, call in enumerate(find.worst_calls(connection, worst) if worst else (), 1):
        told = story(connection, call.call_id)
        anchor = f"ladder-{number}"
        ladders.append(
            {
                "call_id": call.call_id,
                "anchor": anchor,
                "title": told.title,
                "why": call.why,
                "html": story_section(told, f"{anchor}-story"),
            }
        )
        progress("ladders", number)
    return ladders


def _calls(connection: duckdb.DuckDBPyConnection, most: int) -> tuple[int, Sequence[Sequence[object]]]:
    count = connection.execute("SELECT count(*) FROM calls").fetchall()[0][0]
    chosen = ", ".join(
        f"strftime({name}, '%Y-%m-%d %H:%M:%S.%g')" if name.endswith("_at") else name for name in _COLUMNS
    )
    rows = connection.execute(
        f"SELECT {chosen} FROM calls ORDER BY first_seq OFFSET greatest(0, (SELECT count(*) FROM calls) - {most})"
    ).fetchall()
    return count, rows


@cache
def _template() -> jinja2.Template:
    text = files(__package__).joinpath("templates", "report.html.jinja").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)


def _of_ours(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _of_itables(name: str) -> str:
    return files("itables").joinpath("html", name).read_text("utf-8")


def _json(value: object) -> str:
    """JSON that may stand in a `<script>`: nothing in it can end that."""
    return orjson.dumps(value).decode().replace("<", "\\u003c")


def _script(code: str) -> str:
    """A library's code, with nothing that would end the `<script>` around it."""
    return re.sub(r"</(script)", r"<\\/\1", code, flags=re.IGNORECASE).replace("<!--", "<\\!--")
