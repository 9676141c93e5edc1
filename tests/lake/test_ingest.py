"""Ingest: sessions in a lake have the same rows and the same tables, each once."""

import gc
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from arirecord.errors import TargetExists
from arirecord.lake.compaction import compact_lake
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.session.compact import compact
from arirecord.session.header import KEY
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text
from arirecord.transform.merge import merge_sessions
from tests.cli.conftest import Run, run
from tests.waiting import HANG_S

from .lakes import BASE_NS, Row, record, rows_of, stretched, tables

__all__ = ["run"]

A, B = "02:fc:00:00:00:01", "pbx two"
HOUR_NS = 3600 * 10**9


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        pytest.param("hold_unhold/all", 15000, marks=pytest.mark.slow),
        pytest.param("attended_transfer/all", 2000, marks=pytest.mark.slow),
        pytest.param("ivr_dtmf/all", 5000, marks=pytest.mark.slow),
    ],
)
def test_a_lake_has_the_tables_of_its_session(tmp_path: Path, name: str, factor: int) -> None:
    """Calls cross midnight once or more; each table is the same, with the numbers of rows."""
    session = record(stretched(name, factor), tmp_path / "s.parquet")
    ingest([session], tmp_path / "lake")

    assert len({part.day for part in list_parts(tmp_path / "lake")}) > 1
    assert rows_of(tmp_path / "lake") == rows_of(session)
    assert tables(tmp_path / "lake") == tables(session)


def test_no_part_holds_memory_once_it_is_written(tmp_path: Path) -> None:
    """No garbage is collected meanwhile: what a part leaves behind would stay to the end, a megabyte each."""
    session = record(stretched("hold_unhold/all", 15000), tmp_path / "s.parquet")
    compact(open_session(session), tmp_path / "compact.parquet")
    gc.collect()
    gc.disable()
    try:
        ingest([session, tmp_path / "compact.parquet"], tmp_path / "lake")
        compact_lake(tmp_path / "lake", date(2027, 1, 1))
        left = [one for one in gc.get_objects() if isinstance(one, pq.FileMetaData)]
    finally:
        gc.enable()

    assert left == []


@pytest.mark.slow
def test_servers_are_kept_apart(tmp_path: Path) -> None:
    """Two recordings of the same channel ids on two servers: each has its own folder, and the tables stay the same."""
    alone = [
        record(stretched("ivr_dtmf/all", 3000, server=A), tmp_path / "in" / "a.parquet"),
        record(stretched("attended_transfer/all", 2000, server=B), tmp_path / "in" / "b.parquet"),
    ]
    ingest(alone, tmp_path / "lake")

    assert {part.server for part in list_parts(tmp_path / "lake")} == {A, B}
    assert tables(tmp_path / "lake", keep=_is_no_position) == tables(tmp_path / "in", keep=_is_no_position)


@pytest.mark.slow
def test_a_session_of_two_servers_is_cut_by_server(tmp_path: Path) -> None:
    """A merged session has a mark, which belongs to both servers; no gap appears at midnight."""
    at_ns = BASE_NS + 14 * HOUR_NS
    mark = (at_ns, at_ns - BASE_NS, "mark", own_text("mark", "mark", text="test"))
    rows = sorted([*stretched("ivr_dtmf/all", 3000, server=A), mark])
    one = record(rows, tmp_path / "a.parquet")
    two = record(stretched("attended_transfer/all", 2000, server=B), tmp_path / "b.parquet")
    both = tmp_path / "both.parquet"
    merge_sessions([open_session(one), open_session(two)], both, keep_clocks=True)
    ingest([both], tmp_path / "lake")

    session, lake = open_session(both), open_session(tmp_path / "lake")
    assert {part.server for part in list_parts(tmp_path / "lake")} == {A, B}
    assert lake.header.events == session.header.events
    assert lake.recorded_time.spans == session.recorded_time.spans
    assert tables(lake, keep=_is_no_position) == tables(session, keep=_is_no_position)


def test_each_content_is_put_in_once(tmp_path: Path) -> None:
    """Again, in another form, under another name, and from another lake: nothing is added."""
    session = record(stretched("hold_unhold/all", 15000), tmp_path / "s.parquet")
    first = ingest([session, session], tmp_path / "lake")
    compact(open_session(session), tmp_path / "compact.parquet")
    again = ingest([session, tmp_path / "compact.parquet", tmp_path / "lake"], tmp_path / "lake")
    from_compact = ingest([tmp_path / "compact.parquet"], tmp_path / "other")
    from_lake = ingest([tmp_path / "other"], tmp_path / "lake")

    parts = len(first.added)
    assert parts > 1
    assert (first.known_count, first.rows) == (parts, open_session(session).header.rows)
    assert (again.added, again.known_count) == ([], 3 * parts)
    assert len(from_compact.added) == from_lake.known_count == parts
    assert (from_lake.added, from_lake.problems) == ([], [])
    assert rows_of(tmp_path / "lake") == rows_of(tmp_path / "other") == rows_of(session)


def test_all_parts_have_the_same_columns_for_every_engine(tmp_path: Path) -> None:
    """DuckDB, polars and pyarrow read the lake without options, with the columns of all event types."""
    names = ["hold_unhold/all", "registrations_devicestate/all"]
    sessions = [
        record(stretched(name, 1000, server=server), tmp_path / f"{number}.parquet")
        for number, (name, server) in enumerate(zip(names, (A, B), strict=True))
    ]
    ingest(sessions, tmp_path / "lake")
    events = tmp_path / "lake" / "events"
    parts = [part.path for part in list_parts(tmp_path / "lake")]
    rows = sum(open_session(session).header.rows for session in sessions)

    assert len({tuple(pq.read_schema(path).names) for path in parts}) == 1
    in_duckdb = duckdb.execute(
        f"SELECT server, count(*), count(channel_id), count(device_state_name) FROM '{events}/*/*/*.parquet' GROUP BY 1"
    ).fetchall()
    in_polars = (
        pl.scan_parquet(events, hive_partitioning=True)
        .group_by("server")
        .agg(pl.len(), pl.col("channel_id").count().alias("c"), pl.col("device_state_name").count().alias("d"))
        .collect()
        .rows()
    )
    table = ds.dataset(events, partitioning="hive").to_table(columns=["server", "channel_id", "device_state_name"])
    in_pyarrow = table.group_by("server").aggregate([("channel_id", "count"), ("device_state_name", "count")])
    assert sorted(in_duckdb) == sorted(in_polars)
    assert {row[0] for row in in_duckdb} == {A, B}
    assert sum(row[1] for row in in_duckdb) == table.num_rows == rows
    assert sorted((s, c, d) for s, _, c, d in in_duckdb) == sorted(
        tuple(row[name] for name in ("server", "channel_id_count", "device_state_name_count"))
        for row in in_pyarrow.to_pylist()
    )
    assert all(row[2] > 0 for row in in_duckdb if row[0] == A)
    assert all(row[3] > 0 for row in in_duckdb if row[0] == B)


def test_a_clock_that_is_set_back_at_midnight_does_not_cut_a_day(tmp_path: Path) -> None:
    """Rows received shortly before midnight again stay in the new day; a clock set back further begins a part."""
    midnight_ns = BASE_NS + 15 * HOUR_NS
    clock = [-60, -1, 0, 2, -2, 3, -5 * 3600, -4 * 3600, 60]
    rows: list[Row] = [
        (midnight_ns + second * 10**9, number * 10**9, "event", f'{{"type":"X","number":{number}}}')
        for number, second in enumerate(clock)
    ]
    session = record(rows, tmp_path / "s.parquet", started_ns=midnight_ns)
    ingest([session], tmp_path / "lake")

    counts = [(part.day.day, open_session(part.path).header.rows) for part in list_parts(tmp_path / "lake")]
    assert sorted(counts) == [(23, 2), (23, 2), (24, 1), (24, 4)]
    assert rows_of(tmp_path / "lake") == rows_of(session)


def test_a_damaged_session_is_named_and_left_out(tmp_path: Path) -> None:
    """The others are put in; with the file repaired, the same call puts it in, too."""
    folder = tmp_path / "in"
    whole = record(stretched("hold_unhold/all"), folder / "1.parquet")
    cut = record(stretched("ivr_dtmf/all"), folder / "2.parquet")
    flipped = record(stretched("attended_transfer/all"), folder / "3.parquet")
    (folder / "4.parquet").write_bytes(b"")
    data, other = cut.read_bytes(), bytearray(flipped.read_bytes())
    cut.write_bytes(data[: len(data) // 2])
    for at in range(len(other) // 4, len(other) // 2):
        other[at] ^= 0xFF
    flipped.write_bytes(bytes(other))
    done = ingest([folder], tmp_path / "lake")

    assert [sum(f"{number}.parquet" in each for each in done.problems) for number in (1, 2, 3, 4)] == [0, 1, 1, 1]
    assert rows_of(tmp_path / "lake") == rows_of(whole)
    cut.write_bytes(data)
    assert len(ingest([cut, whole], tmp_path / "lake").added) == 1


def test_a_damaged_part_among_others_is_named_and_left_out(tmp_path: Path, run: Run) -> None:
    """Each command reads the others, and its exit code says that something is missing; alone, it is an error."""
    hours = range(4)
    for hour in hours:
        begin_ns = BASE_NS + hour * HOUR_NS
        record(
            stretched("hold_unhold/all", begin_ns=begin_ns), tmp_path / "in" / f"{hour}.parquet", started_ns=begin_ns
        )
    ingest([tmp_path / "in"], tmp_path / "lake")
    damaged, *others = (part.path for part in list_parts(tmp_path / "lake"))
    damaged.write_bytes(damaged.read_bytes()[:-100])

    assert rows_of(tmp_path / "lake") == [row for path in others for row in rows_of(path)]
    for verb in (["info"], ["calls"], ["cat", "--since", "2026-11-23", "--until", "2026-11-24"]):
        done = run(verb[0], tmp_path / "lake", *verb[1:], code=3)
        assert done.stdout
        assert re.findall(r"(\S+) is a damaged .* left out", done.stderr.decode()) == [str(damaged)]
    for path in others:
        path.write_bytes(b"PAR1")
    run("info", tmp_path / "lake", code=1)


def test_two_servers_with_one_id_lose_no_row(tmp_path: Path) -> None:
    """Copies of one machine have one asterisk_id: their recordings of the same time are put in side by side."""
    names = ("hold_unhold/all", "ivr_dtmf/all")
    sessions = [
        record(stretched(name, server=B), tmp_path / "in" / f"{number}.parquet") for number, name in enumerate(names)
    ]
    ingest([tmp_path / "in"], tmp_path / "lake")

    assert {part.server for part in list_parts(tmp_path / "lake")} == {B}
    assert sorted(rows_of(tmp_path / "lake")) == sorted(row for session in sessions for row in rows_of(session))


def test_a_schema_that_grew(tmp_path: Path) -> None:
    """Parts of another version have fewer columns, or further ones: they are read and merged with the others."""
    rows = stretched("hold_unhold/all")
    at = len(rows) // 2
    for number, (own, first) in enumerate(((rows[:at], 0), (rows[at:], at))):
        record(own, tmp_path / "in" / f"{number}.parquet", first_seq=first)
    ingest([tmp_path / "in"], tmp_path / "lake")
    expected = tables(tmp_path / "lake")
    old, new = (part.path for part in list_parts(tmp_path / "lake"))
    header = {KEY: pq.read_metadata(old).metadata[KEY]}
    table = pq.read_table(old)
    empty = [name for name in table.column_names if name.startswith("contact_") and not table[name].drop_null()]
    assert empty
    pq.write_table(table.drop_columns(empty).replace_schema_metadata(header), old)
    header, table = {KEY: pq.read_metadata(new).metadata[KEY]}, pq.read_table(new)
    table = table.append_column("channel_new_field", pa.nulls(table.num_rows, pa.string()))
    pq.write_table(table.replace_schema_metadata(header), new)

    assert rows_of(tmp_path / "lake") == rows_of(tmp_path / "in")
    compact_lake(tmp_path / "lake", date(2027, 1, 1))
    assert tables(tmp_path / "lake") == expected


def test_a_journal_is_not_put_in(tmp_path: Path) -> None:
    """Neither of a running recording nor of one that was cut off; both are named."""
    session = record(stretched("hold_unhold/all"), tmp_path / "in" / "a.parquet")
    writer = JournalWriter(journal_path(tmp_path / "in" / "b.parquet"), BASE_NS, {})
    writer.write(stretched("ivr_dtmf/all"))
    done = ingest([tmp_path / "in"], tmp_path / "lake")
    writer.close()

    assert len(done.problems) == 1
    assert "1 journals" in done.problems[0]
    assert rows_of(tmp_path / "lake") == rows_of(session)


def test_a_folder_with_other_files_does_not_become_a_lake(tmp_path: Path) -> None:
    """Swapped arguments are refused, and nothing is written."""
    session = record(stretched("hold_unhold/all"), tmp_path / "in" / "a.parquet")
    with pytest.raises(TargetExists):
        ingest([session], tmp_path / "in")

    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.parquet"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from arirecord.lake.ingest import ingest
import arirecord.session.columnar.table
left, root = int(sys.argv[1]), sys.argv[2]

def count(event, arguments):
    global left
    if event in ("open", "os.link", "os.rename", "os.mkdir", "os.remove", "shutil.rmtree") and root in str(arguments):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
ingest([Path(sys.argv[3])], Path(root))
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed before each of its writes in turn, always into the same lake; the parts seen meanwhile are whole."""
    folder = tmp_path / "in"
    sessions = [
        record(stretched("hold_unhold/all", 15000), folder / "a.parquet"),
        record(stretched("ivr_dtmf/all", 1, server=B), folder / "b.parquet"),
    ]
    expected = sorted(row for session in sessions for row in rows_of(session))
    root = tmp_path / "lake"
    for count in range(200):
        arguments = [sys.executable, "-c", _KILLED, str(count % 60), str(root), str(folder)]
        done = subprocess.run(arguments, timeout=HANG_S, capture_output=True, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        seen = rows_of(root) if list_parts(root) else []
        assert len(seen) == len(set(seen))
        if done.returncode == 0:
            break
    assert count > 10
    assert sorted(rows_of(root)) == expected
    assert not any((root / ".staging").iterdir())


@pytest.mark.slow
def test_two_ingests_at_once_put_each_part_in_once(tmp_path: Path) -> None:
    """Both end well, and together have added each part once."""
    folder = tmp_path / "in"
    for number in range(8):
        record(stretched("hold_unhold/all", 5000, server=f"s{number % 2}", begin_ns=BASE_NS + number * HOUR_NS),
               folder / f"{number}.parquet", started_ns=BASE_NS + number * HOUR_NS)  # fmt: skip
    arguments = [sys.executable, "-m", "arirecord", "ingest", str(folder), str(tmp_path / "lake")]
    processes = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate(timeout=HANG_S)[1].decode() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert sorted(rows_of(tmp_path / "lake")) == sorted(rows_of(folder))
    assert sum(int(line.split(": ")[1].split()[0]) for line in said) == len(list_parts(tmp_path / "lake"))


def _is_no_position(column: str) -> bool:
    return "seq" not in column
