"""An application that is tapped at a real Asterisk, and verified against that recording."""

import asyncio
import sys
from pathlib import Path

import pytest

from arirecord.replay.verify import Verified, VerifyOptions, verify
from arirecord.testing import Ari
from tests.replay.apps import ivr

from .conftest import Rig
from .phone import Call, Phone, eventually
from .switch import Asterisk, wait_until
from .tapping import Tap, application, kept

pytestmark = pytest.mark.asterisk

IVR = Path(ivr.__file__)


async def choose(phone: Phone, keys: str) -> Call:
    """Call the menu, listen to it, and press keys."""
    call = await phone.call("500").until("up")
    heard = phone.voice.heard
    await eventually(lambda: phone.voice.heard > heard + 10, "the prompt plays")
    await call.press(keys)
    return call


async def transferred(caller: Phone, called: Phone, keys: str, caller_ends: bool) -> None:
    call = await choose(caller, keys)
    answered = await called.rings()
    answered.answer()
    await answered.until("up")
    heard = called.voice.heard
    await eventually(lambda: called.voice.heard > heard + 10, "they hear each other")
    await (call if caller_ends else answered).hangup()
    await (answered if caller_ends else call).until("ended")


async def menu_calls(rig: Rig) -> None:
    """One transfer, a wrong key and a goodbye, and two transfers at once, one of them to nobody who answers."""
    async with rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem, rig.phone("1004") as dee:
        await transferred(ann, bob, "1#", caller_ends=True)
        leaving = await choose(ann, "7#")
        heard = ann.voice.heard
        await eventually(lambda: ann.voice.heard > heard + 10, "the menu is sorry")
        await leaving.press("9#")
        await leaving.until("ended")
        first = transferred(ann, cem, "2#", caller_ends=False)
        await asyncio.gather(first, refused(dee, bob))


async def refused(caller: Phone, called: Phone) -> None:
    call = await caller.call("500").until("up")
    heard = caller.voice.heard
    await eventually(lambda: caller.voice.heard > heard + 10, "the prompt plays")
    await call.press_info("1#")
    (await called.rings()).reject(486, "Busy Here")
    await call.until("ended")


def record_menu(asterisk: Asterisk, target: Path, *options: str) -> Path:
    """A tapped recording of `menu_calls`."""
    with Tap(asterisk, target) as tap:
        with application(asterisk, tap.url, IVR, *options):
            asyncio.run(asyncio.wait_for(menu_calls(Rig(asterisk)), 60))
            wait_until(lambda: not asterisk.ari("GET", "channels"), "all calls are over")
            wait_until(lambda: not asterisk.ari("GET", "bridges"), "all bridges are gone")
        tap.stop()
    return target


async def two_calls(rig: Rig) -> None:
    """At the same time: a call to the first app, and a call that the second one has to a phone."""
    async with rig.phone("1001") as ann, rig.phone("1003") as cem:

        async def called() -> None:
            rig.asterisk.ari("POST", "channels", endpoint="PJSIP/1003", app="two")
            call = await cem.rings()
            call.answer()
            heard = cem.voice.heard
            await eventually(lambda: cem.voice.heard > heard + 10, "the prompt plays")
            await call.press("9#")
            await call.until("ended")

        async def calling() -> None:
            await (await choose(ann, "9#")).until("ended")

        await asyncio.gather(called(), calling())


def test_two_apps_of_one_host_in_one_recording(asterisk: Asterisk, tmp_path: Path) -> None:
    """Each has its own requests, though both send them from connections of one address."""
    recording = kept(tmp_path, "two.parquet")
    with Tap(asterisk, recording) as tap:
        with application(asterisk, tap.url, IVR), application(asterisk, tap.url, IVR, app="two"):
            asyncio.run(asyncio.wait_for(two_calls(Rig(asterisk)), 60))
            wait_until(lambda: not asterisk.ari("GET", "channels"), "all calls are over")
        tap.stop()

    for app in (asterisk.app, "two"):
        result = asyncio.run(verify(recording, [sys.executable, str(IVR)], VerifyOptions(application=app)))
        assert [call.lines() for call in result.calls if not call.is_same] == []
        assert (result.trouble, result.missed, len(result.calls)) == (None, [], 1)


@pytest.mark.parametrize("options", [[], ["--websocket"]], ids=["http", "websocket"])
def test_what_was_tapped_is_verified(asterisk: Asterisk, tmp_path: Path, options: list[str]) -> None:
    """The application does what it was recorded to do; with a bug in it, the bug is named in each call it is in."""
    recording = record_menu(asterisk, kept(tmp_path, f"menu{''.join(options)}.parquet"), *options)
    same = verified(recording, IVR, *options)
    assert [call.lines() for call in same.calls if not call.is_same] == []
    assert (same.trouble, len(same.calls), same.request_count) == (None, 4, 42)

    bug = tmp_path / "bug.py"
    bug.write_text(IVR.read_text().replace('"1": "1002"', '"1": "1003"'))
    different = [call for call in verified(recording, bug, *options).calls if not call.is_same]
    assert len(different) == 2
    for call in different:
        removed, added = (line for hunk in call.hunks for line in hunk.lines if line[0] in "+-")
        assert "endpoint=PJSIP/1002" in removed and "endpoint=PJSIP/1003" in added


def test_a_test_records_what_it_replays_later(asterisk: Asterisk, tmp_path: Path) -> None:
    """The fixture `ari` with `--arirecord-record`: first a real Asterisk behind the tap, then the recording."""
    target = tmp_path / "menu.parquet"
    with Ari(target, asterisk.url, app=asterisk.app) as ari, application(asterisk, ari.url, IVR):
        asyncio.run(asyncio.wait_for(menu_calls(Rig(asterisk)), 60))
        wait_until(lambda: not asterisk.ari("GET", "channels"), "all calls are over")
        ari.verify()
        in_order = ("POST /channels/*/answer", "POST /channels/*/play/*", "DELETE /bridges/*")
        assert [request.status for request in ari.expect_in_order(*in_order)] == [204, 201, 204]
        count = len(ari.requests)
    same = verified(target, IVR)

    assert [call.lines() for call in same.calls if not call.is_same] == []
    assert (same.trouble, same.request_count) == (None, count)


def verified(recording: Path, app: Path, *options: str) -> Verified:
    return asyncio.run(asyncio.wait_for(verify(recording, [sys.executable, str(app), *options]), 60))
