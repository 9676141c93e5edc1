"""Media channels: made by requests of clients, or by the dialplan as far as events show it; what came and went."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from arirecord.json_text import json_object
from arirecord.session.reader import Frame

from .audio import Codec, codec_of

__all__ = ["MediaChannel", "described_channel", "dialplan_leg"]

_CODEC: Final = re.compile(r"c\(([^)]*)\)")


@dataclass(eq=False)
class MediaChannel:
    """A channel that carries audio to and from a client. `channel_id` is the recorded id, `connection_id` that of its
    WebSocket. `target` is the address for its audio, `data` its further argument.

    `has_format` is False while the codec is only assumed. `is_application` is True if the dialplan application
    AudioSocket carries the audio. `ended` is set when the channel is gone.
    """

    channel_id: str
    name: str
    codec: Codec
    connection_id: str = ""
    transport: str = ""
    target: str = ""
    data: str = ""
    is_json: bool = False
    has_format: bool = True
    is_application: bool = False
    received_frames: int = 0
    received_bytes: int = 0
    sent_frames: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, data: bytes) -> None:
        """Count audio from the client."""
        self.received_frames += 1
        self.received_bytes += len(data)

    def describe(self) -> dict[str, Any]:
        """The state for the control API."""
        return {
            "channel_id": self.channel_id,
            "format": self.codec.name,
            "received_frames": self.received_frames,
            "received_bytes": self.received_bytes,
            "sent_frames": self.sent_frames,
        }


def described_channel(given: Mapping[str, str], channel: Mapping[str, Any]) -> MediaChannel | None:
    """The media channel that a request with these parameters created, by the response; None if it is another one."""
    endpoint, options = given.get("endpoint", ""), given.get("transport_data", "")
    is_external = "external_host" in given or given.get("connection_type") == "server"
    technology, _, rest = endpoint.partition("/")
    if not is_external and technology not in ("WebSocket", "AudioSocket"):
        return None
    options = options or rest
    codec = _CODEC.search(options)
    usual = "slin" if technology == "AudioSocket" else "ulaw"
    name = codec[1] if codec else given.get("format") or given.get("formats", "").partition(",")[0] or usual
    if technology == "AudioSocket":
        address, _, data = rest.partition("/")
        transport = "audiosocket"
    else:
        address, data = given.get("external_host", ""), given.get("data", "")
        transport = given.get("transport") or ("websocket" if technology == "WebSocket" else "udp")
        transport = "audiosocket" if given.get("encapsulation") == "audiosocket" else transport
    variables = channel.get("channelvars")
    connection_id = variables.get("MEDIA_WEBSOCKET_CONNECTION_ID", "") if isinstance(variables, Mapping) else ""
    return MediaChannel(
        str(channel.get("id", "")),
        str(channel.get("name", "")),
        codec_of(name),
        str(connection_id),
        transport,
        address,
        data,
        "f(json)" in options,
    )


def dialplan_leg(frame: Frame) -> MediaChannel | None:
    """The media leg that an event shows; None if it shows none.

    chan_websocket sets a variable on its channels; `Dial` has the codec or the target, as the dialplan application
    AudioSocket has (Asterisk 22.10).
    """
    event = json_object(frame.raw)
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
