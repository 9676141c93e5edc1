"""The index of a lake: parts open as from their files, whatever happened to the files or to the index."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from arirecord.lake.compaction import compact_lake
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.lake.retention import erase, find_old_parts, remove_parts
from arirecord.redact.erasure import Erasure
from arirecord.session import part_index
from arirecord.session.part_index import write_index
from arirecord.session.parts import open_part
from arirecord.session.reader import open_session

from .lakes import BASE_NS, record, stretched

DAY_NS = 24 * 3600 * 10**9
LATER_NS = 1 << 62


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with an index: two servers and three days."""
    for server in ("a", "b"):
        for day in range(3):
            rows = stretched("ivr_dtmf/all", server=server, begin_ns=BASE_NS + day * DAY_NS)
            record(rows, tmp_path / f"{server}{day}.parquet")
    ingest(sorted(tmp_path.glob("*.parquet")), tmp_path / "lake")
    write_index(tmp_path / "lake", open_session(tmp_path / "lake").parts, LATER_NS)
    return tmp_path / "lake"


def test_parts_are_those_of_the_files(lake: Path, opened: list[Path]) -> None:
    """Header, columns and rows; no file is read."""
    parts = open_session(lake).parts

    assert opened == []
    assert parts == [open_part(part.path) for part in parts]


def replace(part: Path, other: Path) -> None:
    other.replace(part)


def touch(part: Path, other: Path) -> None:
    os.utime(part, ns=(0, part.stat().st_mtime_ns + 1))


def write_other_content(part: Path, other: Path) -> None:
    status = part.stat()
    shutil.copy(other, part)
    os.utime(part, ns=(0, status.st_mtime_ns))


def remove(part: Path, other: Path) -> None:
    part.unlink()


def copy(part: Path, other: Path) -> None:
    shutil.copy2(part, part.with_name("000000-000000-0.parquet"))


@pytest.mark.parametrize(
    ("change", "read_count"), [(replace, 1), (touch, 1), (write_other_content, 1), (copy, 1), (remove, 0)]
)
def test_a_changed_part_is_read_from_its_file(
    lake: Path, opened: list[Path], tmp_path: Path, change: Callable[[Path, Path], None], read_count: int
) -> None:
    """Others are not read."""
    part, other = list_parts(lake)[2].path, record(stretched("blind_transfer/all"), tmp_path / "other.parquet")
    change(part, other)
    parts = open_session(lake).parts

    assert len(opened) == read_count
    assert sorted(part.path for part in parts) == [part.path for part in list_parts(lake)]
    assert parts == [open_part(part.path) for part in parts]


def test_a_part_that_changes_before_the_index_is_written_is_left_out(lake: Path, opened: list[Path]) -> None:
    """Its header is not that of the file any more."""
    session = open_session(lake)
    write_index(lake, session.parts, session.parts[3].path.stat().st_ctime_ns)
    open_session(lake)

    assert session.parts[3].path in opened
    write_index(lake, session.parts, 0)
    assert open_session(lake).parts == session.parts


def test_a_damaged_index_is_not_used(lake: Path, opened: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    """Cut at any place, or with other bytes in the middle."""
    (index,) = lake.glob(".parts*")
    whole, parts = index.read_bytes(), open_session(lake).parts
    damaged = [whole[:size] for size in range(0, len(whole), len(whole) // 20)]
    for content in [*damaged, b"{}", whole[: len(whole) // 3] + b"x" * 40 + whole[len(whole) // 3 + 40 :]]:
        index.write_bytes(content)
        part_index._entries.cache_clear()
        assert open_session(lake).parts == parts

    assert f"the index of {lake} is not used: " in caplog.text


def test_it_is_gone_before_parts_are_rewritten_or_removed(lake: Path) -> None:
    """It has their headers. Compaction writes it anew."""
    last = list_parts(lake)[-1].day
    erase(lake, Erasure.of(["1001"], is_exact=True))
    assert list(lake.glob(".parts*")) == []
    compact_lake(lake, last)
    assert list(lake.glob(".parts*")) != []
    remove_parts(find_old_parts(lake, datetime.combine(last, time(), UTC)), lake)
    assert list(lake.glob(".parts*")) == []
