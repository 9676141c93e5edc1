"""The recorder's troubles are not Asterisk's: a socket not read for seconds is cut, and may take ARI with it."""

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from arirecord.capture.address import Address
from arirecord.capture.reconnect import Capture, CaptureOptions
from arirecord.capture.recorder import Recorder
from arirecord.session.journal import JournalWriter
from arirecord.session.reader import open_session

from .switch import Asterisk, wait_until

pytestmark = pytest.mark.asterisk

STALL_S = 30
CALLS_PER_S = 12


async def load(asterisk: Asterisk, seconds: float) -> int:
    """Calls at a steady rate, each a pair of Local channels that ask for digits and get none. Returns how many."""
    began, count = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        if count < passed * CALLS_PER_S:
            where = {"endpoint": "Local/300@phones", "extension": "300", "context": "phones", "priority": 1}
            await asyncio.to_thread(asterisk.ari, "POST", "channels", **where)
            count += 1
        else:
            await asyncio.sleep(0.01)  # the rate, not a wait for something
    return count


def test_a_stuck_disk_harms_nobody(asterisk: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For half a minute under load nothing can be written: Asterisk does not cut the socket, and nothing is missing."""
    disk = threading.Event()
    write = JournalWriter.write_together

    def stuck(self: JournalWriter, groups: Iterable[tuple[int, int, str, Sequence[bytes]]]) -> None:
        disk.wait(2 * STALL_S)
        write(self, groups)

    monkeypatch.setattr(JournalWriter, "write_together", stuck)
    target = tmp_path / "stuck.parquet"
    options = CaptureOptions(Address.parse(asterisk.url, asterisk.user, asterisk.password), reconnect=False)
    connected = asyncio.Event()

    def make_recorder() -> Recorder:
        connected.set()
        return Recorder(target, {})

    capture = Capture(options, make_recorder)
    before = len(asterisk.cel())

    async def run() -> int:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(capture.run(stop))
            await connected.wait()
            count = await load(asterisk, STALL_S)
            disk.set()
            await asyncio.to_thread(wait_until, lambda: ended(asterisk, before) >= 2 * count, "the calls are over", 30)
            stop.set()
        assert recording.result().why == "stopped"
        return count

    count = asyncio.run(run())
    assert capture.recorder is not None
    capture.recorder.close()
    capture.recorder.seal()
    session = open_session(target)
    logged = {row["uniqueid"] for row in asterisk.cel()[before:] if row["eventtype"] == "CHAN_START"}

    assert [frame.type for frame in session.frames(kinds=["connection"])] == ["opened", "closed"]
    assert session.header.lost_count == 0
    assert session.header.types["ChannelCreated"] == len(logged) >= 2 * count
    assert count > STALL_S * CALLS_PER_S / 2


def ended(asterisk: Asterisk, before: int) -> int:
    return sum(row["eventtype"] == "CHAN_END" for row in asterisk.cel()[before:])
