"""Media legs that the dialplan makes, as far as events show them: `Dial(WebSocket/…)`, AudioSocket and its channels."""

from typing import Any, Final

import orjson

from arirecord.session.reader import Frame

from .audio import codec_of
from .media_channel import MediaChannel, described_channel

__all__ = ["LEG_EVENTS", "dialplan_leg", "event_of"]

LEG_EVENTS: Final = {"ChannelVarset", "ChannelDialplan", "Dial"}

# Texts that events of such legs have.
_MARKS: Final = ('"WebSocket/', '"AudioSocket', "AudioSocket/")


def event_of(frame: Frame) -> dict[str, Any]:
    """The event of a frame; empty if its text has no object."""
    try:
        value = orjson.loads(frame.raw)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def dialplan_leg(frame: Frame) -> MediaChannel | None:
    """The media leg that an event shows; None if it shows none.

    chan_websocket sets a variable on its channels; `Dial` has the codec or the target, as the dialplan application
    AudioSocket has (Asterisk 22.10).
    """
    if not any(mark in frame.raw for mark in _MARKS):
        return None
    event = event_of(frame)
    channel = event.get("peer" if frame.type == "Dial" else "channel")
    if not isinstance(channel, dict):
        return None
    technology = str(channel.get("name", "")).partition("/")[0]
    leg = MediaChannel(str(channel.get("id", "")), str(channel.get("name", "")), codec_of("slin"), has_format=False)
    variable, value = event.get("variable"), str(event.get("value", ""))
    dialplan = channel.get("dialplan")
    if frame.type == "ChannelVarset" and variable == "MEDIA_WEBSOCKET_CONNECTION_ID":
        leg.transport, leg.connection_id, leg.codec = "websocket", value, codec_of("ulaw")
    elif frame.type == "ChannelDialplan" and isinstance(dialplan, dict) and dialplan.get("app_name") == "AudioSocket":
        leg.data, _, leg.target = str(dialplan.get("app_data", "")).replace("|", ",").partition(",")
        leg.transport, leg.is_application = "audiosocket", True
    elif technology in ("WebSocket", "AudioSocket") and event.get("dialstring") and "caller" in event:
        # Without a caller, a request made the channel: its client may have named another target than the recorded one.
        return described_channel({"endpoint": f"{technology}/{event['dialstring']}"}, channel)
    else:
        return None
    return leg
