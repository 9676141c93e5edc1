"""A running recording is read up to now: its sealed parts, its journals, and nothing that is none of them."""

import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import Folder, Rotation
from arirecord.cli import cli
from arirecord.errors import NotASession
from arirecord.session import journal, reader, unsealed
from arirecord.session.compact import compact
from arirecord.session.journal import journal_path
from arirecord.session.parts import Part, open_part
from arirecord.session.reader import open_session
from tests.waiting import wait_for

EVENT = '{"type":"ChannelCreated","timestamp":"2026-01-01T00:00:%02d.000+0000","channel":{"id":"%d"}}'


def record(recorder: Recorder, numbers: range) -> None:
    """Record events, and wait until they are in the journal."""
    for n in numbers:
        recorder.frame((EVENT % (n, n)).encode())
    wait_for(lambda: recorder.stats.events == numbers.stop)


def channels(path: Path) -> list[str]:
    return [frame.raw.partition('"id":"')[2].partition('"')[0] for frame in open_session(path).frames()]


def test_parts_and_the_journal(tmp_path: Path) -> None:
    """In order, with one header; what comes later is read later; afterwards nothing has changed for the recording."""
    folder = tmp_path / "days"
    recorder = Recorder(Folder(folder, Rotation()), {"verb": "test"})
    record(recorder, range(3))
    recorder.split()
    wait_for(lambda: any(folder.rglob("[0-9]*.parquet")))
    record(recorder, range(3, 5))
    before = open_session(folder)
    record(recorder, range(5, 6))

    assert before.is_running
    assert before.header.events == 5
    assert before.header.ended == "the recording is still running"
    assert before.header.gap_count == 0
    assert before.remarks == [f"A recording to {folder} is running: it is read up to now."]
    assert channels(folder) == ["0", "1", "2", "3", "4", "5"]
    recorder.close()
    assert recorder.seal()[1] == []
    assert channels(folder) == ["0", "1", "2", "3", "4", "5"]
    assert not open_session(folder).is_running


def test_a_part_that_ends_while_the_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the list of files and the look at their locks: the recording is not taken for one that was cut off."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    record(recorder, range(3))
    first, is_locked = recorder.part, journal.is_locked

    def split_and_look(path: Path) -> bool:
        if recorder.part == first:
            recorder.split()
            wait_for(lambda: recorder.part != first and first.exists())
        return is_locked(path)

    monkeypatch.setattr(unsealed, "is_locked", split_and_look)
    session = open_session(tmp_path / "days")
    recorder.close()
    recorder.seal()

    assert session.is_running
    assert session.header.events == 3


def test_a_single_file(tmp_path: Path) -> None:
    """Is read by the name that it will have; its journal stays as it is."""
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {})
    record(recorder, range(2))
    before = journal_path(target).read_bytes()

    assert channels(target) == ["0", "1"]
    with pytest.raises(NotASession, match=r"Read .*s\.parquet, up to now"):
        open_session(journal_path(target))
    examined = CliRunner().invoke(cli, ["doctor", str(target)])
    assert examined.exit_code == 0, examined.output
    assert "Let its recorder seal it" in examined.output
    assert journal_path(target).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet.journal"]
    recorder.close()
    recorder.seal()


def test_a_file_is_sealed_while_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {})
    record(recorder, range(2))
    is_file = Path.is_file

    def seal_and_look(path: Path) -> bool:
        if path == journal_path(target) and not target.exists():
            monkeypatch.undo()
            recorder.close()
            recorder.seal()
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", seal_and_look)
    assert channels(target) == ["0", "1"]


def test_a_part_is_put_into_a_lake_while_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `capture --lake` does. What is in the folder by then is read."""
    folder = tmp_path / "days"
    recorder = Recorder(Folder(folder, Rotation()), {})
    record(recorder, range(2))
    recorder.split()
    wait_for(lambda: any(folder.rglob("[0-9]*.parquet")))
    record(recorder, range(2, 3))
    (part,) = folder.rglob("[0-9]*.parquet")

    def open_later(path: Path) -> Part:
        part.unlink(missing_ok=True)
        return open_part(path)

    monkeypatch.setattr(reader, "open_part", open_later)
    session = open_session(folder)
    recorder.close()
    recorder.seal()

    assert session.is_running
    assert session.header.events == 1


@pytest.mark.parametrize("verb", ["info", "cat", "channels", "calls", "doctor", "explain", "query"])
def test_verbs(tmp_path: Path, verb: str) -> None:
    """Each reads what is there."""
    folder = tmp_path / "days"
    recorder = Recorder(Folder(folder, Rotation()), {"verb": "test"})
    record(recorder, range(3))
    more = {"explain": ["0"], "query": ["SELECT count(*) AS n FROM events"]}.get(verb, [])
    done = CliRunner().invoke(cli, [verb, str(folder), *more])
    recorder.close()
    recorder.seal()

    assert done.exit_code in ((0, 3) if verb == "doctor" else (0,)), done.output
    assert "is running: it is read up to now" in done.stderr or verb == "doctor"


def test_a_copy_is_made_when_it_has_ended(tmp_path: Path) -> None:
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    record(recorder, range(1))
    with pytest.raises(NotASession, match="still running: compact it when it has ended"):
        compact(open_session(tmp_path / "days"), tmp_path / "compact")
    recorder.close()
    recorder.seal()


def test_what_is_not_sealed_is_reported(tmp_path: Path) -> None:
    """Journals that a killed recorder left in a folder with sessions."""
    recorder = Recorder(Folder(tmp_path, Rotation()), {})
    record(recorder, range(1))
    recorder.close()
    recorder.seal()
    left = Recorder(tmp_path / "left.parquet", {})
    record(left, range(1))
    left.close()
    session = open_session(tmp_path)

    assert session.header.events == 1
    assert session.remarks == [
        f"1 journals in {tmp_path} are not sealed and not read: run `arirecord recover {tmp_path}`."
    ]


def test_pipes_sockets_and_folders_are_passed_over(tmp_path: Path) -> None:
    """They have the names of sessions and journals; they are named, and nobody waits for them."""
    recorder = Recorder(tmp_path / "s.parquet", {})
    record(recorder, range(1))
    recorder.close()
    recorder.seal()
    os.mkfifo(tmp_path / "pipe.parquet")
    os.mkfifo(tmp_path / "pipe.parquet.journal")
    (tmp_path / "folder.parquet").mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket.parquet"))
        session = open_session(tmp_path)
        for verb in ("info", "doctor", "recover", "calls"):
            done = CliRunner().invoke(cli, [verb, str(tmp_path)])
            assert done.exit_code in ((0, 1, 3) if verb in ("recover", "doctor") else (0,)), done.output

    assert session.header.events == 1
    assert session.remarks == []
