"""Read rows of the recording by call or by number, with the text of their frames."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from arirecord.asterisk.catalogue import channel_columns
from arirecord.session.column_check import TEMPLATE
from arirecord.session.raw_templates import columns_of_templates, restore

__all__ = ["frame_texts", "rows_at", "rows_of_call", "rows_of_calls"]

_MAX_TEXT_BYTES = 1 << 29
_BRIDGE_TYPES = ("BridgeCreated", "BridgeDestroyed", "BridgeMerged", "BridgeVideoSourceChanged")

_MATCHES = """
WITH spans AS (
    SELECT unnest($calls) AS call_id, unnest($firsts) AS first_seq, unnest($lasts) AS last_seq
),

channel_ids AS (
    SELECT unnest($channels) AS id, unnest($calls_of_channels) AS call_id
),

bridge_ids AS (
    SELECT unnest($bridges) AS id, unnest($calls_of_bridges) AS call_id
),

target_ids AS (
    SELECT 'channel:' || id AS id, call_id FROM channel_ids
    UNION ALL
    SELECT 'bridge:' || id, call_id FROM bridge_ids
),

matches AS (
    {matches}
)

SELECT
    matches.call_id, rows.seq, COALESCE(rows.timestamp, rows.received_at) AS at, rows.kind, rows.type,
    rows.application, rows.raw, rows.received_at, rows.elapsed_ns
FROM (SELECT DISTINCT call_id, seq FROM matches) AS matches
JOIN rows ON rows.seq = matches.seq
UNION ALL
-- A gap between two recordings has no row.
SELECT
    spans.call_id, gaps.seq, gaps.end_at, 'connection', 'gap',
    NULL, '{"connection_reason":"no recording was running"}', gaps.end_at, NULL
FROM recording_gaps AS gaps
JOIN spans ON gaps.seq BETWEEN spans.first_seq AND spans.last_seq
WHERE gaps.is_between_parts
ORDER BY seq
"""

_IN_SPAN = "JOIN spans ON spans.call_id = ids.call_id AND rows.seq BETWEEN spans.first_seq AND spans.last_seq"

_ID = r"[^/?&=,:\"\s\[\]{}]+"
"""A word in a REST request that may be the id of a channel or bridge."""


def rows_of_call(connection: duckdb.DuckDBPyConnection, call_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the rows of one call, as `rows_of_calls`; `connection` has the models bridge_stays, calls and legs."""
    calls = connection.execute("SELECT first_seq, last_seq FROM calls WHERE call_id = ?", [call_id]).fetchall()
    legs = connection.execute("SELECT channel_id FROM legs WHERE call_id = ?", [call_id]).fetchall()
    stays = connection.execute("SELECT DISTINCT bridge_id FROM bridge_stays WHERE call_id = ?", [call_id]).fetchall()
    return rows_of_calls(
        connection,
        [{"call_id": call_id, "first_seq": first, "last_seq": last} for first, last in calls],
        {channel_id: call_id for (channel_id,) in legs},
        {call_id: [{"bridge_id": bridge_id} for (bridge_id,) in stays]},
    )


def rows_of_calls(
    connection: duckdb.DuckDBPyConnection,
    calls: Sequence[Mapping[str, Any]],
    call_of_channel: Mapping[str, str],
    stays: Mapping[str, Iterable[Mapping[str, Any]]],
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of several calls, in order, each with its `call_id`.

    These are events of a call's channels and bridges, playbacks and recordings there, an app's REST requests about
    them, and gaps and marks between the call's beginning and end.
    """
    present = {column[0] for column in connection.execute("SELECT * FROM rows LIMIT 0").description or ()}
    bridges = sorted({(stay["bridge_id"], call_id) for call_id, of_call in stays.items() for stay in of_call})
    values = {
        "calls": [call["call_id"] for call in calls],
        "firsts": [call["first_seq"] for call in calls],
        "lasts": [call["last_seq"] for call in calls],
        "channels": list(call_of_channel),
        "calls_of_channels": list(call_of_channel.values()),
        "bridges": [bridge_id for bridge_id, _ in bridges],
        "calls_of_bridges": [call_id for _, call_id in bridges],
    }
    first, last = min(values["firsts"], default=0), max(values["lasts"], default=-1)
    sql = _MATCHES.replace(
        "{matches}", "\n    UNION ALL\n    ".join(_matches(present, f"seq BETWEEN {first} AND {last}"))
    )
    return _with_texts(connection, connection.execute(sql, values))


def rows_at(connection: duckdb.DuckDBPyConnection, seqs: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Return the rows with these numbers, in order, without those that the recording does not have."""
    result = connection.execute(
        "SELECT seq, kind, type, application, raw, received_at, elapsed_ns FROM rows "
        "WHERE seq IN (SELECT unnest($seqs)) ORDER BY seq",
        {"seqs": seqs},
    )
    return _with_texts(connection, result)


def _with_texts(
    connection: duckdb.DuckDBPyConnection, result: duckdb.DuckDBPyConnection
) -> Sequence[Mapping[str, Any]]:
    names = [column[0] for column in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    texts = frame_texts(connection, sorted({row["seq"] for row in rows if row["raw"] is None}))
    return [row if row["raw"] is not None else {**row, "raw": texts[row["seq"]]} for row in rows]


def _matches(present: set[str], in_range: str) -> Iterable[str]:
    """Yield SELECTs of `call_id` and `seq`. `in_range` lets DuckDB skip rows before and after all of the calls."""
    yield f"""SELECT spans.call_id, rows.seq
    FROM (FROM rows WHERE {in_range} AND (kind = 'mark' OR kind = 'connection' AND type = 'gap')) AS rows
    JOIN spans ON rows.seq BETWEEN spans.first_seq AND spans.last_seq"""
    channels = [column for column in channel_columns("id") if column in present]
    if channels:
        yield f"""SELECT ids.call_id, rows.seq
    FROM (SELECT seq, unnest([{", ".join(channels)}]) AS id FROM rows WHERE {in_range}) AS rows
    JOIN channel_ids AS ids USING (id)
    {_IN_SPAN}"""
    for column in ("playback_target_uri", "recording_target_uri"):
        if column in present:
            yield f"""SELECT ids.call_id, rows.seq
    FROM (SELECT seq, {column} AS id FROM rows WHERE {in_range}) AS rows
    JOIN target_ids AS ids USING (id)
    {_IN_SPAN}"""
    if "bridge_id" in present:
        yield f"""SELECT ids.call_id, rows.seq
    FROM (SELECT seq, bridge_id AS id FROM rows WHERE type IN {_BRIDGE_TYPES}) AS rows
    JOIN bridge_ids AS ids USING (id)"""
    if "rest_uri" in present:
        body = "rest_request_body" if "rest_request_body" in present else "NULL"
        yield f"""SELECT ids.call_id, rows.seq
    FROM (
        SELECT seq, unnest(regexp_extract_all(concat_ws(' ', url_decode(rest_uri), {body}), '{_ID}')) AS id
        FROM rows WHERE kind = 'rest' AND rest_by = 'app'
    ) AS rows
    JOIN (FROM channel_ids UNION ALL FROM bridge_ids) AS ids USING (id)"""


def frame_texts(connection: duckdb.DuckDBPyConnection, seqs: Sequence[int]) -> Mapping[int, str]:
    """Return the text of rows whose `raw` is null because the session is compact. Empty for other sessions."""
    present = {column[0] for column in connection.execute("SELECT * FROM rows LIMIT 0").description or ()}
    if TEMPLATE not in present:
        return {}
    where = f"FROM rows WHERE seq IN (SELECT unnest($seqs)) AND {TEMPLATE} IS NOT NULL"
    templates = connection.execute(f"SELECT DISTINCT {TEMPLATE} {where}", {"seqs": seqs}).fetchall()
    columns = sorted(columns_of_templates(template for (template,) in templates) & present)
    selected = ", ".join(f'"{column}"' for column in ("seq", "raw", TEMPLATE, *columns))
    table: pa.Table = connection.sql(f"SELECT {selected} {where}", params={"seqs": seqs}).to_arrow_table()
    schema = pa.schema(
        field.with_type(pa.timestamp("ms")) if pa.types.is_timestamp(field.type) else field for field in table.schema
    )
    table = table.cast(schema)  # Asterisk writes times in milliseconds
    table = table.set_column(
        table.column_names.index(TEMPLATE), TEMPLATE, table[TEMPLATE].combine_chunks().dictionary_encode()
    )
    return dict(zip(table["seq"].to_pylist(), restore(table, _MAX_TEXT_BYTES).to_pylist(), strict=True))
