"""Sealing a part may fail in any way: the recording goes on, counts what is in journals, and seals later."""

import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.server import ServerConnection

from arirecord.capture import sealer
from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import Folder, Rotation
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from tests.cli.conftest import COMMAND
from tests.waiting import HANG_S, wait_for

from .test_capture import capture, finish, server


def raws(folder: Path) -> list[str]:
    """All rows of the folder, after its journals were sealed."""
    for journal in folder.rglob("*.journal"):
        recover(journal)
    return [frame.raw for frame in open_session(folder).frames()]


def program(tmp_path: Path, text: str) -> str:
    """An executable that stands in for Python."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


KILLED = "kill -9 $$"
REFUSES = "echo some words >&2; echo 'no room' >&2; exit 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [(KILLED, r"was killed \(SIGKILL\)"), (REFUSES, "no room"), ("exit 7", "with code 7"), (None, "can't be started")],
    ids=["killed", "refuses", "ends", "missing"],
)
def test_a_process_that_never_seals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, words: str
) -> None:
    """Said once, with the reason; each part is tried again at the end, and is a journal then."""
    python = str(tmp_path / "nowhere") if text is None else program(tmp_path, text)
    monkeypatch.setattr(sys, "executable", python)
    said: list[str] = []
    recorder = Recorder(Folder(tmp_path / "days", Rotation(rows=1)), {}, say=said.append)
    for n in range(5):
        recorder.frame(b'{"n":%d}' % n)
        wait_for(lambda: not recorder._pending_bytes)
    recorder.close()
    _, problems = recorder.seal()

    assert len(said) <= 1
    assert len(problems) == 1
    others = recorder.stats.parts - (recorder.stats.parts == 6) - 1
    assert problems[0].endswith(f".journal. The same holds for {others} other parts.")
    assert all(word in text for text in (*said, *problems) for word in [words.replace("\\", "")])
    monkeypatch.undo()
    assert raws(tmp_path / "days") == [f'{{"n":{n}}}' for n in range(5)]


def test_a_seal_is_tried_again_while_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and it is said when all parts are sealed."""
    monkeypatch.setattr(sealer, "_FIRST_DELAY_S", 0.01)
    once = tmp_path / "once"
    python = program(tmp_path, f'[ -e "{once}" ] || {{ touch "{once}"; kill -9 $$; }}; exec {sys.executable} "$@"')
    monkeypatch.setattr(sys, "executable", python)
    said: list[str] = []
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {}, say=said.append)
    recorder.frame(b'{"n":0}')
    recorder.split()
    wait_for(lambda: len(said) == 2)

    assert "SIGKILL" in said[0]
    assert said[1] == "All full parts are sealed again."
    assert len(list(tmp_path.rglob("[0-9]*.parquet"))) == 1
    recorder.close()
    assert recorder.seal()[1] == []


def test_the_next_recording_seals_what_the_last_one_left(tmp_path: Path) -> None:
    """A killed recorder leaves journals: the next one to the folder seals them, and says so."""
    folder = tmp_path / "days"
    left = folder / "date=2026-01-01" / "000000-000000.parquet"
    left.parent.mkdir(parents=True)
    writer = JournalWriter(journal_path(left), 10**18, {})
    writer.write([(10**18, 0, "event", '{"n":1}')])
    writer.close()
    said: list[str] = []
    recorder = Recorder(Folder(folder, Rotation()), {}, say=said.append)
    wait_for(lambda: said != [])
    recorder.close()

    assert said == [f"{left} was sealed; an earlier recording had left its journal."]
    assert recorder.seal()[1] == []
    assert [frame.raw for frame in open_session(left).frames()] == ['{"n":1}']


def test_names_that_are_taken(tmp_path: Path) -> None:
    """The clock stands still, and a journal, a session and a link have the names of the coming parts."""
    clock = 1_700_000_000_000_000_000
    day = tmp_path / "days" / "date=2023-11-14"
    day.mkdir(parents=True)
    for taken in ("221320-000001.parquet.journal", "221320-000002.parquet"):
        (day / taken).write_text("taken")
    (day / "221320-000003.parquet").symlink_to("nowhere")
    recorder = Recorder(Folder(tmp_path / "days", Rotation()), {}, clocks=(lambda: clock, lambda: 0))
    for n in range(3):
        recorder.frame(b'{"n":%d}' % n)
        recorder.split()
    wait_for(lambda: recorder.stats.parts == 4)
    recorder.close()

    assert recorder.seal()[1] == []
    assert (day / "221320-000001.parquet.journal").read_text() == "taken"
    assert [raw for path in sorted(day.glob("*-00000[045].parquet")) for raw in raws_of(path)] == [
        f'{{"n":{n}}}' for n in range(3)
    ]


def raws_of(path: Path) -> list[str]:
    return [frame.raw for frame in open_session(path).frames()]


@pytest.mark.slow
def test_too_few_file_descriptors(tmp_path: Path) -> None:
    """No new part can be begun and none be sealed: the open part takes all, which is said once; later all is well."""
    said: list[str] = []
    recorder = Recorder(Folder(tmp_path / "days", Rotation(rows=10)), {}, say=said.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        for n in range(100):
            recorder.frame(b'{"n":%d}' % n)
        wait_for(lambda: recorder.stats.events == 100 and len(said) > 0)
        recorder.frame(b'{"n":100}')
        wait_for(lambda: recorder.stats.events == 101)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [text[:24] for text in said if "searched" not in text] == ["NO NEW PART can be begun"]
    assert "Too many open files. The recording goes on in" in said[-1]
    recorder.frame(b'{"n":101}')
    wait_for(lambda: said[-1] == "New parts can be begun again.")
    recorder.close()

    assert recorder.seal()[1] == []
    assert raws(tmp_path / "days") == [f'{{"n":{n}}}' for n in range(102)]


@pytest.mark.parametrize("error", [MemoryError(), ValueError("a fault"), SystemExit()], ids=repr)
def test_a_dead_writer_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """At once; from then on every event counts as lost, and none as recorded."""
    said: list[str] = []
    ended: list[bool] = []
    recorder = Recorder(tmp_path / "s.parquet", {}, say=said.append, on_failure=lambda: ended.append(True))
    recorder.frame(b'{"n":0}')
    wait_for(lambda: recorder.stats.events == 1)

    def fail(self: JournalWriter, rows: object) -> None:
        raise error

    monkeypatch.setattr(JournalWriter, "write_together", fail)
    recorder.frame(b'{"n":1}')
    wait_for(lambda: ended == [True])
    for n in range(2, 10):
        recorder.frame(b'{"n":%d}' % n)
    recorder.close()

    assert said == [f"THE RECORDER FAILED and records no more: {error!r}. Please report this."]
    assert (recorder.stats.events, recorder.stats.lost_count) == (1, 9)
    assert recorder.seal()[0].ended == f"the recorder failed ({error!r})"


async def send_without_end(connection: ServerConnection) -> None:
    n = 0
    while True:
        await connection.send(f'{{"n":{n}}}')
        n += 1


FAILS_SOON = """
import sys
from arirecord.session.journal import JournalWriter
write, calls = JournalWriter.write_together, []
def fail(self, rows):
    calls.append(1)
    if len(calls) > 20:
        raise RuntimeError("a fault")
    write(self, rows)
JournalWriter.write_together = fail
from arirecord.cli import main
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_capture_whose_writer_is_dead_ends(tmp_path: Path) -> None:
    """By itself, with exit code 1, the number of lost events, and a session of the others."""
    target = tmp_path / "s.parquet"
    with server(send_without_end) as url:
        command = [sys.executable, "-c", FAILS_SOON, "capture", "--url", url, "-o", str(target)]
        words = finish(subprocess.Popen(command, stderr=subprocess.PIPE, text=True), code=1)
    count = open_session(target).header.events

    assert "RuntimeError('a fault')" in words
    assert f"{target}: {count:,} events" in words
    assert "events were LOST: the recorder failed" in words


def sealing_children(pid: int) -> list[int]:
    """The processes in which a recorder seals."""
    try:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in children for child in path.read_text().split()]
    except OSError:
        return []


@pytest.fixture
def large_journal(tmp_path: Path) -> Path:
    """A folder with a left journal that takes seconds to seal."""
    left = tmp_path / "days" / "date=2026-01-01" / "000000-000000.parquet"
    left.parent.mkdir(parents=True)
    writer = JournalWriter(journal_path(left), 10**18, {})
    for block in range(300):
        rows = range(block * 1000, block * 1000 + 1000)
        writer.write((10**18 + n, n, "event", f'{{"type":"Odd{n % 7}","n":{{"x":{n}}}}}') for n in rows)
    writer.close()
    return tmp_path / "days"


async def hold(connection: ServerConnection) -> None:
    await connection.send('{"n":0}')
    await connection.wait_closed()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
def test_no_process_stays_behind(large_journal: Path) -> None:
    """`kill -9` of the recorder ends the process that seals, and its unfinished file goes."""
    with server(hold) as url:
        process = capture(url, large_journal, "--rotate", "1h")
        wait_for(lambda: any(large_journal.rglob(".*.sealing-*")))
        children = sealing_children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert children
    wait_for(lambda: all(map(is_gone, children)))

    assert not list(large_journal.rglob(".*.sealing-*"))
    assert len(list(large_journal.rglob("*.journal"))) == 2


@pytest.mark.slow
def test_the_end_does_not_wait_for_earlier_recordings(large_journal: Path) -> None:
    """Their journals stay for the next start."""
    with server(hold) as url:
        process = capture(url, large_journal, "--rotate", "1h")
        wait_for(lambda: any(large_journal.rglob(".*.sealing-*")))
        process.send_signal(signal.SIGTERM)
        finish(process)

    assert len(list(large_journal.rglob("*.journal"))) == 1
    assert not list(large_journal.rglob(".*.sealing-*"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_recording_is_sealed(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """It says that the recording is safe, and where; nothing unfinished is left, and `recover` has every row."""
    target = tmp_path / "s.parquet"

    async def flood(connection: ServerConnection) -> None:
        for n in range(100_000):
            await connection.send(f'{{"type":"Odd{n % 7}","n":{{"x":{n}}}}}')
        await connection.wait_closed()

    with server(flood) as url:
        process = capture(url, target, "--max-events", "100000")
        wait_for(lambda: any(tmp_path.glob(".*.sealing-*")))
        process.send_signal(number)
        words = finish(process, code=code)

    assert "Sealing was stopped. The recording is safe: 10" in words
    assert f"Run `arirecord recover {target}.journal`" in words
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet.journal"]
    assert recover(journal_path(target)).events == 100_000


@pytest.mark.slow
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_no_verb_writes_where_a_recording_will_be(tmp_path: Path, force: list[str]) -> None:
    """An import, or a copy of a session, with the name of a running recording is refused."""
    target, events = tmp_path / "s.parquet", tmp_path / "events.jsonl"
    events.write_text('{"type":"Dial","timestamp":"2026-01-01T00:00:00.000+0000"}\n')
    subprocess.run([*COMMAND, "import", events, "-o", tmp_path / "other.parquet"], check=True, capture_output=True)
    with server(hold) as url:
        process = capture(url, target)
        wait_for(lambda: journal_path(target).exists())
        for verb in (["import", str(events)], ["compact", str(tmp_path / "other.parquet")]):
            done = subprocess.run([*COMMAND, *verb, "-o", target, *force], capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert "a recording to it is still running" in done.stderr
        process.send_signal(signal.SIGTERM)
        finish(process)
    assert raws_of(target) == ['{"n":0}']


@pytest.mark.slow
def test_a_closed_terminal_ends_the_recording_of_a_file(tmp_path: Path) -> None:
    """It can't be written to any more, and the recording is sealed all the same: exit code 0."""
    target = tmp_path / "s.parquet"
    ours, terminal = pty.openpty()
    with server(hold) as url:
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *COMMAND, "capture", "--url", url, "-o", str(target)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        wait_for(lambda: journal_path(target).exists())
        os.read(ours, 1)
        os.close(ours)
        wait_for(target.exists)
        assert process.wait(HANG_S) == 0
    assert raws_of(target) == ['{"n":0}']


@pytest.mark.slow
def test_a_hangup_ends_the_recording_of_a_file(tmp_path: Path) -> None:
    """SIGHUP: it is sealed, exit code 0. Under `nohup` it goes on."""
    target = tmp_path / "s.parquet"
    with server(hold) as url:
        process = capture(url, target)
        wait_for(lambda: journal_path(target).exists())
        process.send_signal(signal.SIGHUP)
        finish(process)
    assert raws_of(target) == ['{"n":0}']


@pytest.mark.slow
def test_nohup(tmp_path: Path) -> None:
    """A hangup that was to be ignored is."""
    target = tmp_path / "s.parquet"
    with server(hold) as url:
        command = ["nohup", *COMMAND, "capture", "--url", url, "-o", str(target)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        wait_for(lambda: journal_path(target).exists())
        process.send_signal(signal.SIGHUP)
        subprocess.run([*COMMAND, "mark", "still here", "-o", str(target)], check=True, capture_output=True)
        process.send_signal(signal.SIGTERM)
        finish(process)
    assert [orjson.loads(f.raw)["mark_text"] for f in open_session(target).frames(kinds=["mark"])] == ["still here"]


READ_ONLY = """
set -e
folder="$1"; shift
mount --make-rprivate /
mount --bind "$folder" "$folder"
awk '{print $5}' /proc/self/mountinfo | sort -r | while read -r place; do
    [ "$place" = "$folder" ] || mount -o remount,bind,ro "$place" 2>/dev/null || true
done
mount -t tmpfs -o ro none /dev/shm
exec "$@"
"""
"""Runs a command with every mount read-only but the folder."""


def can_mount() -> bool:
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["capture", "tap"])
def test_only_the_output_folder_can_be_written(tmp_path: Path, verb: str) -> None:
    """As under systemd with `ProtectSystem=strict`, and no /dev/shm: parts are sealed while recording, marks arrive."""
    folder = tmp_path / "days"
    folder.mkdir()
    if not can_mount():
        pytest.skip("mounting needs root")
    with server(hold) as url:
        arguments = {"capture": ["--url", url, "--rotate", "1h"], "tap": ["--upstream", url, "--listen", ":0"]}[verb]
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", folder, *COMMAND, verb, *arguments, "-o", f"{folder}/"],
            stderr=subprocess.PIPE,
            text=True,
        )
        mark = ["nsenter", "-t", str(process.pid), "-m", *COMMAND, "mark", "-o", str(folder)]
        wait_for(lambda: (folder / ".arirecord.sock").exists())
        subprocess.run([*mark, "a note"], check=True, capture_output=True)
        subprocess.run([*mark, "--split"], check=True, capture_output=True)
        wait_for(lambda: any(folder.rglob("[0-9]*.parquet")))
        process.send_signal(signal.SIGTERM)
        words = finish(process)
    session = open_session(folder)

    assert "mark" not in words
    assert [frame.kind for frame in session.frames(kinds=["mark"])] == ["mark"]
    assert sorted(path.name for path in folder.iterdir() if not path.is_dir()) == []
