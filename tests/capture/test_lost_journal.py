"""Somebody deletes, renames or cuts the journal of a running recording: it is noticed, and what can be kept is kept."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from arirecord.capture import deleted_journal, part_writer
from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import Folder, Rotation
from arirecord.session.journal import journal_path
from arirecord.session.reader import open_session
from tests.waiting import HANG_S, wait_for


def delete(journal: Path) -> None:
    journal.unlink()


def rename(journal: Path) -> None:
    journal.rename(journal.with_name("elsewhere"))


def rename_and_take_the_name(journal: Path) -> None:
    rename(journal)
    journal.write_text("another file")


def delete_and_take_the_name(journal: Path) -> None:
    journal.unlink()
    journal.mkdir()


def delete_the_folder(journal: Path) -> None:
    shutil.rmtree(journal.parent)


def move_the_folder(journal: Path) -> None:
    journal.parent.rename(journal.parent.with_name("moved"))


def move_the_folder_and_rename(journal: Path) -> None:
    rename(journal)
    move_the_folder(journal)


FAULTS = [
    (delete, "was deleted", "here/s.parquet"),
    (rename, "was renamed to", "here/s.parquet"),
    (rename_and_take_the_name, "was renamed to", "here/s-1.parquet"),
    (delete_and_take_the_name, "was deleted", "here/s-1.parquet"),
    (delete_the_folder, "was deleted", "here/s.parquet"),
    (move_the_folder, "was moved to", "moved/s.parquet"),
    (move_the_folder_and_rename, "was deleted", "here/s.parquet"),
]


@pytest.mark.parametrize(("fault", "words", "session"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
@pytest.mark.parametrize("is_noticed_at_end", [False, True], ids=["while recording", "at the end"])
def test_the_journal_is_kept(
    tmp_path: Path, fault: Callable[[Path], None], words: str, session: str, is_noticed_at_end: bool
) -> None:
    """It is said once where the recording goes on, and no row is missing."""
    target = tmp_path / "here" / "s.parquet"
    target.parent.mkdir()
    said: list[str] = []
    recorder = Recorder(target, {}, say=said.append)
    for n in range(1000):
        recorder.frame(b'{"n":%d}' % n)
    wait_for(lambda: recorder.stats.events == 1000)
    fault(journal_path(target))
    if not is_noticed_at_end:
        wait_for(lambda: said != [])
    recorder.frame(b'{"n":1000}')
    recorder.close()
    recorder.seal()

    assert [frame.raw for frame in open_session(tmp_path / session).frames()] == [f'{{"n":{n}}}' for n in range(1001)]
    assert recorder.output == tmp_path / session
    assert len(said) == 1
    assert words in said[0]
    assert recorder.stats.lost_count == 0


@pytest.mark.slow
def test_a_part_that_was_moved_is_sealed(tmp_path: Path) -> None:
    """Where it is, as the parts after it are."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    recorder.frame(b'{"n":0}')
    wait_for(lambda: recorder.stats.events == 1)
    (tmp_path / "days").rename(tmp_path / "moved")
    wait_for(lambda: recorder.part.is_relative_to(tmp_path / "moved"))
    (tmp_path / "days").mkdir()
    recorder.split()
    recorder.frame(b'{"n":1}')
    recorder.close()

    assert recorder.seal()[1] == []
    assert [[f.raw for f in open_session(tmp_path / name).frames()] for name in ("moved", "days")] == [
        ['{"n":0}'],
        ['{"n":1}'],
    ]


@pytest.mark.slow
def test_a_journal_that_cannot_be_copied_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, tried again, and nothing is lost."""
    target = tmp_path / "s.parquet"
    said: list[str] = []
    recorder = Recorder(target, {}, say=said.append)

    def full(opened: Path, path: Path) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(deleted_journal, "_copy", full)
        journal_path(target).unlink()
        recorder.frame(b'{"n":0}')
        wait_for(lambda: said != [])
    wait_for(lambda: len(said) == 2)
    recorder.close()
    recorder.seal()

    assert "can't be kept: No space left on device" in said[0]
    assert "was deleted" in said[1]
    assert [frame.raw for frame in open_session(target).frames()] == ['{"n":0}']


@pytest.mark.slow
@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_a_journal_that_was_cut(tmp_path: Path, is_folder: bool) -> None:
    """What was in it is lost, which is said, counted, and recorded as a gap; what comes afterwards is recorded."""
    target = Folder(tmp_path, Rotation()) if is_folder else tmp_path / "s.parquet"
    said: list[str] = []
    recorder = Recorder(target, {}, say=said.append)
    for n in range(100):
        recorder.frame(b'{"n":%d}' % n)
    wait_for(lambda: recorder.stats.events == 100)
    with journal_path(recorder.part).open("r+b") as file:
        file.truncate(10)
    wait_for(lambda: said != [])
    recorder.frame(b'{"n":100}')
    recorder.close()
    recorder.seal()
    rows = list(open_session(recorder.part).frames(kinds=None))

    assert "was cut by another program: 100 events are LOST" in said[0]
    assert (recorder.stats.events, recorder.stats.lost_count, recorder.stats.gap_count) == (1, 100, 1)
    assert [row.type for row in rows] == ["gap", None]
    assert open_session(recorder.part).header.lost_count == 100
    assert [path.suffix for path in sorted(recorder.part.parent.glob("*.parquet*"))] == [".parquet", ".damaged"]


def has_kept(recorder: Recorder, rows: int) -> bool:
    return recorder.kept_rows == rows


@pytest.mark.parametrize("fault", [delete, rename], ids=["deleted", "renamed"])
def test_the_journal_is_kept_if_the_next_part_begins_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Path], None]
) -> None:
    """With parts of a second, a rotation closes the file before the recorder looks for its name."""
    monkeypatch.setattr(part_writer, "_LOOK_S", HANG_S)
    said: list[str] = []
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {}, say=said.append)
    for part in range(3):
        recorder.frame(b'{"n":%d}' % part)
        wait_for(partial(has_kept, recorder, part + 1))
        fault(journal_path(recorder.part))
        recorder.split()
    recorder.close()
    _, problems = recorder.seal()

    assert (len(said), problems) == (3, [])
    assert [frame.raw for frame in open_session(tmp_path / "days").frames()] == [f'{{"n":{n}}}' for n in range(3)]
