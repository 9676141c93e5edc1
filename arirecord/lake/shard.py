"""The task of one shard: a window's files, the guests, and what else its calls need, to tables."""

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from arirecord.analytics.connection import Tables
from arirecord.analytics.kept_tables import KEPT_MODELS
from arirecord.analytics.restarts import Restart
from arirecord.analytics.reused_ids import Life, plain_columns
from arirecord.analytics.server_models import ModelOptions
from arirecord.analytics.views import SessionViews, name, text
from arirecord.errors import ShardError
from arirecord.session.recorded_time import RecordedTime

from .guests import read_guests
from .windows import LakeWindow

__all__ = ["Shard", "compute_shard"]

_MODELS = ("int_call_channels", "int_channel_facts", "int_links")
_SIZES = "stg_event_sizes"
_OF_CALLS = [model for model in KEPT_MODELS if model != _SIZES]
_STRANGERS = """
CREATE TABLE strangers AS
SELECT id FROM given_strangers
UNION
SELECT channel_id FROM models.int_channel_facts
WHERE first_seq > {last_seq} AND channel_id NOT IN (SELECT id FROM given_guests)
"""
# A link of the window's own rows joins channels at home; a link of later rows joins guests.
_PROOF = """
WITH ids AS (
    SELECT channel_id AS id, first_seq FROM models.int_channel_facts
    UNION ALL
    SELECT unnest([channel_id, other_id]), first_seq FROM models.int_links
),

homes AS (
    SELECT
        id,
        bool_or(id IN (FROM given_guests)) OR (min(first_seq) <= {last_seq} AND id NOT IN (FROM strangers)) AS is_home
    FROM ids
    GROUP BY id
)

SELECT plain_id(links.channel_id), plain_id(links.other_id), links.reason
FROM models.int_links AS links
JOIN homes AS one ON one.id = links.channel_id
JOIN homes AS two ON two.id = links.other_id
WHERE one.is_home <> two.is_home
ORDER BY ALL
LIMIT 5
"""


@dataclass(frozen=True)
class Shard:
    """Input of one window: the tables are computed from it.

    window: its own files.
    guests: keys of channels at home here that later windows name, by window.
    strangers: keys of channels that the window names, whose calls are at home elsewhere.
    lives: the lives of channels whose ids live more than once.
    recorded: the recorded time of the server; `seq` of gaps as in the whole recording.
    restarts: the restarts of the server among these rows.
    facts: the row of `int_recording_facts` of the server.
    """

    window: LakeWindow
    guests: Mapping[LakeWindow, Collection[str]] = field(default_factory=dict)
    strangers: Collection[str] = ()
    lives: Sequence[Life] = ()
    recorded: RecordedTime | None = None
    restarts: Sequence[Restart] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


def compute_shard(shard: Shard, *, threads: int = 1, memory: str = "400MB") -> Mapping[str, pa.Table]:
    """Compute the kept tables of one window: the rows of calls at home in it, with plain ids.

    Raises `ShardError` if a link leads out of the shard: its calls would be cut.
    """
    with tempfile.TemporaryDirectory(prefix="arirecord-shard-") as folder:
        session, server = shard.window.open(shard.recorded)
        ids = {window: {key.partition("\x1f")[0] for key in keys} for window, keys in shard.guests.items()}
        own_views = SessionViews(session, server if any(part.is_shared for part in shard.window.parts) else None)
        guests = read_guests(ids, Path(folder, "guests.parquet"), session.parts[0].header.started_ns, threads, memory)
        if guests:
            session, server = shard.window.open(shard.recorded, guests)
        tables = Tables(session)
        tables.limit(threads, memory)
        options = ModelOptions(
            given={"int_recording_facts": _facts(shard.facts)} if shard.facts else {},
            channel_lives=shard.lives,
            restarts=shard.restarts,
            schema="models",
        )
        models = tables.models_of(server, "shard", options)
        models.need((*_OF_CALLS, *_MODELS), lambda model: None)
        connection = tables.connection
        connection.execute("SET search_path = 'models,shard,main'")
        last_seq = shard.window.last_seq
        _register(connection, "given_strangers", shard.strangers)
        _register(connection, "given_guests", (key for keys in shard.guests.values() for key in keys))
        connection.execute(_STRANGERS.format(last_seq=last_seq))
        connection.execute(
            "CREATE TABLE calls_elsewhere AS "
            "SELECT DISTINCT call_id FROM models.int_call_channels WHERE channel_id IN (FROM strangers)"
        )
        _prove(connection, shard)
        rows = {model: connection.sql(_home_rows(connection, model, last_seq)).to_arrow_table() for model in _OF_CALLS}
        connection.execute("CREATE SCHEMA own; SET search_path = 'own'")
        connection.execute(own_views.create("event_sizes"))  # not those of guests
        rows[_SIZES] = connection.sql("FROM own.event_sizes").to_arrow_table()
        connection.close()
    return rows


def _facts(facts: Mapping[str, object]) -> str:
    ended_at = facts["ended_at"]
    at = f"TIMESTAMP {text(str(ended_at))}" if ended_at else "NULL::TIMESTAMP"
    return f"SELECT {at} AS ended_at, {facts['has_dials']} AS has_dials, {facts['has_requests']} AS has_requests"


def _register(connection: duckdb.DuckDBPyConnection, table: str, ids: Iterable[str]) -> None:
    connection.register(f"{table}_arrow", pa.table({"id": pa.array(sorted(ids), pa.string())}))
    connection.execute(f"CREATE TABLE {table} AS FROM {table}_arrow")


def _prove(connection: duckdb.DuckDBPyConnection, shard: Shard) -> None:
    """Raise `ShardError` if a link joins a channel at home here with one at home elsewhere."""
    if links := connection.execute(_PROOF.format(last_seq=shard.window.last_seq)).fetchall():
        pairs = ", ".join(f"{one} and {two} ({reason})" for one, two, reason in links)
        raise ShardError(
            f"tables of server {shard.window.server or 'without a name'} on {shard.window.day}: links lead out of the "
            f"window: {pairs}. The kept tables stay as they are; please report this with the recording"
        )


def _home_rows(connection: duckdb.DuckDBPyConnection, model: str, last_seq: int) -> str:
    """Return SQL for a model's rows of calls at home here, with plain ids.

    A row that names neither a call nor a channel belongs to the window in which its first event lies.
    """
    table = f"models.{name(model)}"
    columns = [column for column, *_ in connection.execute(f"DESCRIBE FROM {table}").fetchall()]
    conditions = ["(call_id IN (FROM calls_elsewhere)) IS NOT true"] if "call_id" in columns else []
    conditions += [
        f"({column} IN (FROM strangers)) IS NOT true"
        for column in ("channel_id", "other_channel_id")
        if column in columns
    ]
    seq = next((column for column in ("first_seq", "seq", "entered_seq", "last_seq") if column in columns), None)
    if seq:
        owners = [column for column in ("call_id", "channel_id") if column in columns]
        named = f"COALESCE({', '.join(owners)}) IS NOT NULL OR " if owners else ""
        conditions.append(f"({named}COALESCE({seq} <= {last_seq}, true))")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {plain_columns(columns)} FROM {table}{where}"
