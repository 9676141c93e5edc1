"""Transfers, made by the phone (SIP REFER) and by keys (features of the dialplan)."""

from collections.abc import Awaitable, Callable

import pytest

from .conftest import Record, Rig
from .phone import Call, Phone, eventually
from .recording import Recorded

pytestmark = pytest.mark.asterisk


async def connected(caller: Phone, called: Phone) -> tuple[Call, Call]:
    """A call that was answered, as each of the two sees it."""
    call = caller.call(called.number)
    answered = await called.rings()
    answered.answer()
    await call.until("up")
    await eventually(lambda: caller.voice.heard and called.voice.heard, "they hear each other")
    return call, answered


def transfers(recorded: Recorded) -> list[tuple[str, str, str | None, str | None]]:
    """Kind, transferer's number, target and result."""
    return recorded.sql("SELECT kind, transferer_number, target, result FROM transfers ORDER BY seq")


async def refer(bob: Phone, call: Call) -> None:
    """Bob's telephone transfers, and hangs up when told that it worked."""
    await call.transfer("1003")


async def keys(bob: Phone, call: Call) -> None:
    """Bob presses the keys for a transfer."""
    await call.press("#1")
    heard = bob.voice.heard
    await eventually(lambda: bob.voice.heard > heard + 5, "Asterisk asks for the number")
    await call.press("1003")


@pytest.mark.parametrize("way", [refer, keys])
def test_blind(record: Record, way: Callable[[Phone, Call], Awaitable[None]]) -> None:
    """The called passes the caller on to a third, unseen: one transfer, one call, and the third talks to the caller."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem:
            call, answered = await connected(ann, bob)
            await way(bob, answered)
            passed_on = await cem.rings()
            passed_on.answer()
            if way is refer:
                await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
                await answered.hangup()
            else:
                await answered.until("ended")
            await eventually(lambda: cem.voice.heard > 10, "Cem hears Ann")
            await passed_on.hangup()
            await call.until("ended")

    recorded = record(calls)
    assert transfers(recorded) == [("blind", "1002", "1003@phones", "Success")]
    assert recorded.sql("SELECT leg_count, transfer_count FROM calls") == [(3, 1)]


def test_attended_refer(record: Record) -> None:
    """The called asks a third first, then lets the telephone join the two (REFER with Replaces)."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem:
            call, answered = await connected(ann, bob)
            await answered.hold()
            asking, asked = await connected(bob, cem)
            await answered.transfer(asking)
            await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
            await asking.until("ended")
            await answered.hangup()
            heard = cem.voice.heard
            await eventually(lambda: cem.voice.heard > heard + 10, "Cem hears Ann")
            await asked.hangup()
            await call.until("ended")

    recorded = record(calls)
    [(kind, transferer, _, result)] = transfers(recorded)
    assert (kind, transferer, result) == ("attended", "1002", "Success")


def test_attended_keys(record: Record) -> None:
    """The called asks a third first, by keys, and hangs up."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem:
            call, answered = await connected(ann, bob)
            await answered.press("*2")
            heard = bob.voice.heard
            await eventually(lambda: bob.voice.heard > heard + 5, "Asterisk asks for the number")
            await answered.press("1003")
            asked = await cem.rings()
            asked.answer()
            await eventually(lambda: cem.voice.heard > 10, "Cem hears Bob")
            await answered.hangup()
            heard = cem.voice.heard
            await eventually(lambda: cem.voice.heard > heard + 10, "Cem hears Ann")
            await asked.hangup()
            await call.until("ended")

    recorded = record(calls)
    [(kind, transferer, _, result)] = transfers(recorded)
    assert (kind, transferer, result) == ("attended", "1002", "Success")
