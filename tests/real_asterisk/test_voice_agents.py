"""Voice bots of our own on a real Asterisk: the table `turns` against the audio that callers sent and received."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from copy import copy
from pathlib import Path
from typing import NamedTuple

import pytest

from arirecord.analytics import connect

from .app import App
from .bots import AudioSocketBot, Bot, PlayingBot, RtpBot, converse, interview, say
from .conftest import Record, Rig
from .phone import Call, Phone
from .recording import Recorded
from .switch import Asterisk
from .tapping import Tap, kept

pytestmark = pytest.mark.asterisk

Span = list[float]
TOLERANCE_S = 0.06
WITH_A_THIRD_LEG_S = 0.07


class Talk(NamedTuple):
    """A call with a bot: what the caller sent and received, in seconds since the epoch."""

    channel_id: str
    sent: list[Span]
    received: list[Span]


class Scene:
    """Calls to bots at once. `talks` has what was sent and received in each, by name, when all are over."""

    def __init__(self, app: App, phone: Phone) -> None:
        self.app, self.phone = app, phone
        self.calls: dict[str, tuple[Call, str]] = {}
        self._talks: list[Awaitable[None]] = []

    async def caller(self, name: str, detection: str) -> tuple[str, str]:
        """A caller in a bridge of its own; returns the ids of both."""
        call = self.phone.call("500")
        channel_id = await self.app.caller()
        await call.until("up")
        bridge_id = str((await self.app.request("POST", "bridges", type="mixing"))["id"])
        await self.app.request("POST", f"bridges/{bridge_id}/addChannel", channel=channel_id)
        await self.detect(channel_id, detection)
        self.calls[name] = call, channel_id
        return channel_id, bridge_id

    async def entered(self, channel_id: str) -> None:
        """Wait until a channel that the application made is in it."""
        while (await self.app.event("StasisStart"))["channel"]["id"] != channel_id:
            pass

    async def detect(self, channel_id: str, detection: str) -> None:
        path = f"channels/{channel_id}/variable"
        await self.app.request("POST", path, variable="TALK_DETECT(set)", value=detection)

    async def media(self, bridge_id: str, bot: RtpBot | AudioSocketBot, detection: str, *, snoop: bool = False) -> str:
        """Bring the bot's media leg into the bridge. Returns the id of its channel."""
        made = await self.app.request("POST", "channels/externalMedia", app=self.app.asterisk.app, **bot.media())
        channel_id = str(made["id"])
        await self.entered(channel_id)
        heard_id = channel_id
        if snoop:
            path = f"channels/{channel_id}/snoop"
            heard_id = str((await self.app.request("POST", path, app=self.app.asterisk.app, spy="in"))["id"])
            await self.entered(heard_id)
        await self.detect(heard_id, detection)
        await self.app.request("POST", f"bridges/{bridge_id}/addChannel", channel=channel_id)
        return channel_id

    async def third(self, phone: Phone, bridge_id: str) -> str:
        """Dial a third leg, and bring it into the bridge: it mixes then. Returns the id of its channel."""
        endpoint = f"PJSIP/{phone.number}"
        made = await self.app.request("POST", "channels", endpoint=endpoint, app=self.app.asterisk.app)
        channel_id = str(made["id"])
        (await phone.rings()).answer()
        await self.entered(channel_id)
        await self.app.request("POST", f"bridges/{bridge_id}/addChannel", channel=channel_id)
        return channel_id

    def converse(self, name: str, bot: Bot | PlayingBot) -> None:
        self._talks.append(converse(self.calls[name][0], bot))

    async def finish(self) -> dict[str, Talk]:
        await asyncio.gather(*self._talks)
        await asyncio.to_thread(self.app.asterisk.hang_up_all)
        return {
            name: Talk(channel_id, call.voice.spoken, call.voice.received)
            for name, (call, channel_id) in self.calls.items()
        }


async def bots(rig: Rig, talks: dict[str, Talk]) -> None:
    """A call with each kind of bot, all at once."""
    switch = rig.asterisk
    phones = Phone.at(switch.sip_port, "1001", switch.password, voices=8)
    async with rig.app() as app, phones as phone, rig.phone("1002") as bob, AsyncExitStack() as stack:
        scene = Scene(app, phone)
        enter = stack.enter_async_context
        for name, bot, detection in (
            ("rtp", await enter(RtpBot.at(sends_silence=True)), "40,64"),
            ("rtp_none", await enter(RtpBot.at(sends_silence=False)), "40,64"),
            ("snoop", await enter(RtpBot.at(sends_silence=False)), "200,128"),
            ("audiosocket", await enter(AudioSocketBot.at(sends_silence=True)), "200,128"),
            ("audiosocket_wide", await enter(AudioSocketBot.at(sends_silence=True, is_wide=True)), "200,128"),
            ("audiosocket_none", await enter(AudioSocketBot.at(sends_silence=False)), "200,128"),
            ("third_leg", await enter(AudioSocketBot.at(sends_silence=True)), "40,64"),
        ):
            _, bridge_id = await scene.caller(name, detection)
            await scene.media(bridge_id, bot, detection, snoop=name == "snoop")
            if name == "third_leg":
                await scene.third(bob, bridge_id)
            scene.converse(name, bot)
        channel_id, _ = await scene.caller("playback", "200,128")
        scene.converse("playback", PlayingBot(app, f"channels/{channel_id}", switch))
        talks.update(await scene.finish())


def test_turns_are_those_of_the_audio(record: Record) -> None:
    """Latencies, barge-ins and times to yield are those that callers sent and received, or NULL with a reason."""
    talks: dict[str, Talk] = {}
    recorded = record(lambda rig: bots(rig, talks))
    known = {name: measured(recorded, name, talk) for name, talk in talks.items()}

    assert known == {
        **dict.fromkeys(("rtp", "audiosocket", "audiosocket_wide", "snoop", "third_leg", "playback"), (4, 1)),
        **dict.fromkeys(("rtp_none", "audiosocket_none"), (1, 0)),
    }


def measured(recorded: Recorded, name: str, talk: Talk) -> tuple[int, int]:
    """Compare the turns of a call with its audio; return how many latencies and barge-ins are known."""
    tolerance_s = WITH_A_THIRD_LEG_S if name == "third_leg" else TOLERANCE_S
    rows = recorded.sql(
        "SELECT epoch_ms(started_at) / 1000, latency_s, barge_in_by, epoch_ms(barge_in_at) / 1000, yield_s "
        "FROM turns WHERE call_id = ? AND speaker = 'agent' ORDER BY started_at",
        talk.channel_id,
    )
    for started_s, latency_s, barge_in_by, barge_in_s, yield_s in rows:
        start_s, end_s = min(talk.received, key=lambda span: abs(span[0] - started_s))
        if latency_s is not None:
            silent_s = max(end for _, end in talk.sent if end <= start_s)
            assert latency_s == pytest.approx(start_s - silent_s, abs=tolerance_s)
        if barge_in_by is not None:
            onset_s = min((onset for onset, _ in talk.sent), key=lambda onset: abs(onset - barge_in_s))
            assert barge_in_s == pytest.approx(onset_s, abs=tolerance_s)
            assert yield_s == pytest.approx(end_s - onset_s, abs=tolerance_s)
    return sum(row[1] is not None for row in rows), sum(row[2] is not None for row in rows)


async def tapped_calls(asterisk: Asterisk) -> None:
    """One bot answers, is interrupted and hands over to a human; another sends nothing in its pauses."""
    phones = Phone.at(asterisk.sip_port, "1001", asterisk.password, voices=2)
    human_phone = Phone.at(asterisk.sip_port, "1002", asterisk.password)
    bots_at = RtpBot.at(sends_silence=True), AudioSocketBot.at(sends_silence=False)
    async with App.of(asterisk) as app, phones as phone, human_phone as bob, bots_at[0] as rtp, bots_at[1] as socket:
        scene = Scene(app, phone)
        _, bridge_id = await scene.caller("agent", "40,64")
        leg_id = await scene.media(bridge_id, rtp, "40,64")
        _, other_id = await scene.caller("silent agent", "40,64")
        await scene.media(other_id, socket, "40,64")
        call, other_call = scene.calls["agent"][0], scene.calls["silent agent"][0]
        await asyncio.gather(interview(call, rtp), interview(other_call, socket))
        await other_call.hangup()
        human_id = await scene.third(bob, bridge_id)
        await scene.detect(human_id, "40,64")
        await app.request("DELETE", f"channels/{leg_id}")
        await asyncio.sleep(0.5)
        await say(bob.voice, 1.2)
        await asyncio.sleep(0.5)
        await say(call.voice, 0.8)
        await asyncio.sleep(0.4)
        await say(bob.voice, 0.8)
        await asyncio.sleep(0.6)
        await call.hangup()
        await scene.finish()


def test_a_tapped_call_has_the_set_up_of_its_media_leg(asterisk: Asterisk, tmp_path: Path) -> None:
    """From the request to Up, to the bridge, and to the first sound; and a human takes the first call over."""
    target = kept(tmp_path, "voice_agent.parquet")
    with Tap(asterisk, target) as tap:
        tapped = copy(asterisk)
        tapped.http_port = int(tap.url.split(":")[2].partition("/")[0])
        asyncio.run(tapped_calls(tapped))
        tap.stop()
    con = connect(target, models=["agent_calls"])
    rows = con.execute(
        "SELECT media_up_s <= media_bridged_s AND media_bridged_s < media_sound_s, is_contained, answer_count, "
        "unknown_reason FROM agent_calls ORDER BY call_id"
    ).fetchall()

    assert rows == [(True, False, 4, None), (True, True, 1, "no silence")]
