"""An application that is tapped at a real Asterisk, and verified against that recording."""

import asyncio
from pathlib import Path

import pytest

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


def record_menu(asterisk: Asterisk, target: Path) -> Path:
    """A tapped recording of `menu_calls`."""
    with Tap(asterisk, target) as tap:
        with application(asterisk, tap.url, IVR):
            asyncio.run(asyncio.wait_for(menu_calls(Rig(asterisk)), 60))
            wait_until(lambda: not asterisk.ari("GET", "channels"), "all calls are over")
            wait_until(lambda: not asterisk.ari("GET", "bridges"), "all bridges are gone")
        tap.stop()
    return target


def test_menu(asterisk: Asterisk, tmp_path: Path) -> None:
    record_menu(asterisk, kept(tmp_path, "menu.parquet"))
