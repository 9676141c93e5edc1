"""The window of a call in a long recording: the rows that its tables need, found without those of all other calls."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from arirecord.asterisk.catalogue import channel_columns
from arirecord.session.servers import Server

from .macros import Macros
from .restarts import find_restarts
from .reused_ids import Life, find_lives
from .server_clock import ServerClock, read_clock, time_macros
from .server_models import ModelOptions, ServerModels
from .statement_runner import StatementRunner
from .views import SeqRange, SessionViews, name, text

__all__ = ["models_of_calls"]

_SCRATCH = "call_window"
_SEPARATOR = "\x1f"
_WORD = """'[^\\s"/?&=,{}\\[\\]\\\\:]+'"""
_MARGIN = "INTERVAL 2 SECONDS"
"""Links by time, of the two ends of a Local channel for example, are those of at most a second."""
_ALWAYS = 1 << 62
_TARGETS = ("playback_target_uri", "recording_target_uri")
_REQUESTS = {
    "kind = 'rest'": ("rest_uri", "rest_request_body", "rest_answer_body"),
    "type = 'RESTResponse'": ("uri", "message_body"),
}
_FACTS = """
SELECT
    (SELECT max(event_time("timestamp", received_at, seq)) FROM channel_events),
    EXISTS (FROM Dial),
    {has_requests}
"""
_ROWS = """
WITH ids AS (
    SELECT unnest($ids) AS id, unnest($firsts) AS first_seq, unnest($lasts) AS last_seq
)

SELECT min(namings.seq), max(namings.seq), min(received_at), max(received_at)
FROM ({namings}) AS namings
LEFT JOIN ids ON ids.id = namings.id AND namings.seq BETWEEN ids.first_seq AND ids.last_seq
WHERE namings.id IS NULL OR ids.id IS NOT NULL
"""
_MODELS = ("int_bridge_stays", "int_call_channels", "int_channel_facts", "int_links")
# A bridge that others share, such as a conference room, can be there for days: only the stays of those count that meet
# the call there. The bridge of one call is looked at as a whole.
_NAMED = """
WITH channels_of_calls AS (
    SELECT channel_id
    FROM int_call_channels
    WHERE call_id IN (
        SELECT call_id
        FROM int_call_channels
        JOIN int_channel_facts USING (channel_id)
        WHERE {is_wanted}
    )
),

stays AS (
    SELECT *, channel_id IN (FROM channels_of_calls) AS is_own
    FROM int_bridge_stays
)

SELECT channel_id AS key, 'channel' AS kind FROM channels_of_calls
UNION
SELECT unnest([channel_id, other_id]), 'channel'
FROM int_links
WHERE reason <> 'conference' AND (channel_id IN (FROM channels_of_calls) OR other_id IN (FROM channels_of_calls))
UNION
SELECT others.channel_id, 'channel'
FROM stays AS own
JOIN stays AS others
    ON others.bridge_id = own.bridge_id AND COALESCE(others.entered_seq < own.left_seq, true)
    AND COALESCE(own.entered_seq < others.left_seq, true)
WHERE own.is_own
UNION
SELECT bridge_id, 'bridge' FROM stays GROUP BY bridge_id HAVING bool_and(is_own)
UNION
SELECT linkedid, 'linkedid'
FROM int_channel_facts
WHERE channel_id IN (FROM channels_of_calls) AND linkedid IS NOT NULL
"""


class _Named(NamedTuple):
    """An id that rows name, between two of them: of one life."""

    id: str
    first_seq: int = 0
    last_seq: int = _ALWAYS


class _RowsOfCalls(NamedTuple):
    """The views of the rows of some calls, and what else models need to know."""

    views: SessionViews
    options: ModelOptions


def models_of_calls(
    runner: StatementRunner,
    servers: Sequence[Server],
    homes: Sequence[tuple[str, SessionViews]],
    macros: Macros,
    calls: Collection[str],
) -> Sequence[ServerModels]:
    """Return the models of servers, which read the rows of some calls only; nothing if no row names such a call.

    homes: for each server its schema and the views of all of its rows.
    calls: ids of calls, or ids or names of their channels.
    """
    tables = [f"{home}.rows_of_calls" for home, _ in homes]
    rows_by_server = [
        _rows_of_calls(runner, server, views, macros, calls, table)
        for server, (_, views), table in zip(servers, homes, tables, strict=True)
    ]
    if not any(rows_by_server):
        return []
    models = []
    for server, (home, views), table, rows in zip(servers, homes, tables, rows_by_server, strict=True):
        if rows is None:  # the calls are on another server
            statement, copied = views.copied(SeqRange(0, -1), table)
            runner.run(statement)
            rows = _RowsOfCalls(copied, ModelOptions())
        models.append(ServerModels(runner, server.name, home, rows.views, macros, rows.options))
    return models


def _rows_of_calls(
    runner: StatementRunner, server: Server, views: SessionViews, macros: Macros, calls: Collection[str], table: str
) -> _RowsOfCalls | None:
    """Copy the rows of some calls of a server into a table; None if no row names such a call.

    The rows are a window of the recording, which grows until it has all rows that name the calls' channels, those
    linked with them, and those that meet them in a bridge. Rows of other calls are in it, too.
    """
    macros.need_for("linkedid_of(vars)")
    plain_ids = {call.partition("#")[0] for call in calls}
    window = _rows_naming(runner, views, [_Named(each) for each in plain_ids], names=calls, linkedids=plain_ids)
    if window is None:
        return None
    clock, restarts = read_clock(runner, views), find_restarts(runner, views)
    given = {"int_recording_facts": _recording_facts(runner, views, clock)}
    columns = ("replace(call_id, chr(31), '#')", "split_part(channel_id, chr(31), 1)", "channel_name")
    is_wanted = " OR ".join(f"{column} IN ({_listed(calls)})" for column in columns)
    while True:
        statement, copied = views.copied(window, table)
        runner.run(statement)
        lives = find_lives(runner, views, ("channel",), among=_channels_of(copied))
        options = ModelOptions(given, lives, restarts, clock=clock)
        with _scratch_schema(runner):
            models = ServerModels(runner, server.name, _SCRATCH, copied, macros, replace(options, schema=_SCRATCH))
            models.need(_MODELS, lambda model: None)
            with runner.in_schemas(_SCRATCH, "main"):
                named = runner.rows(_NAMED.replace("{is_wanted}", is_wanted))
        copied.left_out = ""
        ids = [each for key, kind in named if kind != "linkedid" for each in _lives_of(key, kind, lives)]
        wanted_rows = _rows_naming(runner, views, ids, linkedids={key for key, kind in named if kind == "linkedid"})
        wider = window.with_others(wanted_rows or window)
        if wider == window:
            return _RowsOfCalls(copied, options)
        runner.run(f"DROP TABLE {table}")
        window = wider


@contextmanager
def _scratch_schema(runner: StatementRunner) -> Iterator[None]:
    runner.run(f"CREATE SCHEMA {_SCRATCH}")
    yield
    runner.run(f"DROP SCHEMA {_SCRATCH} CASCADE")


def _recording_facts(runner: StatementRunner, views: SessionViews, clock: ServerClock) -> str:
    """Return the statement that stands for `int_recording_facts`."""
    with _scratch_schema(runner), runner.in_schemas(_SCRATCH, "main"):
        for macro in time_macros(clock):
            runner.run(macro)
        has_requests = "EXISTS (FROM other_rows WHERE rest_by = 'app')" if "rest_by" in views.columns else "false"
        ((ended_at, *has_rows),) = runner.rows(views.written_into(_FACTS.replace("{has_requests}", has_requests)))
    at = f"TIMESTAMP {text(str(ended_at))}" if ended_at else "NULL::TIMESTAMP"
    return f"SELECT {at} AS ended_at, {has_rows[0]} AS has_dials, {has_rows[1]} AS has_requests"


def _channels_of(views: SessionViews) -> str:
    """Return SQL for the ids of the channels that rows name."""
    columns = ", ".join(_present(views, channel_columns("id"))) or "NULL"
    return f"SELECT DISTINCT id FROM ({views.scan(f'unnest([{columns}]) AS id', 'true')})"


def _rows_naming(
    runner: StatementRunner,
    views: SessionViews,
    ids: Sequence[_Named],
    *,
    names: Collection[str] = (),
    linkedids: Collection[str] = (),
) -> SeqRange | None:
    """Return the rows from the first to the last one that names an id, with those received at about the same time.

    names: names of channels, which count like ids.
    linkedids: recorded linkedids, likewise.
    """
    sql = _ROWS.replace("{namings}", " UNION ALL ".join(_namings(views, names, linkedids)))
    values = {"ids": [each.id for each in ids], "firsts": [each.first_seq for each in ids],
              "lasts": [each.last_seq for each in ids]}  # fmt: skip
    ((first, last, begin, end),) = runner.connection.execute(sql, values).fetchall()
    if first is None:
        return None
    near = views.scan("", f"received_at BETWEEN $begin - {_MARGIN} AND $end + {_MARGIN}")
    limits = {"begin": begin, "end": end, "first": first, "last": last}
    near_sql = f"SELECT least(min(seq), $first), greatest(max(seq), $last) FROM ({near})"
    return SeqRange(*runner.connection.execute(near_sql, limits).fetchall()[0])


def _namings(views: SessionViews, names: Collection[str], linkedids: Collection[str]) -> Iterator[str]:
    """Yield SQL for the ids in each row, by column: most columns are empty in most blocks."""
    for column in _present(views, (*channel_columns("id"), "bridge_id")):
        yield views.scan(f"received_at, {column} AS id", f"{column} IN (SELECT unnest($ids))")
    for column in _present(views, _TARGETS):
        target = f"substr({column}, strpos({column}, ':') + 1)"
        yield views.scan(f"received_at, {target} AS id", f"{column} IS NOT NULL")
    for condition, parts in _REQUESTS.items():
        if asked := _present(views, parts):
            words = rf"""regexp_extract_all(url_decode(concat_ws(' ', {", ".join(asked)})), {_WORD})"""
            yield views.scan(f"received_at, unnest({words}) AS id", condition)
    # These are of any life: NULL stands for no id.
    for column in _present(views, channel_columns("name")) if names else ():
        yield views.scan("received_at, NULL AS id", f"{column} IN ({_listed(names)})")
    for column in _present(views, channel_columns("channelvars")) if linkedids else ():
        is_named = " OR ".join(f"contains({column}, {text(each)})" for each in linkedids)
        yield views.scan("received_at, NULL AS id", f"({is_named}) AND linkedid_of({column}) IN ({_listed(linkedids)})")


def _listed(values: Collection[str]) -> str:
    return ", ".join(map(text, values))


def _present(views: SessionViews, columns: Collection[str]) -> list[str]:
    return [name(column) for column in columns if column in views.columns]


def _lives_of(key: str, kind: str, lives: Sequence[Life]) -> Iterator[_Named]:
    """Yield where rows name a channel: in its life. A bridge has all of its lives."""
    plain_id = key.partition(_SEPARATOR)[0]
    begins = {life.key: life.begin_seq for life in lives if life.id == plain_id and kind == "channel"}
    first = begins.get(key, 0)
    yield _Named(plain_id, first, min((seq - 1 for seq in begins.values() if seq > first), default=_ALWAYS))
