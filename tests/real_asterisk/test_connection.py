"""Telephones and recorders that come and go, and an Asterisk that does."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arirecord.session.journal import journal_path

from .conftest import Rig
from .phone import eventually
from .recording import Capture, at, command, is_close
from .switch import Asterisk, wait_until

pytestmark = pytest.mark.asterisk

LOST = 3


def test_registration(asterisk: Asterisk, tmp_path: Path) -> None:
    """A telephone that registers and takes it back: the events say so in the order in which it happened."""

    async def come_and_go(rig: Rig) -> None:
        async with rig.phone("1001"):
            await eventually(lambda: is_known(asterisk, "1001", "online"), "1001 is online")
        await eventually(lambda: is_known(asterisk, "1001", "offline"), "1001 is offline")

    with Capture(asterisk, tmp_path / "registration.parquet") as capture:
        asyncio.run(come_and_go(Rig(asterisk)))
        recorded = capture.finish()

    assert recorded.exit_code == 0
    assert recorded.sql("SELECT endpoint_resource, peer_peer_status FROM PeerStatusChange ORDER BY seq") == [
        ("1001", "Reachable"),
        ("1001", "Unreachable"),
    ]
    assert recorded.sql(
        "SELECT endpoint_resource, contact_info_contact_status FROM ContactStatusChange ORDER BY seq"
    ) == [("1001", "NonQualified"), ("1001", "Reachable"), ("1001", "Removed")]
    assert recorded.sql("SELECT device_state_state FROM DeviceStateChanged WHERE device_state_name = 'PJSIP/1001'")


def is_known(asterisk: Asterisk, number: str, state: str) -> bool:
    return bool(asterisk.ari("GET", f"endpoints/PJSIP/{number}")["state"] == state)


@pytest.mark.parametrize("is_sudden", [False, True], ids=["stopped", "killed"])
def test_restart(asterisk: Asterisk, tmp_path: Path, is_sudden: bool) -> None:
    """Asterisk goes away and comes back amid a call, and then there is another call: both are in the recording.

    The time between is a gap, told in a row and by the exit code; what was up at the return is in the snapshot.
    """

    async def call_once(rig: Rig, then: Callable[[], None] | None = None) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("1002")
            (await bob.rings()).answer()
            await call.until("up")
            await eventually(lambda: bob.voice.heard > 5, "Bob hears Ann")
            if then is not None:
                then()
                return
            await call.hangup()
            await call.until("ended")

    def restart() -> None:
        if is_sudden:
            asterisk.kill()
            asterisk.start()
        else:
            asterisk.restart()

    with Capture(asterisk, tmp_path / "restart.parquet") as capture:
        asyncio.run(call_once(Rig(asterisk), restart))
        wait_until(lambda: "Connected again" in capture.said, "the recorder is back")
        asyncio.run(call_once(Rig(asterisk)))
        ends = 2 if is_sudden else 4
        wait_until(lambda: len(capture.logged("CHAN_END")) == ends, "all channels have ended in CEL")
        recorded = capture.stop()

    assert recorded.exit_code == LOST
    assert recorded.session.header.ended == "complete"
    assert not journal_path(recorded.path).exists()
    assert [row[0] for row in recorded.sql("SELECT type FROM rows WHERE kind = 'connection' ORDER BY seq")] == [
        *("opened", "closed", "gap", "opened", "closed")
    ]
    assert recorded.sql("SELECT rest_status FROM rows WHERE kind = 'rest' AND rest_uri = '/channels'") == [
        (200,),
        (200,),
    ]
    for event_type, logged_as in (
        ("ChannelCreated", "CHAN_START"),
        ("ChannelEnteredBridge", "BRIDGE_ENTER"),
        ("ChannelDestroyed", "CHAN_END"),
    ):
        ours = {channel: when for when, channel in recorded.sql(f'SELECT "timestamp", channel_id FROM {event_type}')}
        theirs = {row["uniqueid"]: at(row) for row in recorded.logged(logged_as)}
        assert ours.keys() == theirs.keys()
        assert all(is_close(ours[channel], theirs[channel]) for channel in ours)
        assert len(ours) == (2 if is_sudden and event_type == "ChannelDestroyed" else 4)


@pytest.mark.parametrize(
    ("options", "password", "words"),
    [
        ([], "wrong", "wrong name or password (HTTP 401)"),
        (["--app", ""], Asterisk.password, "refuses the application name '' (HTTP 400)"),
    ],
    ids=["password", "application"],
)
def test_refused(asterisk: Asterisk, tmp_path: Path, options: list[str], password: str, words: str) -> None:
    """What Asterisk refuses is told in one line, with exit code 1, and leaves nothing behind."""
    done = subprocess.run(
        command(asterisk, tmp_path / "refused.parquet", *options),
        env={**os.environ, "ARIRECORD_PASSWORD": password},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []
