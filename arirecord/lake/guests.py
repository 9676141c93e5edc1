"""Guests: the rows of later windows that belong to calls at home in this one, as one small file."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.analytics.connection import Tables
from arirecord.analytics.views import SessionViews, name
from arirecord.asterisk.catalogue import channel_columns
from arirecord.session.header import Header
from arirecord.session.parts import Part

from .windows import LakeWindow

__all__ = ["read_guests"]

_LISTS = ("bridge_channels", "bridge_from_channels")
_TARGETS = ("playback_target_uri", "recording_target_uri")
_REQUEST = ("rest_uri", "rest_request_body", "rest_answer_body")


def read_guests(
    guests: Mapping[LakeWindow, Collection[str]], path: Path, started_ns: int, threads: int = 1, memory: str = "400MB"
) -> Part | None:
    """Write the rows of later windows that are about some channels, and return them as a part; None without rows.

    guests: ids of channels that belong to calls at home in an earlier window, by the later window.
    path: the file to write.
    started_ns: the start of the recording.

    These are the rows that name the channel, all rows of a bridge in which it is, and requests that name either. Their
    `seq` is that of the server's recording.
    """
    tables = [_rows_of(window, ids, threads, memory) for window, ids in guests.items()]
    rows = pa.concat_tables(tables, promote_options="default").sort_by("seq") if tables else None
    if not rows:
        return None
    pq.write_table(rows, path)
    events = rows.filter(pc.equal(rows["kind"], "event"))
    header = Header(started_ns, {}, rows=rows.num_rows, events=events.num_rows)
    header.types = Counter(event_type or "" for event_type in events["type"].to_pylist())
    return Part(path, header, rows.schema, None)


def _rows_of(window: LakeWindow, ids: Collection[str], threads: int, memory: str) -> pa.Table:
    session, server = window.open()
    tables = Tables(session)
    tables.limit(threads, memory)
    tables.models_of(server, "later")
    connection = tables.connection
    connection.register("given_ids", pa.table({"id": pa.array(sorted(ids), pa.string())}))
    connection.execute("CREATE TABLE guest_ids AS FROM given_ids")
    rows = 'later."rows"'
    present = {column for column, *_ in connection.execute(f"DESCRIBE FROM {rows}").fetchall()}
    naming = [f"{name(column)} IN (FROM guest_ids)" for column in channel_columns("id") if column in present]
    naming += [
        f"list_has_any({name(column)}, (SELECT list(id) FROM guest_ids))" for column in _LISTS if column in present
    ]
    naming += [f"{_target(column)} IN (FROM guest_ids)" for column in _TARGETS if column in present]
    about = " OR ".join(naming) or "false"
    if "bridge_id" in present:
        connection.execute(
            f"CREATE TABLE guest_bridges AS SELECT DISTINCT bridge_id AS id FROM {rows} "
            f"WHERE kind = 'event' AND bridge_id IS NOT NULL AND ({about})"
        )
        about += " OR bridge_id IN (FROM guest_bridges)"
        about += "".join(f" OR {_target(column)} IN (FROM guest_bridges)" for column in _TARGETS if column in present)
        connection.execute("INSERT INTO guest_ids FROM guest_bridges")
    asked = [column for column in _REQUEST if column in present]
    requests = (
        f"kind = 'rest' AND list_has_any({_tokens(asked)}, (SELECT list(id) FROM guest_ids))" if asked else "false"
    )
    # In two steps: each condition would hold rows of hundreds of columns in memory.
    connection.execute(
        f"CREATE TABLE guest_rows AS SELECT seq FROM {rows} WHERE (kind = 'event' AND ({about})) OR ({requests})"
    )
    # The file of guests does not say which connection received a row.
    if copies := SessionViews(session, server).copies("FROM guest_rows"):
        connection.execute(f"DELETE FROM guest_rows WHERE seq IN ({copies})")
    connection.execute("SET preserve_insertion_order = false")
    table = connection.sql(f"FROM {rows} SEMI JOIN guest_rows USING (seq)").to_arrow_reader(2048).read_all()
    connection.close()
    return table


def _target(column: str) -> str:
    return f"substr({column}, strpos({column}, ':') + 1)"


def _tokens(columns: Iterable[str]) -> str:
    words = f"url_decode(concat_ws(' ', {', '.join(columns)}))"
    return rf"""regexp_extract_all({words}, '[^\s"/?&=,{{}}\[\]\\:]+')"""
