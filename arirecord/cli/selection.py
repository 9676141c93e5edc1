"""Options that select rows: their times in a recording, and the message for an empty selection."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from arirecord.asterisk.catalogue import event_types
from arirecord.select.times import Position, Time, Window, select_windows
from arirecord.select.zones import find_zone
from arirecord.suggest import close_names

if TYPE_CHECKING:
    import duckdb

    from arirecord.session.reader import SessionFile

__all__ = ["in_zone", "no_rows", "unknown_names", "unknown_values", "windows_of"]

_MOST = 10
_VALUES = {
    "dispositions": ("--disposition", "SELECT disposition FROM calls GROUP BY ALL ORDER BY count(*) DESC"),
    "calls": ("--call", "SELECT call_id FROM legs UNION SELECT channel_id FROM legs ORDER BY 1"),
    "numbers": (
        "--number",
        "SELECT number FROM int_call_numbers WHERE regexp_matches(number, '^[+0-9]') GROUP BY ALL "
        "ORDER BY count(*) DESC, number",
    ),
}


def windows_of(session: "SessionFile", since: Time | None, until: Time | None, timezone: str) -> Sequence[Window]:
    """Return the parts of a session that `--since` and `--until` select; at least one, which may be empty.

    Fails as wrong usage for a row that the session does not have.
    """
    from arirecord.session.positions import recording_span

    if since is None and until is None:
        return [Window()]
    try:
        windows = select_windows(since, until, recording_span(session, find_zone(timezone)))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return windows or [Window(Position(0), Position(0))]


def in_zone(rows: "duckdb.DuckDBPyRelation", timezone: str) -> "duckdb.DuckDBPyRelation":
    """Return rows with their times converted to a time zone."""
    times = [
        name
        for name, column_type in zip(rows.columns, rows.types, strict=True)
        if str(column_type).startswith("TIMESTAMP")
    ]
    if timezone == "UTC" or not times:
        return rows
    quoted = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in times]
    shown = ", ".join(f"timezone('{timezone}', timezone('UTC', {name})) AS {name}" for name in quoted)
    return rows.project(f"* REPLACE ({shown})")


def no_rows(
    rows_name: str, session: "SessionFile", options: Mapping[str, object], timezone: str, others: Iterable[str] = ()
) -> str:
    """Return the message for an empty result: its options, and begin and end of the recording.

    options: values by the name of their option; those without a value are left out.
    others: further sentences, such as those of `unknown_value`.
    """
    from arirecord.session.positions import recording_span

    given = [
        f"{name} {value.text if isinstance(value, Time) else value}"
        for name, values in options.items()
        for value in (values if isinstance(values, tuple) else (values,))
        if value is not None
    ]
    if others := list(others):
        return " ".join([f"No {rows_name}.", *others])
    sentences = [f"No {rows_name}{': ' if given else ''}{' '.join(given)}."]
    since, until = (value if isinstance(value, Time) else None for value in map(options.get, ("--since", "--until")))
    windows = windows_of(session, since, until, timezone)
    if since and until and all(begin and end and begin >= end and end.ns for begin, end in windows):
        sentences.append("--until is not after --since; a date alone is its midnight.")
    elif (since or until) and not _is_recorded(session, windows):
        sentences.append("Nothing was recorded then.")
    return " ".join([*sentences, str(recording_span(session, find_zone(timezone)))])


def _is_recorded(session: "SessionFile", windows: Sequence[Window]) -> bool:
    """Whether the session recorded at some time of these parts."""
    return any(
        (window.begin is None or window.begin.ns <= span.end_ns)
        and (window.end is None or window.end.ns > span.begin_ns)
        for span in session.recorded_time.spans
        for window in windows
    )


def unknown_value(option: str, value: str, known: Iterable[str]) -> str:
    """Return the message for a value that does not occur, with values that do, closest first."""
    known = list(dict.fromkeys(known))
    if not known:
        return f"{option} {value} occurs nowhere; the recording has no values for it."
    shown = list(dict.fromkeys([*close_names(value, known), *known]))[:_MOST]
    more = f" and {len(known) - len(shown):,} more" if len(known) > len(shown) else ""
    return f"{option} {value} occurs nowhere; values are {', '.join(shown)}{more}."


def unknown_names(
    session: "SessionFile", types: Iterable[str], exclude: Iterable[str] = (), apps: Iterable[str] = ()
) -> Sequence[str]:
    """Return a message for each value of `--type`, `--exclude` and `--app` that the session does not have.

    A type to exclude may be any type of ARI.
    """
    here = session.header.types
    asked = (
        ("--type", types, here),
        ("--exclude", exclude, (*here, *event_types())),
        ("--app", apps, session.header.applications),
    )
    return [unknown_value(option, name, known) for option, names, known in asked for name in names if name not in known]


def unknown_values(
    connection: "duckdb.DuckDBPyConnection", asked: Mapping[str, Sequence[str]], *, has_rows: bool
) -> Sequence[str]:
    """Return a message for each value of `--disposition`, `--call` and `--number` that does not occur.

    has_rows: the result has rows, so that a single value of an option occurs.
    """
    from arirecord.analytics.call_lookup import has_number

    sentences = []
    for name, (option, sql) in _VALUES.items():
        values = asked.get(name, ())
        if len(values) > has_rows:
            known = [row[0] for row in connection.execute(sql).fetchall() if row[0] is not None]
            for value in values:
                sql = f"SELECT 1 FROM int_call_numbers WHERE {has_number([value])}"
                is_there = name == "numbers" and connection.execute(sql).fetchone()
                if not is_there and (value.upper() if name == "dispositions" else value) not in known:
                    sentences.append(unknown_value(option, value, known))
    return sentences
