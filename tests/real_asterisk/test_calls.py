"""Calls from phone to phone."""

import pytest

from .conftest import Record, Rig
from .phone import eventually

pytestmark = pytest.mark.asterisk


def test_answered(record: Record) -> None:
    """A call that the called answers and hangs up is one call of two legs, with the times of its CDR."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("1002")
            answered = await bob.rings()
            await call.until("ringing")
            answered.answer()
            await call.until("up")
            await eventually(lambda: bob.voice.heard > 25, "Bob hears Ann")
            await answered.hangup()
            await call.until("ended")

    recorded = record(calls)
    [call] = recorded.sql(
        "SELECT first_channel_id, epoch(started_at), epoch(answered_at), epoch(ended_at), billsec, disposition, "
        "caller_number, dialled_exten, leg_count, ended_by_channel_id FROM calls"
    )
    [cdr] = recorded.cdr
    assert call[0] == cdr["uniqueid"] == recorded.channel("1001")
    assert call[1:4] == pytest.approx((cdr["start"], cdr["answer"], cdr["end"]), abs=0.005)
    assert call[4:] == (cdr["billsec"], "ANSWERED", "1001", "1002", 2, recorded.channel("1002"))


def test_busy(record: Record) -> None:
    """A call that the called rejects as busy has disposition BUSY and cause 17."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("1002")
            (await bob.rings()).reject(486, "Busy Here")
            await call.until("ended")
            assert call.status == 486

    recorded = record(calls)
    assert recorded.sql("SELECT disposition FROM calls") == [("BUSY",)]
    assert recorded.sql("SELECT dialstatus FROM Dial ORDER BY seq")[-1] == ("BUSY",)
    assert recorded.sql(
        "SELECT hangup_cause, tech_cause FROM hangups WHERE channel_id = ?", recorded.channel("1002")
    ) == [(17, 486)]


def test_no_answer(record: Record) -> None:
    """A call that nobody answers in time has disposition NO ANSWER."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("91002")
            ringing = await bob.rings()
            await ringing.until("ended")
            await call.until("ended")

    recorded = record(calls)
    assert recorded.sql("SELECT disposition, billsec FROM calls") == [("NO ANSWER", 0)]


def test_cancel(record: Record) -> None:
    """A caller who gives up while it rings cancels the dial."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("1002")
            ringing = await bob.rings()
            await call.until("ringing")
            await call.cancel()
            assert call.status == 487
            await ringing.until("ended")

    recorded = record(calls)
    assert recorded.sql("SELECT disposition FROM calls") == [("CANCEL",)]
    assert recorded.sql("SELECT dialstatus FROM Dial ORDER BY seq")[-1] == ("CANCEL",)


def test_hold(record: Record) -> None:
    """Hold and unhold are the holder's events, at the times when music began and ended for the other."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            call = ann.call("1002")
            (await bob.rings()).answer()
            await call.until("up")
            await eventually(lambda: bob.voice.heard > 5, "Bob hears Ann")
            await call.hold()
            heard = bob.voice.heard
            await eventually(lambda: bob.voice.heard > heard + 10, "Bob hears music")
            await call.unhold()
            await call.hangup()

    recorded = record(calls)
    ours = recorded.sql(
        "SELECT type, channel_id, epoch(\"timestamp\") FROM events WHERE type IN ('ChannelHold', 'ChannelUnhold') "
        "ORDER BY seq"
    )
    theirs = recorded.logged("STREAM_BEGIN", "STREAM_END")
    assert [row[:2] for row in ours] == [(t, recorded.channel("1001")) for t in ("ChannelHold", "ChannelUnhold")]
    assert [row["uniqueid"] for row in theirs] == [recorded.channel("1002")] * 2
    assert [row[2] for row in ours] == pytest.approx([row["eventtime"] for row in theirs], abs=0.02)


@pytest.mark.parametrize("number", ["1001", "1004"], ids=["rtp", "info"])
def test_digits(record: Record, number: str) -> None:
    """Digits that a menu in the dialplan reads are one sequence, sent as RTP events or SIP INFO."""

    async def calls(rig: Rig) -> None:
        async with rig.phone(number) as phone:
            call = await phone.call("300").until("up")
            await eventually(lambda: phone.voice.heard > 5, "the menu asks")
            await (call.press if number == "1001" else call.press_info)("2507")
            await call.until("ended")

    recorded = record(calls)
    assert recorded.sql("SELECT channel_id, digits FROM dtmf") == [(recorded.channel(number), "2507")]
    assert recorded.sql("SELECT userevent FROM ChannelUserevent WHERE eventname = 'Digits'")[0][0].count('"2507"') == 1
