"""What a capture says while it runs, and that nobody has to listen."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.websockets import WebSocket

from arirecord.errors import JournalError
from arirecord.session.journal import JournalReader, journal_path
from tests.cli.conftest import COMMAND
from tests.waiting import wait_for

from .ari import Ari, running
from .test_capture import raws

FULL_FOR_A_WHILE = """
import errno, os, pathlib, sys
write = os.write
def full(fd, data):
    if pathlib.Path(sys.argv[-1]).exists(): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return write(fd, data)
os.write = full
import arirecord.cli
arirecord.cli.main(sys.argv[1:-1])
"""


@pytest.mark.slow
def test_a_stuck_terminal_stops_nothing(tmp_path: Path) -> None:
    """Nobody reads stderr and its pipe is full; the connection is lost and made again all the same."""

    async def once(ari: Ari, socket: WebSocket) -> None:
        await socket.send_text(f'"{ari.connections}"')
        if ari.connections < 4:
            await socket.close(1011)
        else:
            await socket.receive()

    reader, stuck = os.pipe()
    fcntl.fcntl(stuck, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(stuck, False)
    try:
        while True:
            os.write(stuck, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(stuck, True)
    target = tmp_path / "s.parquet"
    with running(Ari(once)) as ari:
        process = subprocess.Popen([*COMMAND, "capture", "--url", ari.url, "-o", str(target)], stderr=stuck)
        wait_for(lambda: '"4"' in recorded(target))
        os.set_blocking(reader, False)
        process.send_signal(signal.SIGINT)
        wait_for(lambda: drained(reader) and process.poll() is not None)
    os.close(reader)
    os.close(stuck)
    assert process.returncode == 3
    assert raws(target) == ['"1"', '"2"', '"3"', '"4"']


def recorded(target: Path) -> list[str]:
    """The rows of a growing journal; none before it exists."""
    try:
        return [raw for batch in JournalReader(journal_path(target)).batches(100) for raw in batch.raws]
    except (FileNotFoundError, JournalError):
        return []


def drained(reader: int) -> bool:
    with suppress(BlockingIOError):
        os.read(reader, 65536)
    return True


@pytest.mark.slow
def test_a_full_disk_is_told_when_it_happens(tmp_path: Path) -> None:
    """On stderr that is no terminal too, and when it is over; then nothing is missing."""
    full = tmp_path / "full"

    async def talk(ari: Ari, socket: WebSocket) -> None:
        await socket.send_text('"before"')
        await socket.receive()

    target = tmp_path / "s.parquet"
    with running(Ari(talk)) as ari:
        command = [sys.executable, "-c", FULL_FOR_A_WHILE, "capture", "--url", ari.url, "-o", str(target), str(full)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        while "Recording" not in process.stderr.readline():
            assert process.poll() is None
        full.touch()
        subprocess.run([*COMMAND, "mark", "amid", "-o", str(target)], check=True, capture_output=True)
        said = process.stderr.readline()
        assert said.startswith("THE DISK REFUSES: ")
        assert "No space left" in said
        full.unlink()
        assert process.stderr.readline() == "The disk takes the recording again.\n"
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0
    assert raws(target) == ['"before"']
