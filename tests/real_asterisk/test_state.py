"""What a replay says is up equals what Asterisk itself said at that moment."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.replay.probes import longest_delay_ns
from tests.replay.test_probes import AROUND_NS, check_state

from .conftest import Rig
from .phone import eventually
from .prober import prober
from .switch import Asterisk, wait_until
from .tapping import Tap, application, kept
from .test_verify import IVR, choose, menu_calls

pytestmark = pytest.mark.asterisk


async def office(rig: Rig, ask_all: Callable[[], Awaitable[None]]) -> None:
    """Calls of all sorts: hold, a transfer, a conference, a recording, a call that is given up."""
    async with rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem:
        call = ann.call("1002")
        ringing = await bob.rings()
        await call.until("ringing")
        ringing.answer()
        await call.until("up")
        await eventually(lambda: bob.voice.heard > 5, "Bob hears Ann")
        await ask_all()
        await call.hold()
        heard = bob.voice.heard
        await eventually(lambda: bob.voice.heard > heard + 10, "Bob hears music")
        await call.unhold()
        await ringing.transfer("1003")
        passed_on = await cem.rings()
        passed_on.answer()
        await eventually(lambda: cem.voice.heard > 10, "Cem hears Ann")
        await ask_all()
        await ringing.hangup()
        await call.hangup()
        await passed_on.until("ended")
        members = [await phone.call("400").until("up") for phone in (ann, bob)]
        await eventually(lambda: ann.voice.heard > 10 and bob.voice.heard > 10, "both hear the room")
        await ask_all()
        for member in members:
            await member.hangup()
        given_up = ann.call("1002")
        await bob.rings()
        await given_up.until("ringing")
        await given_up.cancel()
        recorded = await choose(ann, "7#")
        [channel] = rig.asterisk.ari("GET", "channels")
        rig.asterisk.ari("POST", f"channels/{channel['id']}/snoop", app="rig", spy="in", snoopId="spy-on-ann")
        await eventually(
            lambda: "spy-on-ann" in rig.asterisk.ari("GET", "applications/rig")["channel_ids"], "the app has it"
        )
        rig.asterisk.ari("POST", "channels/spy-on-ann/record", name="spied", format="wav", maxDurationSeconds=1)
        await eventually((rig.asterisk.folder / "spool/recording/spied.wav").exists, "it is recorded")
        await recorded.hangup()
        await recorded.until("ended")


def test_state(asterisk: Asterisk, tmp_path: Path) -> None:
    """Somebody asks at random instants, while an application and telephones are at work."""

    async def calls(url: str) -> None:
        async with asyncio.timeout(90), prober(asterisk, url, seed=1) as ask_all:
            await menu_calls(Rig(asterisk))
            await office(Rig(asterisk), ask_all)

    target = kept(tmp_path, "probed.parquet")
    with Tap(asterisk, target) as tap:
        with application(asterisk, tap.url, IVR):
            asyncio.run(calls(tap.url))
            wait_until(lambda: not asterisk.ari("GET", "channels"), "all calls are over")
        tap.stop()
    check_state(target, max(AROUND_NS, longest_delay_ns(target)))
