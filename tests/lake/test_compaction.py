"""Compaction of a lake: fewer files, the same rows and tables, at any moment."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arirecord.errors import NotASession
from arirecord.lake.compaction import compact_lake
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.lake.pruning import open_pruned
from arirecord.select.times import Position, Window
from arirecord.session import parts
from arirecord.session.parquet import parquet_file
from arirecord.session.reader import SessionFile, open_session
from tests.waiting import HANG_S

from .lakes import BASE_NS, Row, record, rows_of, stretched, tables

pytestmark = pytest.mark.slow

AFTER = date(2027, 1, 1)


def _in_parts(rows: Sequence[Row], count: int, folder: Path, started_ns: int = BASE_NS) -> Path:
    """Seal rows as parts of one recording."""
    size = -(-len(rows) // count)
    for first in range(0, len(rows), size):
        record(rows[first : first + size], folder / f"{first:06d}.parquet", started_ns=started_ns, first_seq=first)
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of two servers with many parts a day, made of the folder `in`."""
    _in_parts(stretched("attended_transfer/all", 1500), 9, tmp_path / "in" / "a")
    _in_parts(stretched("hold_unhold/all", 20000, server="b"), 6, tmp_path / "in" / "b")
    ingest([tmp_path / "in"], tmp_path / "lake")
    return tmp_path / "lake"


def test_rows_and_tables_stay_the_same(tmp_path: Path, lake: Path) -> None:
    """Each day has at most three files; what was put in is known, and what comes late is put in and merged."""
    before, files = sorted(rows_of(lake)), len(list_parts(lake))
    shown = tables(lake, keep=lambda column: "seq" not in column)
    late = list_parts(lake)[3]
    os.link(late.path, tmp_path / "late.parquet")
    late.path.unlink()
    compact_lake(lake, AFTER)
    ingest([tmp_path / "late.parquet"], lake)
    done = compact_lake(lake, AFTER)
    parts = list_parts(lake)

    assert done.problems == []
    assert len(parts) < files
    assert max(sum(part[1:] == other[1:] for other in parts) for part in parts) <= 3
    assert sorted(rows_of(lake)) == before
    assert tables(lake, keep=lambda column: "seq" not in column) == shown
    again = ingest([tmp_path / "in"], lake)
    assert (again.added, again.known_count) == ([], files)
    assert compact_lake(lake, AFTER).day_count == 0
    assert not any((lake / ".staging").iterdir())


def test_only_old_days_are_compacted(lake: Path) -> None:
    """Days from the given one on stay as they are."""
    days = sorted({part.day for part in list_parts(lake)})
    later = [part for part in list_parts(lake) if part.day >= days[1]]
    done = compact_lake(lake, days[1])

    assert done.day_count > 0
    assert [part for part in list_parts(lake) if part.day >= days[1]] == later


def test_recordings_and_gaps_stay_apart(tmp_path: Path) -> None:
    """Parts without a part between them, and another recording of that day, are not merged into one."""
    rows = stretched("ivr_dtmf/all", 100)
    folder = _in_parts(rows, 6, tmp_path / "in")
    sorted(folder.iterdir())[3].unlink()
    hour_ns = 3600 * 10**9
    other = stretched("hold_unhold/all", 100, begin_ns=BASE_NS + 5 * hour_ns)
    _in_parts(other, 2, tmp_path / "in" / "other", BASE_NS + 5 * hour_ns)
    ingest([folder], tmp_path / "lake")
    before = open_session(tmp_path / "lake").recorded_time
    compact_lake(tmp_path / "lake", AFTER)

    assert len(list_parts(tmp_path / "lake")) == 3
    assert open_session(tmp_path / "lake").recorded_time.spans == before.spans
    assert len(open_session(tmp_path / "lake").recorded_time.gaps) == len(before.gaps) == 2


def test_a_damaged_part_is_kept(lake: Path) -> None:
    """It is named; the parts around it are merged."""
    damaged = list_parts(lake)[2].path
    damaged.write_bytes(damaged.read_bytes()[:-100])
    done = compact_lake(lake, AFTER)

    assert [str(damaged) in each for each in done.problems] == [True]
    assert damaged.exists()


def test_a_folder_that_is_not_a_lake_is_refused(tmp_path: Path) -> None:
    """A folder of recordings stays as it is."""
    _in_parts(stretched("hold_unhold/all"), 2, tmp_path / "in")
    with pytest.raises(NotASession, match="is not a lake"):
        compact_lake(tmp_path / "in", AFTER)

    assert len(list((tmp_path / "in").iterdir())) == 2


_KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
import arirecord.session.columnar.table
from arirecord.lake import compaction
left, root = int(sys.argv[1]), sys.argv[2]

def count(event, arguments):
    global left
    if event in ("open", "os.link", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "exchange"):
        if root in str(arguments):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

exchange = compaction._exchange
def counted(one, other):
    sys.audit("exchange", str(one))
    exchange(one, other)
    sys.audit("exchange", str(one))
compaction._exchange = counted
sys.addaudithook(count)
compaction.compact_lake(Path(root), date(2027, 1, 1))
"""


def test_a_kill_at_any_moment_loses_and_doubles_nothing(lake: Path) -> None:
    """Killed before each of its file operations in turn; the lake has the same rows each time."""
    before = sorted(rows_of(lake))
    count = kills = 0
    while True:
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(count), str(lake)], timeout=HANG_S, capture_output=True, check=False
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        assert sorted(rows_of(lake)) == before
        if done.returncode == 0:
            break
        kills += 1
        count += 3
    assert kills >= 8
    assert len(list_parts(lake)) < 9
    assert not any((lake / ".staging").iterdir())


def test_readers_and_ingests_meanwhile_see_all_rows(tmp_path: Path, lake: Path) -> None:
    """A thread reads the lake again and again while days are replaced, and another puts parts in."""
    before = set(rows_of(lake))
    more = record(stretched("ivr_dtmf/all", 10, server="c"), tmp_path / "c.parquet")
    is_over, seen = threading.Event(), []

    def read() -> None:
        while not is_over.is_set():
            seen.append(sum(part.header.rows for part in open_session(lake).parts))

    reader = threading.Thread(target=read)
    writer = threading.Thread(target=ingest, args=([more], lake))
    reader.start()
    writer.start()
    compact_lake(lake, AFTER)
    writer.join()
    is_over.set()
    reader.join()

    assert set(seen) <= {len(before), len(before) + open_session(more).header.rows}
    assert set(rows_of(lake)) == before | set(rows_of(more))


@pytest.mark.parametrize(
    "opening",
    [open_session, lambda lake: open_pruned(lake, lambda span: [Window(Position(1))])],
    ids=["whole", "since a time"],
)
def test_a_part_that_goes_while_it_is_opened_is_not_a_damaged_one(
    monkeypatch: pytest.MonkeyPatch, lake: Path, opening: Callable[[Path], SessionFile]
) -> None:
    """Days are replaced between a look at a file and its opening: the reader takes the new files."""
    row_count = len(rows_of(lake))

    def opened_late(path: Path) -> pq.ParquetFile:
        monkeypatch.undo()
        compact_lake(lake, AFTER)
        return parquet_file(path)

    monkeypatch.setattr(parts, "parquet_file", opened_late)
    session = opening(lake)

    assert session.lost == []
    assert sum(part.header.rows for part in session.parts) == row_count


def test_merged_parts_have_all_columns(lake: Path) -> None:
    """Other engines read old and new parts alike."""
    names = {tuple(pq.read_schema(part.path).names) for part in list_parts(lake)}
    compact_lake(lake, AFTER)

    assert {tuple(pq.read_schema(part.path).names) for part in list_parts(lake)} == names
