"""`cat --follow`: the rows of a running recording so far, then each that comes, once and in order."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import Folder, Rotation
from arirecord.errors import JournalError, NotASession
from arirecord.session.follow import follow
from arirecord.session.journal import JournalWriter, journal_path
from tests.waiting import wait_for

from .test_running import EVENT, record

Steps = list[Callable[[], object]]


def followed(path: Path, steps: Steps) -> list[list[str]]:
    """The ids that were given before each step, and after the last one."""
    waiting = iter(steps)
    given: list[list[str]] = [[]]
    for frame in follow(path, lambda: next(waiting)()):
        if frame is None:
            given.append([])
        elif frame.kind == "event":
            given[-1].append(frame.raw.partition('"id":"')[2].partition('"')[0])
    assert next(waiting, None) is None, "it ended early"
    return given


def end(recorder: Recorder) -> None:
    recorder.close()
    recorder.seal()


def test_a_single_file(tmp_path: Path) -> None:
    """What is there comes at once; its end ends it."""
    recorder = Recorder(tmp_path / "s.parquet", {})
    record(recorder, range(2))
    steps: Steps = [
        lambda: record(recorder, range(2, 3)), lambda: None, lambda: record(recorder, range(3, 5)), recorder.close
    ]  # fmt: skip

    assert followed(tmp_path / "s.parquet", steps) == [["0", "1"], ["2"], [], ["3", "4"], []]
    recorder.seal()
    assert followed(tmp_path / "s.parquet", []) == [["0", "1", "2", "3", "4"]]


def test_blocks_of_a_journal(tmp_path: Path) -> None:
    """Rows that lie in many blocks of a journal, looked at within blocks and at their ends."""
    writer = JournalWriter(journal_path(tmp_path / "s.parquet"), 10**18, {})

    def write(numbers: range) -> None:
        for n in numbers:
            writer.write([(10**18 + n, n, "event", EVENT % (n % 60, n) + " " * 3000)])

    steps: Steps = [lambda n=n: write(range(n, n + 37)) for n in range(0, 740, 37)]  # type: ignore[misc]  # mypy#12557
    given = followed(tmp_path / "s.parquet", [*steps, writer.close])

    assert given == [[], *([str(n) for n in range(first, first + 37)] for first in range(0, 740, 37)), []]


def test_parts_of_a_folder(tmp_path: Path) -> None:
    """Sealed parts, the journal, and parts that begin, end and are sealed between two looks."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {})

    def split(numbers: range) -> None:
        parts = len(list(tmp_path.rglob("[0-9]*.parquet")))
        recorder.split()
        wait_for(lambda: len(list(tmp_path.rglob("[0-9]*.parquet"))) > parts)
        record(recorder, numbers)

    def split_twice() -> None:
        split(range(4, 5))
        split(range(5, 6))

    record(recorder, range(2))
    split(range(2, 3))
    steps: Steps = [
        lambda: split(range(3, 4)), split_twice,
        lambda: end(recorder),
    ]  # fmt: skip

    assert followed(tmp_path / "days", steps) == [["0", "1", "2"], ["3"], ["4", "5"], []]


def test_a_recording_that_was_cut_off_and_one_after_it(tmp_path: Path) -> None:
    """The rows of a journal without an end are given; then the recorder that was started again."""
    writer = JournalWriter(tmp_path / "a.parquet.journal", 10**18, {})
    writer.write([(10**18, 0, "event", EVENT % (0, 7))])
    again: list[JournalWriter] = []

    def kill_and_restart() -> None:
        os.close(writer.fileno())
        again.append(JournalWriter(tmp_path / "b.parquet.journal", 10**18 + 5, {}))
        again[0].write([(10**18 + 5, 0, "event", EVENT % (0, 8))])

    assert followed(tmp_path, [kill_and_restart, lambda: again[0].close()]) == [["7"], ["8"], []]


def test_a_part_that_takes_the_inode_of_an_earlier_one(tmp_path: Path) -> None:
    """ext4 gives the inode of a deleted journal to the next one."""
    journals = [tmp_path / f"{name}.parquet.journal" for name in "abc"]

    def begin(path: Path, n: int) -> JournalWriter:
        writer = JournalWriter(path, 10**18, {}, first_seq=n)
        writer.write([(10**18, 0, "event", EVENT % (0, n))])
        return writer

    def begin_a_third_and_end_the_second() -> None:
        begin(tmp_path / "third", 2).close()
        journals[0].write_bytes((tmp_path / "third").read_bytes())
        journals[0].rename(journals[2])
        second.close()

    begin(journals[0], 0).close()
    second = begin(journals[1], 1)

    assert followed(tmp_path, [begin_a_third_and_end_the_second]) == [["0", "1"], ["2"]]


def test_what_cannot_be_followed(tmp_path: Path) -> None:
    """Nothing there, and a journal of another version."""
    with pytest.raises(FileNotFoundError):
        next(follow(tmp_path / "s.parquet", lambda: None))
    with pytest.raises(NotASession):
        next(follow(tmp_path, lambda: None))
    old = Path(__file__).with_name("journal_of_format_1.bin").read_bytes()
    journal_path(tmp_path / "s.parquet").write_bytes(old)
    with pytest.raises(JournalError, match="of another version"):
        next(follow(tmp_path / "s.parquet", lambda: None))


@pytest.mark.slow
def test_the_recorder_is_not_disturbed(tmp_path: Path) -> None:
    """Followed while it is written at full speed: every row, and the file that it would have been."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation(rows=500)), {})
    record(recorder, range(1))

    def write() -> None:
        for n in range(1, 5000):
            recorder.frame((EVENT % (n % 60, n)).encode())
        end(recorder)

    thread = threading.Thread(target=write)
    thread.start()
    frames = list(follow(tmp_path / "days", lambda: None))
    thread.join()

    raws = [frame.raw for frame in frames if frame is not None and frame.kind == "event"]
    assert raws == [EVENT % (n % 60, n) for n in range(5000)]


def test_a_part_that_begins(tmp_path: Path) -> None:
    """Its journal is written and has no head yet: the recording goes on."""
    recorder = Recorder(Folder(tmp_path / "days", Rotation(rows=500)), {})
    record(recorder, range(1))
    end(recorder)
    journal = tmp_path / "days" / "later.parquet.journal"
    with journal.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        looks = follow(tmp_path / "days", lambda: None)
        assert [*islice(looks, 6)][-2:] == [None, None]
    assert list(looks) == []


@pytest.mark.parametrize("is_stopped", [False, True], ids=["ended", "Ctrl-C"])
def test_the_command(tmp_path: Path, is_stopped: bool) -> None:
    """Prints each frame when it comes; exit code 0 at the end of the recording and after Ctrl-C."""
    recorder = Recorder(tmp_path / "s.parquet", {})
    record(recorder, range(1))
    command = [sys.executable, "-m", "arirecord", "cat", "-f", str(tmp_path / "s.parquet"), "--type", "ChannelCreated"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == EVENT % (0, 0) + "\n"
        recorder.frame(b'{"type":"Other"}')
        recorder.frame((EVENT % (1, 1)).encode())
        assert process.stdout.readline() == EVENT % (1, 1) + "\n"
        if is_stopped:
            process.send_signal(signal.SIGINT)
        else:
            recorder.close()
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""
    assert process.returncode == 0
    if is_stopped:
        recorder.close()
    recorder.seal()
