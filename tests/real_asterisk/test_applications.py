"""Calls that an ARI application or a conference room handles."""

import json

import pytest

from .app import App
from .conftest import Record, Rig
from .phone import eventually
from .recording import Recorded
from .switch import Asterisk

pytestmark = pytest.mark.asterisk


def events(recorded: Recorded, *types: str) -> list[str]:
    """Frames of some types, whoever got them: each once (some come doubled), in any order."""
    marks = ", ".join("?" * len(types))
    rows = recorded.sql(f"SELECT raw FROM events WHERE type IN ({marks})", *types)
    return sorted({_text(json.loads(raw)) for (raw,) in rows})


def heard(app: App, *types: str) -> list[str]:
    """The same of what the application got."""
    return sorted({_text(event) for event in app.events if event["type"] in types})


def _text(event: dict[str, object]) -> str:
    return json.dumps({**event, "application": ""}, sort_keys=True)


def test_menu(record: Record) -> None:
    """An application plays a prompt and takes digits: the recording has what the application heard."""
    apps: list[App] = []

    async def calls(rig: Rig) -> None:
        async with rig.app() as app, rig.phone("1001") as ann:
            apps.append(app)
            call = ann.call("500")
            channel = await app.caller()
            await call.until("up")
            await app.request("POST", f"channels/{channel}/play", media="sound:beep")
            await app.event("PlaybackFinished")
            await call.press("41#")
            while (await app.event("ChannelDtmfReceived"))["digit"] != "#":
                pass
            await app.request("DELETE", f"channels/{channel}")
            await call.until("ended")
            await app.event("StasisEnd")

    recorded = record(calls)
    types = ("ChannelDtmfReceived", "PlaybackStarted", "PlaybackFinished")
    assert events(recorded, *types) == heard(apps[0], *types)
    assert recorded.sql("SELECT digits FROM dtmf") == [("41#",)]


def test_recording_and_playback(record: Record, asterisk: Asterisk) -> None:
    """A channel is recorded and hears itself: start and end of both are events, and the file is there."""
    apps: list[App] = []

    async def calls(rig: Rig) -> None:
        async with rig.app() as app, rig.phone("1001") as ann:
            apps.append(app)
            call = ann.call("501")
            channel = await app.caller()
            await app.request("POST", f"channels/{channel}/record", name="note", format="wav", maxDurationSeconds=1)
            await app.event("RecordingFinished")
            await app.request("POST", f"channels/{channel}/play", media="recording:note,sound:beep")
            await app.event("PlaybackFinished")
            await call.hangup()
            await app.event("StasisEnd")

    recorded = record(calls)
    types = ("RecordingStarted", "RecordingFinished", "PlaybackStarted", "PlaybackContinuing", "PlaybackFinished")
    assert events(recorded, *types) == heard(apps[0], *types)
    assert recorded.sql("SELECT recording_name, recording_format, recording_duration FROM RecordingFinished") == [
        ("note", "wav", 1)
    ]
    assert recorded.sql("SELECT playback_media_uri FROM PlaybackStarted ORDER BY seq") == [
        ("recording:note",),
        ("sound:beep",),
    ]
    assert (asterisk.folder / "spool/recording/note.wav").stat().st_size > 16_000  # a second at 8 kHz, 16 bits


def test_application_conference(record: Record) -> None:
    """Three callers in a bridge that an application made: who talked with whom, from when to when."""
    bridges: list[str] = []

    async def calls(rig: Rig) -> None:
        async with rig.app() as app, rig.phone("1001") as ann, rig.phone("1002") as bob, rig.phone("1003") as cem:
            bridge = (await app.request("POST", "bridges", type="mixing"))["id"]
            bridges.append(bridge)
            members = []
            for phone in (ann, bob, cem):
                members.append(phone.call("502"))
                await app.request("POST", f"bridges/{bridge}/addChannel", channel=await app.caller())
            await eventually(lambda: all(phone.voice.heard > 5 for phone in (ann, bob, cem)), "all hear the others")
            for member in members:
                await member.hangup()
                await app.event("StasisEnd")
            await app.request("DELETE", f"bridges/{bridge}")

    recorded = record(calls)
    assert recorded.sql("SELECT bridge_id, channel_count FROM conversations") == [(bridges[0], 3)]
    assert recorded.sql("SELECT leg_count FROM calls") == [(3,)]


def test_video_and_a_recording_that_fails(record: Record) -> None:
    """Rare events: a bridge shows another caller's picture, and a caller in a bridge can't be recorded."""
    apps: list[App] = []
    channels: list[str] = []

    async def calls(rig: Rig) -> None:
        async with rig.app() as app, rig.phone("1001") as ann, rig.phone("1002") as bob:
            apps.append(app)
            bridge = (await app.request("POST", "bridges", type="mixing,video_single"))["id"]
            members = []
            for phone in (ann, bob):
                members.append(phone.call("503", video_port=phone.voice.port + 1))
                channels.append(await app.caller())
                await app.request("POST", f"bridges/{bridge}/addChannel", channel=channels[-1])
                await app.event("ChannelEnteredBridge")
            for channel in channels:
                await app.request("POST", f"bridges/{bridge}/videoSource/{channel}")
                await app.event("BridgeVideoSourceChanged")
            await app.request("POST", f"channels/{channels[0]}/record", name="never", format="wav")
            await app.event("RecordingFailed")
            for member in members:
                await member.hangup()
                await app.event("StasisEnd")
            await app.request("DELETE", f"bridges/{bridge}")

    recorded = record(calls)
    types = ("BridgeVideoSourceChanged", "RecordingFailed")
    assert events(recorded, *types) == heard(apps[0], *types)
    assert recorded.sql(
        "SELECT DISTINCT bridge_video_source_id, old_video_source_id FROM BridgeVideoSourceChanged ORDER BY ALL"
    ) == [(channels[0], None), (channels[1], channels[0])]
    assert recorded.sql("SELECT recording_name, recording_state, recording_cause FROM RecordingFailed") == [
        ("never", "failed", "Cannot record channel while in bridge")
    ]


def test_conference_room(record: Record) -> None:
    """Two callers in a conference room of the dialplan are one conversation."""

    async def calls(rig: Rig) -> None:
        async with rig.phone("1001") as ann, rig.phone("1002") as bob:
            members = [await phone.call("400").until("up") for phone in (ann, bob)]
            await eventually(lambda: ann.voice.heard > 10 and bob.voice.heard > 10, "both hear the room")
            for member in members:
                await member.hangup()

    recorded = record(calls)
    assert recorded.sql("SELECT channel_count FROM conversations") == [(2,)]
