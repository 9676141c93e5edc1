"""The recorder keeps what it took, whatever the disk does, and never makes its caller wait."""

import errno
import os
import threading
from functools import partial
from itertools import accumulate, pairwise
from multiprocessing import active_children
from pathlib import Path

import pytest

from arirecord.analytics.connection import connect
from arirecord.capture import part_writer as module
from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import Folder, Rotation, SingleFile
from arirecord.doctor import examine
from arirecord.errors import TargetExists
from arirecord.session.journal import JournalReader, journal_path
from arirecord.session.reader import open_session
from tests.waiting import HANG_S, wait_for

SAMPLES = Path(__file__).parents[2] / "sample_data"


def raws(target: Path) -> list[str]:
    return [frame.raw for frame in open_session(target).frames()]


@pytest.mark.slow
def test_what_it_takes_it_keeps(tmp_path: Path) -> None:
    """All frames in order, with monotonic times, in a sealed session; nothing else is left."""
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {"verb": "test"})
    frames = [f'{{"type":"Dial","dialstring":"{i}"}}' for i in range(20_000)]
    for frame in frames:
        recorder.frame(frame.encode())
    recorder.close()
    header, _ = recorder.seal()
    elapsed = [frame.elapsed_ns for frame in open_session(target).frames()]

    assert raws(target) == frames
    assert elapsed == sorted(elapsed)
    assert header.ended == "complete"
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]


def test_frames_that_came_together(tmp_path: Path) -> None:
    """Are rows of one moment, in order, and those that are no text are kept among them."""
    target = tmp_path / "s.parquet"
    clock = iter(range(1, 100))
    recorder = Recorder(target, {}, clocks=(lambda: 1_000_000 * next(clock), lambda: 10 * next(clock)))
    texts = [b'{"n":1}', b"\xff", b"plain", b'{"n":"\xc3\xbc"}', b"two\nlines"]
    ends = list(accumulate(map(len, texts), initial=0))
    recorder.frames(b"".join(texts), [slice(*ends) for ends in pairwise(ends)])
    recorder.frame(b'{"n":2}')
    recorder.close()
    recorder.seal()
    frames = list(open_session(target).frames(kinds=None))

    assert [(frame.kind, frame.raw) for frame in frames] == [
        ("event", '{"n":1}'),
        ("binary", "/w=="),
        ("event", "plain"),
        ("event", '{"n":"ü"}'),
        ("event", "two\nlines"),
        ("event", '{"n":2}'),
    ]
    assert len({frame.elapsed_ns for frame in frames[:5]}) == 1 < len({frame.elapsed_ns for frame in frames})
    assert recorder.stats.events == recorder.kept_rows == 6


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """As a row of kind binary, among the others."""
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {})
    for data in (b"{}", b"\xff\x00", b"{}"):
        recorder.frame(data)
    recorder.close()
    recorder.seal()

    assert [(f.kind, f.raw) for f in open_session(target).frames(kinds=None)] == [
        ("event", "{}"),
        ("binary", "/wA="),
        ("event", "{}"),
    ]


class Disk:
    """Stands in for `os.write`: full until told otherwise, and never takes more than a few bytes at once."""

    def __init__(self, is_full: bool) -> None:
        self.is_full = is_full
        self.tried = threading.Event()
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        self.tried.set()
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(fd, bytes(data[:100]))


def test_a_full_disk_loses_nothing_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames wait in memory, trouble is said, and the journal goes on exactly where it stopped."""
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    disk = Disk(is_full=False)
    monkeypatch.setattr(os, "write", disk.write)
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {})
    disk.is_full = True
    disk.tried.clear()
    recorder.frame(b'{"n":0}')
    assert disk.tried.wait(HANG_S)
    for n in range(1, 5000):
        recorder.frame(b'{"n":%d}' % n)
    disk.tried.clear()
    assert disk.tried.wait(HANG_S)
    assert recorder.stats.trouble is not None
    assert "No space left" in recorder.stats.trouble
    disk.is_full = False
    recorder.close()
    recorder.seal()

    assert raws(target) == [f'{{"n":{n}}}' for n in range(5000)]
    assert recorder.stats.lost_count == 0


def test_memory_is_bounded_and_a_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound frames are dropped, counted, and marked as a gap where they are missing."""
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    disk = Disk(is_full=False)
    monkeypatch.setattr(os, "write", disk.write)
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {}, max_pending_bytes=1000)
    disk.is_full = True
    for _ in range(500):
        recorder.frame(b'"0123456789"')
    disk.is_full = False
    while recorder._pending_bytes:
        disk.tried.clear()
        disk.tried.wait(0.1)
    recorder.frame(b'"last"')
    recorder.close()
    header, _ = recorder.seal()
    rows = list(open_session(target).frames(kinds=None))

    assert header.lost_count == recorder.stats.lost_count == 500 - header.events + 1
    assert 50 < header.lost_count < 500
    assert [row.type for row in rows if row.kind == "connection"] == ["gap"]
    assert rows[-2].type == "gap"
    assert rows[-1].raw == '"last"'


def test_a_disk_that_stays_full_fails_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing raises, and the journal holds what could be written."""
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    target = tmp_path / "s.parquet"
    recorder = Recorder(target, {})
    disk = Disk(is_full=True)
    monkeypatch.setattr(os, "write", disk.write)
    recorder.frame(b"{}")
    with pytest.raises(OSError, match="No space left"):
        recorder.close()
    monkeypatch.undo()
    assert (recorder.stats.events, recorder.stats.lost_count) == (0, 1)
    reader = JournalReader(journal_path(target))

    assert list(reader.batches(10)) == []
    assert reader.ended == "torn"


def test_targets_that_are_refused(tmp_path: Path) -> None:
    """An existing session, a folder, a folder that is not there, a journal left behind; nothing is made."""
    existing = tmp_path / "s.parquet"
    existing.write_text("precious")
    with pytest.raises(TargetExists, match="--force"):
        Recorder(existing, {})
    with pytest.raises(TargetExists, match="is a folder"):
        Recorder(SingleFile(tmp_path, force=True), {})
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Recorder(tmp_path / "nowhere" / "s.parquet", {})
    journal_path(existing).write_text("left behind")
    with pytest.raises(TargetExists, match="arirecord recover"):
        Recorder(SingleFile(existing, force=True), {})

    assert existing.read_text() == "precious"


@pytest.mark.slow
def test_parts_are_one_recording(tmp_path: Path) -> None:
    """Each part is a whole session; together they have every row once, in order, with one count and one clock."""
    folder = tmp_path / "days"
    recorder = Recorder(Folder(folder, Rotation(rows=1000)), {"verb": "test"})
    frames = [f'{{"type":"Dial","dialstring":"{i}"}}' for i in range(10_500)]
    for frame in frames:
        recorder.frame(frame.encode())
    recorder.close()
    header, problems = recorder.seal()
    session = open_session(folder)
    rows = list(session.frames())

    assert problems == []
    assert len(session.parts) > 2
    assert [row.raw for row in rows] == frames
    assert [row.seq for row in rows] == list(range(len(frames)))
    assert [row.elapsed_ns for row in rows] == sorted(row.elapsed_ns for row in rows)
    assert session.header.events == len(frames)
    assert {part.header.started_ns for part in session.parts} == {header.started_ns}
    assert not list(folder.rglob("*.journal"))


def test_a_split_on_request(tmp_path: Path) -> None:
    """Begins a new part between two rows; a split with nothing after it leaves no empty part."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    first = recorder.part
    recorder.frame(b'"before"')
    wait_for(lambda: recorder.kept_rows == 1)
    recorder.split()
    wait_for(lambda: recorder.part != first)
    recorder.frame(b'"after"')
    wait_for(lambda: recorder.kept_rows == 2)
    second = recorder.part
    recorder.split()
    wait_for(lambda: recorder.part != second)
    recorder.close()
    recorder.seal()
    session = open_session(tmp_path / "days")

    assert [[frame.raw for frame in open_session(path).frames()] for path in session.paths] == [
        ['"before"'],
        ['"after"'],
    ]


def test_a_split_keeps_its_place_among_the_rows(tmp_path: Path) -> None:
    """Nobody waits for it: what was taken before is in the old part, the rest in the new one, up to the last row."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    for n in range(4):
        recorder.frame(b'{"n":%d}' % n)
        recorder.frame(b'{"n":%d,"again":true}' % n)
        recorder.split()
    recorder.split()
    recorder.frame(b'"last"')
    recorder.close()
    recorder.seal()

    assert [raws(path) for path in open_session(tmp_path / "days").paths] == [
        *([f'{{"n":{n}}}', f'{{"n":{n},"again":true}}'] for n in range(4)),
        ['"last"'],
    ]


def test_the_process_that_seals_parts_is_killed(tmp_path: Path) -> None:
    """The recording goes on, and all parts are sealed in the end."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})
    recorder.frame(b'{"n":0}')
    recorder.split()
    wait_for(lambda: any(tmp_path.rglob("[0-9]*.parquet")) and len(list(tmp_path.rglob("*.journal"))) == 1)
    for process in active_children():
        process.kill()
    for n in range(1, 4):
        recorder.frame(b'{"n":%d}' % n)
        recorder.split()
    recorder.close()
    _, problems = recorder.seal()

    assert problems == []
    assert [raws(path) for path in open_session(tmp_path / "days").paths] == [[f'{{"n":{n}}}'] for n in range(4)]


def test_a_folder_takes_one_recording_at_a_time(tmp_path: Path) -> None:
    """A second one is refused while the first lives."""
    first = Recorder(Folder(tmp_path, Rotation()), {})
    with pytest.raises(TargetExists, match="another recording"):
        Recorder(Folder(tmp_path, Rotation()), {})
    first.close()
    first.seal()
    second = Recorder(Folder(tmp_path, Rotation()), {})
    second.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h", Rotation(seconds=3600)),
        ("256MB", Rotation(journal_bytes=256_000_000)),
        ("1000000", Rotation(rows=1_000_000)),
        ("30s", Rotation(seconds=30)),
    ],
)
def test_sizes_of_parts(text: str, expected: Rotation) -> None:
    """By time, bytes or rows."""
    assert Rotation.parse(text) == expected


@pytest.mark.parametrize("text", ["90m", "1.5h", "1h30m", "90 minutes"])
def test_a_length_of_time_is_read_as_by_every_verb(text: str) -> None:
    assert Rotation.parse(text) == Rotation(seconds=5400)


@pytest.mark.parametrize("text", ["", "0", "0h", "-1", "1.5", "h", "1x", "1.5MB"])
def test_what_is_no_size(text: str) -> None:
    """Is said, with examples."""
    with pytest.raises(ValueError, match="such as 1h, 256MB or 1000000"):
        Rotation.parse(text)


def has_kept(recorder: Recorder, rows: int) -> bool:
    return recorder.kept_rows == rows


def has_begun(recorder: Recorder, part: Path) -> bool:
    return recorder.part != part


@pytest.mark.slow
def test_the_clock_is_set_back_within_a_call(tmp_path: Path) -> None:
    """By much more than a part: rows keep their order, and tables are those of a clock that was not set."""
    frames = list(open_session(SAMPLES / "transfers.parquet").frames())
    answered = next(number for number, frame in enumerate(frames) if '"Dial"' in frame.raw and "ANSWER" in frame.raw)

    def record(folder: Path, jump_ns: int) -> Path:
        now_ns = [frames[0].t_ns, frames[0].elapsed_ns]
        recorder = Recorder(
            Folder(folder, Rotation()), {"verb": "capture"}, clocks=(lambda: now_ns[0], lambda: now_ns[1])
        )
        for number, frame in enumerate(frames):
            now_ns[:] = frame.t_ns - jump_ns * (number >= answered + 5), frame.elapsed_ns
            if number in range(answered, answered + 11, 5):
                wait_for(partial(has_kept, recorder, number))
                recorder.split()
                wait_for(partial(has_begun, recorder, part=recorder.part))
            recorder.frame(frame.raw.encode())
        recorder.close()
        assert recorder.seal()[1] == []
        return folder

    straight, jumped = record(tmp_path / "straight", 0), record(tmp_path / "jumped", 7200 * 10**9)
    one, two = connect(straight), connect(jumped)

    assert raws(jumped) == [frame.raw for frame in frames]
    assert sorted(p.path for p in open_session(jumped).parts) != [p.path for p in open_session(jumped).parts]
    for table in ("calls", "legs", "transfers", "holds", "dtmf", "variables"):
        rows = one.sql(f"SELECT * FROM {table}").fetchall()
        assert two.sql(f"SELECT * FROM {table}").fetchall() == rows
        assert rows
    assert "clock" in {finding.rule for finding in examine(jumped)}
    assert not [finding for finding in examine(jumped) if finding.severity == "error"]
